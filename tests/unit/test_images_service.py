import random

import pytest

from chalicelib.bootstrap import Services
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import (
    NotFoundError,
    ObjectsUnavailableError,
    PreconditionError,
    QueueUnavailableError,
    RequestError,
    RowsUnavailableError,
    StoreError,
    TooLargeError,
    UnreadableImageError,
    UnsupportedTypeError,
)
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import removals_of
from chalicelib.services.images import READ_ATTEMPTS, no_precondition
from tests.fakes import MemoryParts, NullStopwatch

DEMO = Principal("demo")
WATCH = NullStopwatch()
OLD, NEW = b"old bytes", b"new bytes"
TWO_HOURS = 7200.0


class Killed(BaseException):
    """The process ends here: nothing of the writer's runs any more."""


class Store:
    """The services on fakes, with the worker at hand."""

    def __init__(self) -> None:
        self.parts = MemoryParts()
        self.services: Services = self.parts.services()
        self.images = self.services.images

    def put(self, data: bytes, key: bytes = b"k1") -> Image:
        return self.images.put(DEMO, key, data, no_precondition, WATCH)[0]

    def shown(self, key: bytes = b"k1") -> bytes | None:
        """What a person sees."""
        try:
            _, served = self.images.get(DEMO, key, WATCH)
        except NotFoundError:
            return None
        assert served is not None
        return served.data

    def orphans(self) -> set[str]:
        """Objects that neither a row names nor a job will remove."""
        named = {image.object_key for image in self.parts.store.images.values()}
        owed = {removal.object_key for row in self.parts.store.jobs.values() for removal in removals_of(row.job)}
        return set(self.parts.objects.stored) - named - owed

    def settle(self) -> None:
        """Time passes, and the schedule and the worker do all that is owed."""
        self.parts.clock.advance(TWO_HOURS)
        self.services.worker.resend()
        while self.parts.queue.messages:
            self.services.worker.perform(self.parts.queue.messages.pop(0))

    def unnamed(self) -> set[str]:
        """Objects that no row names."""
        return set(self.parts.objects.stored) - {image.object_key for image in self.parts.store.images.values()}


@pytest.fixture
def store() -> Store:
    return Store()


def test_a_put_image_is_shown(store: Store) -> None:
    image, created = store.images.put(DEMO, b"k1", NEW, no_precondition, WATCH)
    assert created
    assert store.shown() == NEW
    assert store.images.find(DEMO, b"k1", WATCH) == image


def test_a_new_image_is_announced_then_stored_then_committed(store: Store) -> None:
    store.put(NEW)
    assert store.parts.steps.taken == ["rows.row", "inspector.inspect", "rows.announce", "objects.put", "rows.put"]
    assert store.parts.queue.messages == []


def test_a_replaced_images_object_is_sent_for_removal_after_the_commit(store: Store) -> None:
    old = store.put(OLD)
    store.parts.steps.taken.clear()
    _, created = store.images.put(DEMO, b"k1", NEW, no_precondition, WATCH)
    assert not created
    assert store.parts.steps.taken[-3:] == ["rows.put", "queue.send", "jobs.mark_sent"]
    assert len(store.parts.queue.messages) == 1
    store.settle()
    assert old.object_key not in store.parts.objects.stored
    assert store.shown() == NEW


def test_no_object_key_is_used_twice_and_none_tells_the_key(store: Store) -> None:
    keys = {store.put(data).object_key for data in (OLD, OLD, NEW)}
    assert len(keys) == 3
    assert all("k1" not in key.split("/") for key in keys)


WRITE_STEPS = ["rows.row", "inspector.inspect", "rows.announce", "objects.put", "rows.put"]


def error_of(step: str) -> StoreError:
    return ObjectsUnavailableError("no") if step.startswith("objects") else RowsUnavailableError("no")


@pytest.mark.parametrize("step", WRITE_STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("how", ["error", "killed"])
@pytest.mark.parametrize("replacing", [False, True])
def test_a_write_that_fails_at_any_step_is_not_acknowledged_and_leaves_no_orphan(
    store: Store, step: str, after: bool, how: str, replacing: bool
) -> None:
    if replacing:
        store.put(OLD)
    error: BaseException = error_of(step) if how == "error" else Killed()
    store.parts.steps.fail(step, error, after=after)
    with pytest.raises(type(error)):
        store.put(NEW)
    assert store.orphans() == set()
    committed = (step, after) == ("rows.put", True)  # only its answer was lost
    assert store.shown() == (NEW if committed else OLD if replacing else None)
    store.settle()
    assert store.unnamed() == set()
    assert store.parts.store.jobs == {}
    assert store.shown() == (NEW if committed else OLD if replacing else None)


@pytest.mark.parametrize("step", ["queue.send", "jobs.mark_sent"])
@pytest.mark.parametrize("after", [False, True])
def test_a_queue_that_is_down_is_harmless(store: Store, step: str, after: bool) -> None:
    error = QueueUnavailableError("no") if step.startswith("queue") else RowsUnavailableError("no")
    store.put(OLD)
    store.parts.steps.fail(step, error, after=after)
    store.put(NEW)
    store.parts.steps.fail(step, error, after=after)
    store.images.delete(DEMO, b"k1", no_precondition)
    store.settle()
    assert store.parts.objects.stored == {}
    assert store.parts.store.jobs == {}


def test_a_failed_abandonment_leaves_the_intent_for_later(store: Store) -> None:
    store.parts.steps.fail("objects.put", ObjectsUnavailableError("no"), after=True)
    store.parts.steps.fail("rows.abandon", RowsUnavailableError("no"))
    with pytest.raises(ObjectsUnavailableError):
        store.put(NEW)
    assert store.orphans() == set()
    store.settle()
    assert store.parts.objects.stored == {}


def test_a_failed_writes_removal_is_due_at_once(store: Store) -> None:
    store.parts.steps.fail("rows.put", RowsUnavailableError("no"))
    with pytest.raises(RowsUnavailableError):
        store.put(NEW)
    assert len(store.parts.job_rows.due(10)) == 1


@pytest.mark.parametrize("refusal", [UnsupportedTypeError("no"), TooLargeError("no"), UnreadableImageError("no")])
def test_refused_bytes_leave_nothing(store: Store, refusal: RequestError) -> None:
    store.parts.inspector.refusal = refusal
    with pytest.raises(type(refusal)):
        store.put(NEW)
    assert store.parts.steps.taken == ["rows.row"]
    assert store.parts.objects.stored == {}
    assert store.parts.store.jobs == {}


def must_be_new(image: Image | None) -> None:
    if image is not None:
        raise PreconditionError("there is one")


def test_a_precondition_that_fails_early_spares_the_work(store: Store) -> None:
    store.put(OLD)
    store.parts.steps.taken.clear()
    with pytest.raises(PreconditionError):
        store.images.put(DEMO, b"k1", NEW, must_be_new, WATCH)
    assert store.parts.steps.taken == ["rows.row"]


@pytest.mark.parametrize("moment", ["inspector.inspect", "rows.announce", "objects.put", "rows.put"])
def test_a_precondition_is_decided_again_under_the_lock(store: Store, moment: str) -> None:
    def another_is_first() -> None:
        store.put(OLD)

    store.parts.steps.before(moment, another_is_first)
    with pytest.raises(PreconditionError):
        store.images.put(DEMO, b"k1", NEW, must_be_new, WATCH)
    assert store.shown() == OLD
    store.settle()
    assert store.unnamed() == set()


def test_a_write_that_took_too_long_is_given_up_and_leaves_nothing(store: Store) -> None:
    store.parts.steps.before("rows.put", store.settle)
    with pytest.raises(RowsUnavailableError):
        store.put(NEW)
    assert store.shown() is None
    store.settle()
    assert store.parts.objects.stored == {}


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


def test_any_history_of_writes_and_faults_leaves_no_orphan_and_shows_the_last_acknowledged_bytes() -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    source = random.Random(seed)
    for _ in range(60):
        store = Store()
        possible: set[bytes | None] = {None}
        for number in range(source.randint(1, 8)):
            data = b"bytes %d" % number
            if source.random() < 0.4:
                step = source.choice([*WRITE_STEPS, "rows.delete", "rows.abandon", "queue.send"])
                error: BaseException = Killed() if source.random() < 0.5 else error_of(step)
                store.parts.steps.fail(step, error, after=source.random() < 0.5)
            writes = source.random() < 0.7
            try:
                if writes:
                    store.put(data)
                else:
                    store.images.delete(DEMO, b"k1", no_precondition)
            except (StoreError, Killed):
                possible.add(data if writes else None)  # it may have been done
            else:
                possible = {data if writes else None}
            if source.random() < 0.3:
                store.parts.steps.forget()
                store.settle()
            assert store.orphans() == set()
        store.parts.steps.forget()
        assert store.shown() in possible
        store.settle()
        assert store.unnamed() == set()
        assert store.shown() in possible
