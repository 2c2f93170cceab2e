"""Making renditions over fakes: what is left when any step fails, and however often and late a job is delivered."""

import random
from contextlib import suppress

import pytest

from chalicelib.domain.errors import (
    InvalidValueError,
    NotFoundError,
    ObjectsUnavailableError,
    OverloadedError,
    RowsUnavailableError,
    StoreError,
    UnavailableError,
    UnreadableImageError,
)
from chalicelib.domain.jobs import MOST_TRIES, RENDER, Removal, Render, removal_job, removals_of, render_job, render_of
from chalicelib.domain.renditions import KINDS, ON_ARRIVAL, Kind, Rendered, Seen
from chalicelib.domain.stored_renditions import State, kind_of, object_key_of, original_of
from chalicelib.services.images import no_precondition
from tests.fakes import FixedRenderer
from tests.unit.image_store import DEMO, NEW, OLD, WATCH, Killed, Store

ARRIVAL = tuple(kind.name for kind in ON_ARRIVAL)
STEPS = [
    *("jobs.claim", "renditions.source", "objects.get", "renderer.render"),
    *("rows.announce", "objects.put", "renditions.complete"),
]


@pytest.fixture
def store() -> Store:
    return Store()


def states(store: Store, key: bytes = b"k1") -> dict[str, State]:
    about = store.services.renditions.about(DEMO, key)
    return {one.kind: one.state for one in about.renditions}


def tags(store: Store, key: bytes = b"k1") -> dict[str, bool]:
    return {one.tag: one.automatic for one in store.services.renditions.about(DEMO, key).tags}


def rendered(store: Store, kind: str = "thumbnail", key: bytes = b"k1") -> bytes:
    _, served = store.services.renditions.get(DEMO, key, kind, WATCH)
    assert served is not None
    return bytes(served.data)


def perform(store: Store) -> None:
    """What was sent is delivered, once."""
    while store.parts.queue.messages:
        store.services.worker.perform(store.parts.queue.messages.pop(0))


def test_an_image_is_processing_until_its_job_is_done_and_then_ready(store: Store) -> None:
    store.put(NEW)
    assert states(store) == dict.fromkeys(ARRIVAL, State.DUE)
    perform(store)
    assert states(store) == dict.fromkeys(ARRIVAL, State.READY)
    assert rendered(store, "preview") == b"preview of image/png" + NEW
    assert tags(store) == dict.fromkeys(["png", "landscape", "small", "red", "2024-05"], True)
    assert store.parts.store.jobs == {}


def test_a_rendition_is_read_at_the_image_s_partition_and_cached(store: Store) -> None:
    store.put(NEW)
    perform(store)
    image, first = store.services.renditions.get(DEMO, b"k1", "thumbnail", WATCH)
    _, original = store.images.get(DEMO, b"k1", WATCH)
    _, second = store.services.renditions.get(DEMO, b"k1", "thumbnail", WATCH)
    assert first is not None
    assert second is not None
    assert original is not None
    assert first.partition == second.partition == original.partition
    assert (first.node, second.node is None) == (None, False)
    assert image.facts.media_type == "image/webp"


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("how", ["error", "killed"])
@pytest.mark.parametrize("then", ["", "replaced", "deleted"])
def test_a_job_that_fails_at_any_step_is_done_later_and_leaves_nothing_behind(
    store: Store, step: str, after: bool, how: str, then: str
) -> None:
    store.put(NEW)
    error: BaseException = ObjectsUnavailableError("no") if how == "error" else Killed()
    store.parts.steps.fail(step, error, after=after)
    with pytest.raises(type(error)):
        perform(store)
    assert store.orphans() == set()
    if then == "replaced":
        store.put(OLD)
    elif then == "deleted":
        store.images.delete(DEMO, b"k1", no_precondition)
    assert store.orphans() == set()
    store.settle()
    store.settle()
    assert store.unnamed() == set()
    assert store.parts.store.jobs == {}
    if then == "deleted":
        assert store.parts.objects.stored == {}
        assert store.parts.store.renditions == {}
        assert store.parts.store.tags == {}
    else:
        assert states(store) == dict.fromkeys(ARRIVAL, State.READY)
        assert rendered(store).endswith(OLD if then == "replaced" else NEW)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("how", ["replaced", "deleted", "deleted and put again"])
def test_an_image_that_changes_at_any_moment_shows_no_rendition_of_the_one_before(
    store: Store, step: str, how: str
) -> None:
    def change() -> None:
        if how != "replaced":
            store.images.delete(DEMO, b"k1", no_precondition)
        if how != "deleted":
            store.put(OLD)

    store.put(NEW)
    (job_id,) = store.parts.queue.messages
    store.parts.queue.messages.clear()
    store.parts.steps.before(step, change)
    store.services.worker.perform(job_id)
    perform(store)
    store.settle()
    assert store.unnamed() == set()
    assert store.parts.store.jobs == {}
    if how == "deleted":
        assert store.parts.objects.stored == {}
    else:
        assert rendered(store).endswith(OLD)
        assert len(store.parts.objects.stored) == 1 + len(ARRIVAL)


def test_a_worker_that_stores_after_all_was_removed_takes_its_objects_back(store: Store) -> None:
    store.put(NEW)
    (job_id,) = store.parts.queue.messages

    def all_is_over() -> None:
        perform(store)  # the same job, by another worker
        store.images.delete(DEMO, b"k1", no_precondition)
        perform(store)
        assert store.parts.objects.stored == {}

    store.parts.steps.before("objects.put", all_is_over)
    store.services.worker.perform(job_id)
    assert store.parts.objects.stored != {}
    assert store.orphans() == set()
    store.settle()
    assert store.parts.objects.stored == {}


def test_the_removal_of_a_try_that_was_given_up_leaves_what_a_later_try_made(store: Store) -> None:
    store.put(NEW)
    store.parts.steps.fail("renditions.complete", Killed())
    with pytest.raises(Killed):
        perform(store)
    (announced,) = [row.job for row in store.parts.store.jobs.values() if row.job.kind != RENDER]
    assert len(removals_of(announced)) == len(ARRIVAL)
    store.parts.clock.advance(7200)
    store.services.worker.perform(announced.id)  # before the job is tried again, and the original is still there
    assert len(store.parts.objects.stored) == 1 + len(ARRIVAL)
    store.settle()
    assert rendered(store).endswith(NEW)
    assert store.unnamed() == set()


def test_every_job_five_times_and_shuffled_makes_exactly_one_rendition_of_each_kind() -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    source = random.Random(seed)
    store, count = Store(), 100
    for number in range(count):
        store.put(b"first %d" % number, b"k%d" % number)
        if number % 3 == 0:
            store.put(b"second %d" % number, b"k%d" % number)
        if number % 7 == 0:
            store.images.delete(DEMO, b"k%d" % number, no_precondition)
    deliveries = store.parts.queue.messages * 5
    store.parts.queue.messages.clear()
    source.shuffle(deliveries)
    for job_id in deliveries:
        if source.random() < 0.05:
            store.parts.steps.fail(source.choice(STEPS), Killed(), after=source.random() < 0.5)
        with suppress(Killed):
            store.services.worker.perform(job_id)
        store.parts.steps.forget()
    store.settle()
    store.settle()
    kept = len(store.parts.store.images)
    assert kept == count - len(range(0, count, 7))
    assert len(store.parts.store.renditions) == kept * len(ARRIVAL)
    assert {one.state for one in store.parts.store.renditions.values()} == {State.READY}
    assert len(store.parts.objects.stored) == kept * (1 + len(ARRIVAL))
    assert store.unnamed() == set()
    assert store.parts.store.jobs == {}


def test_a_poison_image_fails_with_words_and_is_not_tried_again_until_it_is_asked_for(store: Store) -> None:
    store.parts.renderer.failure = UnreadableImageError("The image is damaged.")
    store.put(NEW)
    perform(store)
    assert states(store) == dict.fromkeys(ARRIVAL, State.FAILED)
    assert {one.why for one in store.services.renditions.about(DEMO, b"k1").renditions} == {"The image is damaged."}
    assert store.parts.store.jobs == {}
    with pytest.raises(NotFoundError):
        rendered(store)
    store.parts.renderer.failure = None
    store.settle()
    assert states(store) == dict.fromkeys(ARRIVAL, State.FAILED)
    store.services.renditions.retry(DEMO, b"k1")
    assert states(store) == dict.fromkeys(ARRIVAL, State.DUE)
    perform(store)
    assert states(store) == dict.fromkeys(ARRIVAL, State.READY)
    assert "png" in tags(store)


def test_an_image_whose_stored_bytes_are_damaged_fails_until_they_are_right_again(store: Store) -> None:
    object_key = store.put(NEW).object_key
    kept = store.parts.objects.stored[object_key]
    store.parts.objects.stored[object_key] = (OLD, kept[1])
    perform(store)
    assert states(store) == dict.fromkeys(ARRIVAL, State.FAILED)
    assert "renderer.render" not in store.parts.steps.taken
    assert store.parts.store.jobs == {}
    store.parts.objects.stored[object_key] = kept
    store.services.renditions.retry(DEMO, b"k1")
    perform(store)
    assert states(store) == dict.fromkeys(ARRIVAL, State.READY)


@pytest.mark.parametrize("failure", [OverloadedError("busy"), UnavailableError("not working")])
def test_a_failure_that_may_pass_is_raised_and_the_job_stays(store: Store, failure: StoreError) -> None:
    store.parts.renderer.failure = failure
    store.put(NEW)
    with pytest.raises(UnavailableError):
        perform(store)
    assert states(store) == dict.fromkeys(ARRIVAL, State.DUE)
    store.parts.renderer.failure = None
    store.settle()
    assert states(store) == dict.fromkeys(ARRIVAL, State.READY)


class Deliveries:
    """A queue as SQS is: what was not done comes again after a while, and after five times goes to `dead`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.dead: list[bytes] = []
        self._waiting: list[tuple[float, int, bytes]] = []

    def minute(self) -> None:
        """One minute of the schedule and the worker."""
        self.store.services.worker.resend()
        now, messages = self.store.parts.clock.monotonic(), self.store.parts.queue.messages
        self._waiting += [(now, 0, job_id) for job_id in messages]
        messages.clear()
        for at, times, job_id in [one for one in self._waiting if one[0] <= now]:
            self._waiting.remove((at, times, job_id))
            if times == 5:
                self.dead.append(job_id)
                continue
            try:
                self.store.services.worker.perform(job_id)
            except (UnavailableError, Killed):
                self._waiting.append((now + 180, times + 1, job_id))
        self.store.parts.clock.advance(60)


@pytest.mark.parametrize("how", ["unavailable", "killed"])
def test_nothing_stays_in_processing_when_each_try_fails(store: Store, how: str) -> None:
    store.put(NEW)
    (job_id,) = store.parts.queue.messages
    if how == "unavailable":
        store.parts.renderer.failure = UnavailableError("The renderer does not work.")
    else:
        for _ in range(MOST_TRIES):
            store.parts.steps.fail("renderer.render", Killed())
    deliveries, minutes = Deliveries(store), 0
    while states(store) == dict.fromkeys(ARRIVAL, State.DUE):
        deliveries.minute()
        minutes += 1
        assert minutes < 240
    assert minutes > 10  # a short fault is waited for
    assert states(store) == dict.fromkeys(ARRIVAL, State.FAILED)
    whys = {one.why or "" for one in store.services.renditions.about(DEMO, b"k1").renditions}
    assert all(why.startswith("It could not be made, 20 times.") for why in whys)
    assert how == "killed" or all(why.endswith("The renderer does not work.") for why in whys)
    assert job_id in deliveries.dead
    assert store.parts.store.jobs == {}
    store.parts.renderer.failure = None
    store.services.renditions.retry(DEMO, b"k1")
    deliveries.minute()
    assert states(store) == dict.fromkeys(ARRIVAL, State.READY)


def test_an_edit_is_made_once_however_often_it_is_asked_for(store: Store) -> None:
    store.put(NEW)
    perform(store)
    for _ in range(3):
        store.services.renditions.edit(DEMO, b"k1", "greyscale")
    assert len(store.parts.queue.messages) == 1
    assert states(store)["greyscale"] is State.DUE
    perform(store)
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    assert store.parts.queue.messages == []
    assert rendered(store, "greyscale") == b"greyscale of image/png" + NEW
    store.images.delete(DEMO, b"k1", no_precondition)
    store.settle()
    assert store.parts.objects.stored == {}


def test_an_edit_that_failed_is_made_when_it_is_asked_for_again(store: Store) -> None:
    store.put(NEW)
    perform(store)
    store.parts.renderer.failure = UnreadableImageError("no")
    store.services.renditions.edit(DEMO, b"k1", "rotated-left")
    perform(store)
    assert states(store) == {**dict.fromkeys(ARRIVAL, State.READY), "rotated-left": State.FAILED}
    store.parts.renderer.failure = None
    store.services.renditions.edit(DEMO, b"k1", "rotated-left")
    perform(store)
    assert states(store)["rotated-left"] is State.READY


def test_an_edit_that_does_not_fit_into_the_quota_fails_in_words_and_stores_nothing(store: Store) -> None:
    image = store.put(NEW)
    perform(store)
    owner_id, objects = image.owner_id, dict(store.parts.objects.stored)
    taken = store.parts.store.bytes_of(owner_id)
    store.parts.store.quotas[owner_id] = taken + 1  # room for a beginning
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    perform(store)
    (edit,) = [one for one in store.services.renditions.about(DEMO, b"k1").renditions if one.kind == "greyscale"]
    assert edit.state is State.FAILED
    assert str(taken + 1) in (edit.why or "")
    assert (store.parts.objects.stored, store.parts.store.jobs) == (objects, {})
    store.services.renditions.retry(DEMO, b"k1")
    perform(store)
    assert states(store)["greyscale"] is State.FAILED
    assert store.parts.store.bytes_of(owner_id) == taken
    store.parts.store.quotas[owner_id] = 1 << 20
    store.services.renditions.retry(DEMO, b"k1")
    perform(store)
    assert states(store)["greyscale"] is State.READY
    assert store.parts.store.bytes_of(owner_id) == taken + len(rendered(store, "greyscale"))


@pytest.mark.parametrize("how_often", [1, 3])
def test_an_edit_beyond_the_quota_takes_nothing_from_what_an_image_gets_in_any_case(
    store: Store, how_often: int
) -> None:
    image = store.put(NEW)
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    store.parts.queue.messages.clear()
    store.services.image_details.rename(DEMO, b"k1", "k2", no_precondition)  # one job for all that is due
    store.parts.store.quotas[image.owner_id] = store.parts.store.bytes_of(image.owner_id) + 1
    orders = [row.job for row in store.parts.store.jobs.values() if row.job.kind == RENDER]
    both = next(job for job in orders if set(render_of(job).kinds) == {*ARRIVAL, "greyscale"})
    for _ in range(how_often):
        store.services.worker.perform(both.id)
    perform(store)
    assert states(store, b"k2") == dict.fromkeys(ARRIVAL, State.READY) | {"greyscale": State.FAILED}
    assert rendered(store, key=b"k2") == b"thumbnail of image/png" + NEW
    store.settle()
    assert store.parts.store.jobs == {}


def test_a_queue_that_is_down_only_delays_an_edit(store: Store) -> None:
    store.put(NEW)
    perform(store)
    store.parts.steps.fail("queue.send", RowsUnavailableError("no"))
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    store.settle()
    assert states(store)["greyscale"] is State.READY


@pytest.mark.parametrize("kind", ["thumbnail", "preview", "", "painted"])
def test_what_is_no_edit_is_refused(store: Store, kind: str) -> None:
    store.put(NEW)
    with pytest.raises(InvalidValueError):
        store.services.renditions.edit(DEMO, b"k1", kind)


def test_of_an_image_that_is_not_there_nothing_can_be_asked(store: Store) -> None:
    renditions = store.services.renditions
    for ask in (
        lambda: renditions.edit(DEMO, b"k1", "greyscale"),
        lambda: renditions.retry(DEMO, b"k1"),
        lambda: renditions.add_tag(DEMO, b"k1", "sea"),
        lambda: renditions.remove_tag(DEMO, b"k1", "sea"),
        lambda: renditions.get(DEMO, b"k1", "thumbnail", WATCH),
    ):
        with pytest.raises(NotFoundError):
            ask()
    assert store.parts.store.jobs == {}


def test_a_removed_automatic_tag_stays_removed_and_own_tags_stay(store: Store) -> None:
    store.put(NEW)
    perform(store)
    store.services.renditions.remove_tag(DEMO, b"k1", "red")
    assert store.services.renditions.add_tag(DEMO, b"k1", "  The  Sea ") == "the sea"
    store.put(OLD)  # seen as the same again
    assert tags(store)["the sea"] is False
    perform(store)
    assert tags(store) == {**dict.fromkeys(["png", "landscape", "small", "2024-05"], True), "the sea": False}


def test_automatic_tags_are_those_of_the_image_that_is_there(store: Store) -> None:
    store.put(NEW)
    perform(store)
    store.parts.renderer.seen = Seen(30, 20, colours=((20, 30, 220, 1.0),))
    store.put(OLD)
    perform(store)
    assert set(tags(store)) == {"png", "landscape", "small", "blue"}


def test_no_tag_outlives_its_image(store: Store) -> None:
    store.put(NEW)
    perform(store)
    store.services.renditions.add_tag(DEMO, b"k1", "sea")
    store.images.delete(DEMO, b"k1", no_precondition)
    store.put(NEW)
    assert tags(store) == {}


class CountingRenderer(FixedRenderer):
    """Counts what it is asked for."""

    asked: tuple[str, ...] = ()

    def render(self, data: bytes, media_type: str, kinds: list[Kind]) -> tuple[Seen, list[Rendered]]:  # type: ignore[override]
        self.asked += tuple(kind.name for kind in kinds)
        return super().render(data, media_type, kinds)


def test_one_decoding_makes_all_that_an_image_gets_on_arrival() -> None:
    store = Store()
    store.parts.renderer = renderer = CountingRenderer(steps=store.parts.steps)
    store.services = store.parts.services()
    store.images = store.services.images
    store.put(NEW)
    perform(store)
    assert store.parts.steps.taken.count("renderer.render") == 1
    assert renderer.asked == ARRIVAL


@pytest.mark.parametrize("kind", KINDS)
def test_a_rendition_s_object_key_tells_its_original(kind: str) -> None:
    original = "originals/0123/4567"
    assert original_of(object_key_of(original, kind)) == original_of(original) == original
    assert (kind_of(object_key_of(original, kind)), kind_of(original)) == (kind, None)
    assert len({object_key_of(original, each) for each in KINDS}) == len(KINDS)


def test_a_render_job_says_what_it_was_made_of() -> None:
    order = Render(b"\x01" * 16, "é\n".encode(), "originals/a/b", ("thumbnail", "flipped"))
    assert render_of(render_job(b"j" * 16, order)) == order
    assert removal_job(b"j" * 16, [Removal(b"\x01" * 16, "originals/a/b", 3)]).kind != RENDER
