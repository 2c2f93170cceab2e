"""Reading, listing and deleting images, over fakes."""

import pytest

from chalicelib.domain.errors import NotFoundError, ObjectsUnavailableError
from chalicelib.services.images import READ_ATTEMPTS, no_precondition
from tests.unit.image_store import DEMO, NEW, OLD, WATCH, Store


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.mark.parametrize("moment", ["node.get", "node.lease", "objects.get"])
def test_an_object_removed_while_it_is_read_makes_the_row_be_read_again(store: Store, moment: str) -> None:
    store.put(OLD)

    def replaced_and_removed() -> None:
        store.put(NEW)
        store.settle()

    store.parts.steps.before(moment, replaced_and_removed)
    assert store.shown() == NEW


def test_an_image_deleted_while_it_is_read_is_not_found(store: Store) -> None:
    store.put(OLD)

    def deleted_and_removed() -> None:
        store.images.delete(DEMO, b"k1", no_precondition)
        store.settle()

    store.parts.steps.before("objects.get", deleted_and_removed)
    assert store.shown() is None


def test_a_row_whose_object_is_lost_is_told_as_such(store: Store) -> None:
    store.put(NEW)
    store.parts.objects.stored.clear()
    store.parts.steps.taken.clear()
    with pytest.raises(ObjectsUnavailableError):
        store.shown()
    assert store.parts.steps.taken.count("rows.row") == READ_ATTEMPTS


def test_bytes_that_are_not_wanted_are_not_fetched(store: Store) -> None:
    image = store.put(NEW)
    store.parts.steps.taken.clear()
    assert store.images.get(DEMO, b"k1", WATCH, wanted=lambda found: found != image) == (image, None)
    assert store.parts.steps.taken == ["rows.row"]


def test_what_is_not_there_is_not_found_in_words(store: Store) -> None:
    for ask in (
        lambda: store.images.get(DEMO, b"k2", WATCH),
        lambda: store.images.find(DEMO, b"k2", WATCH),
        lambda: store.images.delete(DEMO, b"k2", no_precondition),
    ):
        with pytest.raises(NotFoundError, match="k2"):
            ask()


def test_a_deleted_image_is_gone_and_its_bytes_are_removed_afterwards(store: Store) -> None:
    image = store.put(NEW)
    store.shown()
    store.images.delete(DEMO, b"k1", no_precondition)
    assert store.shown() is None
    assert image.object_key in store.parts.objects.stored
    store.settle()
    assert store.parts.objects.stored == {}
    assert all(cache.values == {} for cache in store.parts.caches.nodes.values())


def test_deleting_all_tells_how_many_there_were(store: Store) -> None:
    for number in range(5):
        store.put(NEW, b"k%d" % number)
    assert store.images.delete_all(DEMO) == 5
    assert store.images.delete_all(DEMO) == 0
    assert store.images.keys(DEMO) == []
    store.settle()
    assert store.parts.objects.stored == {}


def test_pages_follow_each_other_and_the_last_one_says_so(store: Store) -> None:
    for number in range(5):
        store.put(NEW, b"k%d" % number)
    for limit, lengths in ((2, [2, 2, 1]), (5, [5]), (6, [5]), (1, [1, 1, 1, 1, 1])):
        after, seen, found = None, [], []
        while True:
            page = store.images.page(DEMO, after, limit)
            seen.append(len(page.images))
            found += [image.key for image in page.images]
            if page.next_after is None:
                break
            after = page.next_after
        assert seen == lengths
        assert found == store.images.keys(DEMO)


def test_an_empty_list_has_one_empty_page(store: Store) -> None:
    page = store.images.page(DEMO, None, 10)
    assert (page.images, page.next_after) == ([], None)


def test_a_signed_address_is_of_the_images_object(store: Store) -> None:
    image = store.put(NEW)
    assert image.object_key in store.images.signed_address(image)
