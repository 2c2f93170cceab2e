"""Writing images over fakes: what is left when any step fails."""

import random

import pytest

from chalicelib.domain.errors import (
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
from chalicelib.domain.jobs import RENDER, removals_of
from chalicelib.services.images import no_precondition
from tests.unit.image_store import DEMO, NEW, OLD, WATCH, Killed, Store


@pytest.fixture
def store() -> Store:
    return Store()


def test_a_put_image_is_shown(store: Store) -> None:
    written = store.images.put(DEMO, b"k1", NEW, no_precondition, WATCH)
    assert written.created
    assert store.shown() == NEW
    assert store.images.find(DEMO, b"k1", WATCH) == written.image


def test_a_new_image_is_announced_then_stored_then_committed(store: Store) -> None:
    store.put(NEW)
    written, sent = store.parts.steps.taken[:5], store.parts.steps.taken[5:]
    assert written == ["rows.row", "inspector.inspect", "rows.announce", "objects.put", "rows.put"]
    assert sent == ["queue.send", "jobs.mark_sent"]
    assert [store.kind_of(job_id) for job_id in store.parts.queue.messages] == [RENDER]


def test_a_replaced_images_object_is_sent_for_removal_after_the_commit(store: Store) -> None:
    old = store.put(OLD)
    store.parts.steps.taken.clear()
    assert not store.images.put(DEMO, b"k1", NEW, no_precondition, WATCH).created
    assert store.parts.steps.taken[-3:] == ["rows.put", "queue.send", "jobs.mark_sent"]
    assert len(store.removals()) == 1
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
    store.parts.steps.fail("rows.put", PreconditionError("no"))
    store.parts.steps.fail("rows.abandon", RowsUnavailableError("no"))
    with pytest.raises(PreconditionError):
        store.put(NEW)
    assert store.orphans() == set()
    store.settle()
    assert store.parts.objects.stored == {}


def test_what_is_refused_after_it_was_stored_is_due_to_go_at_once(store: Store) -> None:
    store.parts.steps.fail("rows.put", PreconditionError("no"))
    with pytest.raises(PreconditionError):
        store.put(NEW)
    assert len(store.parts.job_rows.due(10)) == 1


def test_an_object_that_arrives_after_its_writer_gave_up_goes_too(store: Store) -> None:
    store.parts.steps.fail("objects.put", ObjectsUnavailableError("no answer in time"))
    with pytest.raises(ObjectsUnavailableError):
        store.put(NEW)
    (intent,) = store.parts.store.jobs.values()
    (removal,) = removals_of(intent.job)
    store.services.worker.resend()  # whatever is due at once is done at once
    while store.parts.queue.messages:
        store.services.worker.perform(store.parts.queue.messages.pop(0))
    store.parts.objects.stored[removal.object_key] = (NEW, "image/png")  # the bytes were on their way all the time
    store.settle()
    assert store.unnamed() == set()
    assert store.parts.store.jobs == {}


def test_a_database_that_has_just_failed_is_not_waited_for_again(store: Store) -> None:
    store.parts.steps.fail("rows.put", RowsUnavailableError("no"))
    with pytest.raises(RowsUnavailableError):
        store.put(NEW)
    assert "rows.abandon" not in store.parts.steps.taken
    assert len(store.parts.store.jobs) == 1  # due by itself, later
    assert store.parts.job_rows.due(10) == []


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
