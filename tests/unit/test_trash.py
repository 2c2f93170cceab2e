"""The trash over fakes: put away, back, gone for ever, and what happens when others act on the same key meanwhile."""

import contextlib
import random
import secrets
from collections.abc import Callable

import pytest

from chalicelib.domain.errors import InvalidValueError, NotFoundError, QuotaError, StoreError
from chalicelib.domain.keys import MAX_CHARACTERS, names_for
from chalicelib.domain.trash import KEPT_DAYS, MOST_AT_ONCE
from chalicelib.services.images import no_precondition
from tests.fakes.interleaving import Interleaving, Pick
from tests.fakes.schedules import explore
from tests.unit.image_store import DEMO, NEW, OLD, WATCH, Store

DAY = 24 * 3600.0


class TrashStore(Store):
    """The services on fakes, with the trash at hand."""

    def __init__(self) -> None:
        super().__init__()
        self.trash = self.services.trash

    def in_trash(self) -> list[bytes]:
        return sorted(one.image.key for one in self.parts.store.trashed.values())

    def assert_nothing_is_left_over(self) -> None:
        """After all that is owed was done, there are the objects of what is kept, and no others."""
        self.settle()
        while self.parts.store.jobs:
            self.settle()
        kept = {image.object_key for image in self.parts.store.kept()}
        assert {one for one in self.parts.objects.stored if one.startswith("originals/")} == kept
        assert self.unnamed() == set()


@pytest.fixture
def store() -> TrashStore:
    return TrashStore()


def test_what_was_put_away_is_not_shown_and_comes_back_whole(store: TrashStore) -> None:
    store.put(OLD)
    store.settle()
    trashed = store.trash.put_one_away(DEMO, b"k1")
    assert store.shown() is None
    image, served = store.trash.get(DEMO, trashed.id, WATCH)
    assert served is not None
    assert image.facts.media_type == "image/webp"  # its thumbnail
    store.assert_nothing_is_left_over()
    assert store.trash.undo(DEMO, trashed.batch_id).restored[0].key == b"k1"
    assert store.shown() == OLD
    store.assert_nothing_is_left_over()


def test_until_a_thumbnail_is_there_the_trash_shows_the_image(store: TrashStore) -> None:
    store.put(OLD)
    trashed = store.trash.put_one_away(DEMO, b"k1")
    _, served = store.trash.get(DEMO, trashed.id, WATCH)
    assert served is not None
    assert bytes(served.data) == OLD


def test_what_is_deleted_for_ever_leaves_nothing(store: TrashStore) -> None:
    for number in range(3):
        store.put(b"bytes %d" % number, b"k%d" % number)
    batch = store.trash.put_away(DEMO, [b"k0", b"k1"])
    assert len(store.trash.delete(DEMO, [batch[0].id]).names) == 1
    assert store.trash.empty(DEMO) == 1
    with pytest.raises(NotFoundError):
        store.trash.get(DEMO, batch[0].id, WATCH)
    assert store.trash.undo(DEMO, batch[0].batch_id).restored == ()
    store.assert_nothing_is_left_over()
    assert store.images.keys(DEMO) == [b"k2"]


def test_an_undo_takes_back_what_is_left_of_its_own_batch_only(store: TrashStore) -> None:
    for number in range(4):
        store.put(b"bytes %d" % number, b"k%d" % number)
    first = store.trash.put_away(DEMO, [b"k0", b"k1"])
    store.trash.put_away(DEMO, [b"k2"])
    store.trash.delete(DEMO, [first[0].id])
    assert store.trash.in_batch(DEMO, first[0].batch_id) == 1
    assert [one.key for one in store.trash.undo(DEMO, first[0].batch_id).restored] == [b"k1"]
    assert store.in_trash() == [b"k2"]


def test_the_schedule_deletes_what_is_older_than_thirty_days_and_nothing_else(store: TrashStore) -> None:
    for number in range(250):
        store.put(b"bytes %d" % number, b"k%03d" % number)
    store.trash.put_away(DEMO, [b"k%03d" % number for number in range(249)])
    store.parts.clock.advance((KEPT_DAYS - 1) * DAY)
    store.trash.put_away(DEMO, [b"k249"])
    assert store.trash.purge() == 0
    store.parts.clock.advance(DAY + 1)
    assert store.trash.purge() == 249
    assert store.trash.purge() == 0
    assert store.in_trash() == [b"k249"]
    store.assert_nothing_is_left_over()


def test_what_is_in_the_trash_counts_against_the_quota(store: TrashStore) -> None:
    store.put(OLD)
    owner = store.parts.store.owners["demo"]
    store.parts.store.quotas[owner.id] = len(OLD) + len(NEW) - 1
    trashed = store.trash.put_one_away(DEMO, b"k1")
    with pytest.raises(QuotaError):
        store.put(NEW)
    store.trash.delete(DEMO, [trashed.id])
    store.put(NEW)


@pytest.mark.parametrize("count", [0, MOST_AT_ONCE + 1])
def test_too_many_or_none_at_once_are_refused(store: TrashStore, count: int) -> None:
    many, ids = store.services.many, [secrets.token_bytes(16) for _ in range(count)]
    refused: list[Callable[[], object]] = [
        lambda: store.trash.put_away(DEMO, [b"k"] * count),
        lambda: store.trash.restore(DEMO, ids),
        lambda: store.trash.delete(DEMO, ids),
        lambda: many.delete(DEMO, [b"k"] * count),
        lambda: many.add_tag(DEMO, [b"k"] * count, "sea"),
        lambda: many.remove_tag(DEMO, [b"k"] * count, "sea"),
        lambda: store.services.downloads.ask(DEMO, [b"k"] * count),
    ]
    for call in refused:
        with pytest.raises(InvalidValueError):
            call()


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("a.png", ["a.png", "a (2).png", "a (3).png"]),
        ("a", ["a", "a (2)", "a (3)"]),
        (".png", [".png", ".png (2)", ".png (3)"]),
        ("a.b c", ["a.b c", "a.b c (2)", "a.b c (3)"]),
        ("x/a.tar.gz", ["x/a.tar.gz", "x/a.tar (2).gz", "x/a.tar (3).gz"]),
    ],
)
def test_another_name_has_a_number_before_its_extension(key: str, names: list[str]) -> None:
    found = names_for(key.encode())
    assert [next(found).decode() for _ in names] == names


def test_another_name_is_never_too_long() -> None:
    found = names_for(("é" * (MAX_CHARACTERS - 4) + ".png").encode())
    assert len(next(found).decode()) == MAX_CHARACTERS
    for number in range(2, 12):
        name = next(found).decode()
        assert len(name) == MAX_CHARACTERS
        assert name.endswith(f" ({number}).png")


def actors_of(store: TrashStore) -> list[Callable[[], None]]:
    """Each acts on the same key: what one finds gone is no error."""
    (first,) = store.trash.put_away(DEMO, [b"k1"])
    store.put(OLD)

    def quietly(act: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            with contextlib.suppress(NotFoundError):
                act()

        return run

    return [
        quietly(lambda: store.trash.put_one_away(DEMO, b"k1")),
        quietly(lambda: store.put(NEW)),
        quietly(lambda: store.trash.restore(DEMO, [first.id])),
    ]


def test_put_away_stored_and_restored_at_once_loses_and_doubles_nothing() -> None:
    def run(pick: Pick) -> None:
        store = TrashStore()
        store.put(b"the first")
        actors = actors_of(store)
        between = Interleaving(random.Random(1), pick)
        store.parts.steps.gate = between.gate
        between.run(actors)
        store.parts.steps.gate = lambda: None
        there = {one.sha256 for one in store.parts.store.kept()}
        assert len(there) == len(store.parts.store.kept()), "each image is in one place"
        shown = [store.shown(key) for key in store.images.keys(DEMO)]
        assert None not in shown
        # The first was restored whoever came between; OLD was put away, replaced, or stands beside what came.
        assert b"the first" in shown or store.in_trash()
        store.assert_nothing_is_left_over()
        for key in store.images.keys(DEMO):
            assert store.services.renditions.about(DEMO, key).ready("thumbnail") is not None

    assert explore(run, preemptions=2) > 100


@pytest.mark.parametrize("seed", [secrets.randbits(32) for _ in range(3)])
def test_many_actions_at_once_on_few_keys_leave_everything_in_order(seed: int) -> None:
    print(f"seed {seed}")
    source, store = random.Random(seed), TrashStore()
    keys = [b"k1", b"k2"]

    def some_actions() -> None:
        for _ in range(6):
            key = source.choice(keys)
            act = source.choice(("put", "trash", "restore", "delete", "gone", "work"))
            try:
                if act == "put":
                    store.put(source.randbytes(8), key)
                elif act == "trash":
                    store.trash.put_one_away(DEMO, key)
                elif act == "delete":
                    store.images.delete(DEMO, key, no_precondition)
                elif act == "work":
                    store.services.worker.resend()
                    while store.parts.queue.messages:
                        store.services.worker.perform(store.parts.queue.messages.pop(0))
                else:
                    for one in store.trash.page(DEMO, None, 1).trashed:
                        (store.trash.restore if act == "restore" else store.trash.delete)(DEMO, [one.id])
            except (StoreError, IndexError):
                pass

    between = Interleaving(source)
    store.parts.steps.gate = between.gate
    between.run([some_actions for _ in range(4)])
    store.parts.steps.gate = lambda: None
    store.assert_nothing_is_left_over()
    for key in store.images.keys(DEMO):
        assert store.shown(key) is not None
        assert {one.state.value for one in store.services.renditions.about(DEMO, key).renditions} == {"ready"}
