"""Labels come after the renditions and never at their cost; what a person removed stays removed."""

import pytest

from chalicelib.domain.errors import (
    LabelsRefusedError,
    LabelsUnavailableError,
    StoreError,
    UnavailableError,
    UnreadableImageError,
)
from chalicelib.domain.jobs import MOST_TRIES
from chalicelib.domain.labels import MOST_LABELS, tags_of
from chalicelib.domain.stored_renditions import State
from chalicelib.services.labelling import TRIES
from tests.fakes import MemoryParts
from tests.fakes.notices import FixedLabels
from tests.unit.image_store import DEMO, NEW, OLD, Killed, Store


class Labelled(Store):
    """A store that has images looked at."""

    def __init__(self) -> None:
        parts = MemoryParts()
        self.labels = parts.labels = FixedLabels(parts.steps)
        super().__init__(parts)

    def tags(self) -> dict[str, bool]:
        """Each tag, and whether it was found automatically."""
        return {one.tag: one.automatic for one in self.services.renditions.about(DEMO, b"k1").tags}

    def states(self) -> set[State]:
        return {one.state for one in self.services.renditions.about(DEMO, b"k1").renditions}

    def end(self) -> None:
        """Everything is done that will be done."""
        for _ in range(TRIES + 2):
            try:
                self.settle()
            except (Killed, StoreError):
                continue


def test_names_become_tags_in_lower_case_each_once_and_what_cannot_be_one_is_left_out() -> None:
    assert tags_of(["Mobile Phone", "SEA", "sea", "a, b", "", "x" * 51]) == ["mobile phone", "sea"]
    assert len(tags_of([f"label {number}" for number in range(30)])) == MOST_LABELS


def test_an_arrived_image_gets_labels_as_automatic_tags() -> None:
    store = Labelled()
    store.put(NEW)
    store.end()
    assert {"beach": True, "sea": True, "png": True}.items() <= store.tags().items()
    assert store.labels.seen == [b"looked-at of image/png" + NEW]
    assert store.parts.store.jobs == {}


def test_renditions_do_not_wait_for_labels() -> None:
    store = Labelled()
    store.put(NEW)
    seen: list[set[State]] = []
    store.parts.steps.before("labels.of", lambda: seen.append(store.states()))
    store.end()
    assert seen == [{State.READY}]


def test_an_edit_is_not_looked_at_again() -> None:
    store = Labelled()
    store.put(NEW)
    store.end()
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    store.end()
    assert len(store.labels.seen) == 1


def test_a_removed_label_stays_removed_and_an_own_tag_stays_an_own_one() -> None:
    store = Labelled()
    store.put(NEW)
    store.services.renditions.add_tag(DEMO, b"k1", "sea")
    store.end()
    store.services.renditions.remove_tag(DEMO, b"k1", "beach")
    store.put(OLD)  # another image under the key, which is looked at too
    store.end()
    assert len(store.labels.seen) == 2
    assert "beach" not in store.tags()
    assert store.tags()["sea"] is False


def test_what_is_away_is_asked_a_few_times_and_then_left_out() -> None:
    store = Labelled()
    store.parts.steps.stop("labels", LabelsUnavailableError("away"))
    asked: list[int] = []
    store.put(NEW)
    for _ in range(TRIES + 3):
        store.parts.steps.before("labels.of", lambda: asked.append(1))
        store.settle()
    assert len(asked) == TRIES
    assert (store.states(), store.parts.store.jobs) == ({State.READY}, {})
    assert "beach" not in store.tags()


def test_what_comes_back_in_time_labels_the_image() -> None:
    store = Labelled()
    store.parts.steps.fail("labels.of", LabelsUnavailableError("away"))
    store.put(NEW)
    store.end()
    assert "beach" in store.tags()


@pytest.mark.parametrize("error", [LabelsRefusedError("too small"), UnreadableImageError("damaged")])
def test_a_refusal_is_not_asked_again(error: StoreError) -> None:
    store = Labelled()
    store.parts.steps.fail("labels.of", error)
    store.put(NEW)
    store.end()
    assert (store.labels.seen, store.states(), store.parts.store.jobs) == ([], {State.READY}, {})


def test_an_image_whose_stored_bytes_are_damaged_goes_without_labels() -> None:
    store = Labelled()
    object_key = store.put(NEW).object_key
    store.services.worker.perform(store.parts.queue.messages.pop(0))
    store.parts.objects.stored[object_key] = (OLD, "image/png")
    store.end()
    assert (store.labels.seen, store.states(), store.parts.store.jobs) == ([], {State.READY}, {})


def test_what_never_works_is_given_up_in_the_end() -> None:
    store = Labelled()
    store.put(NEW)
    store.services.worker.perform(store.parts.queue.messages.pop(0))
    store.parts.renderer.failure = UnavailableError("The renderer does not work.")
    (label_id,) = store.parts.queue.messages
    for _ in range(MOST_TRIES):
        with pytest.raises(UnavailableError):
            store.services.worker.perform(label_id)
    store.services.worker.perform(label_id)
    assert (store.labels.seen, store.states(), store.parts.store.jobs) == ([], {State.READY}, {})


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "step", ["renditions.source", "objects.get", "renderer.render", "labels.of", "renditions.label"]
)
@pytest.mark.parametrize("error", [Killed(), UnavailableError("away")], ids=["killed", "away"])
def test_whatever_fails_on_the_way_the_image_is_labelled_in_the_end(
    step: str, error: BaseException, after: bool
) -> None:
    store = Labelled()
    store.put(NEW)
    (job_id,) = store.parts.queue.messages
    store.services.worker.perform(job_id)
    store.parts.queue.messages.pop(0)
    store.parts.steps.fail(step, error, after=after)
    store.end()
    assert "beach" in store.tags()
    assert store.parts.store.jobs == {}


def test_nothing_is_added_to_an_image_that_was_replaced_while_it_was_looked_at() -> None:
    store = Labelled()
    store.put(NEW)

    def delete() -> None:
        store.services.images.delete_all(DEMO)

    store.parts.steps.before("renditions.label", delete)
    store.end()
    assert store.tags() == {}


def test_without_labels_nothing_is_owed_and_nothing_looked_at() -> None:
    store = Store()
    store.put(NEW)
    store.settle()
    assert store.parts.store.jobs == {}
    assert "beach" not in [one.tag for one in store.services.renditions.about(DEMO, b"k1").tags]
