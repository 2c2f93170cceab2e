"""Owners are told of edits that they asked for: once the edit stands, at least once, and never at rendering's cost."""

import pytest

from chalicelib.domain.errors import (
    NoticeRefusedError,
    NoticesUnavailableError,
    StoreError,
    UnavailableError,
    UnreadableImageError,
)
from chalicelib.domain.jobs import EDIT_NOTICE
from chalicelib.domain.notices import EditNotice, account_name, notice_text, requested
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.stored_renditions import State
from tests.fakes import MemoryParts
from tests.fakes.notices import MemoryNotices
from tests.unit.image_store import DEMO, NEW, OLD, Killed, Store

ARRIVAL = tuple(kind.name for kind in ON_ARRIVAL)
OWNER = bytes(range(16))


class Telling(Store):
    """A store that has a topic, with one image, rendered."""

    def __init__(self) -> None:
        parts = MemoryParts()
        self.notices = parts.notices = MemoryNotices(parts.steps)
        super().__init__(parts)
        self.put(NEW)
        self.settle()

    def state(self, kind: str) -> State:
        about = self.services.renditions.about(DEMO, b"k1")
        return next(one.state for one in about.renditions if one.kind == kind)

    def told(self) -> list[str]:
        return [notice.text for notice in self.notices.published]

    def work(self) -> None:
        """The worker does what was sent; what fails is left to the schedule."""
        while self.parts.queue.messages:
            try:
                self.services.worker.perform(self.parts.queue.messages.pop(0))
            except UnavailableError:
                continue


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        (ARRIVAL, ()),
        (("greyscale",), ("greyscale",)),
        (("flipped", "rotated-left"), ("flipped", "rotated-left")),
        (("preview", "flipped"), ("flipped",)),
        (("preview",), ()),
    ],
)
def test_what_somebody_asked_for_is_told_from_what_every_image_gets(
    kinds: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert requested(kinds) == found


def test_a_notice_says_key_edit_and_state_and_nothing_of_the_owner() -> None:
    ready = notice_text(EditNotice(OWNER, "mine \u202e“é”".encode(), ("greyscale",), True), "https://store.test/image")
    assert ready.text == "The edit “Greyscale” of your image “mine “é”” is ready.\n\nhttps://store.test/image\n"
    failed = notice_text(EditNotice(OWNER, b"k", ("flipped", "rotated-left"), False), None)
    assert "“Flipped” and “Rotated left” of your image “k” could not be made" in failed.text
    assert ready.subject.isascii()
    assert ready.account == failed.account == account_name(OWNER)
    assert not any(OWNER.hex() in words for words in (ready.account, ready.subject, ready.text))
    assert account_name(OWNER) != account_name(OWNER[::-1])


def test_an_arrival_is_not_told_and_an_edit_is_once_it_is_ready() -> None:
    store = Telling()
    assert store.told() == []
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    store.parts.steps.before("notices.publish", lambda: seen.append(store.state("greyscale")))
    seen: list[State] = []
    store.work()
    assert (seen, len(store.told())) == ([State.READY], 1)
    assert "“Greyscale” of your image “k1” is ready" in store.told()[0]
    assert store.parts.store.jobs == {}


def test_an_edit_that_cannot_be_made_is_told_too() -> None:
    store = Telling()
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    store.parts.renderer.failure = UnreadableImageError("damaged")
    store.work()
    assert store.state("greyscale") is State.FAILED
    (told,) = store.told()
    assert "could not be made" in told


def test_a_topic_that_is_away_costs_the_edit_nothing_and_is_told_later() -> None:
    store = Telling()
    store.parts.steps.stop("notices", NoticesUnavailableError("away"))
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    store.work()
    assert store.state("greyscale") is State.READY
    assert [row.job.kind for row in store.parts.store.jobs.values()] == [EDIT_NOTICE]
    store.parts.steps.start("notices")
    store.settle()
    assert (len(store.told()), store.parts.store.jobs) == (1, {})


def test_a_topic_that_refuses_is_not_asked_for_ever() -> None:
    store = Telling()
    store.parts.steps.stop("notices", NoticeRefusedError("no such topic"))
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    store.work()
    assert (store.state("greyscale"), store.parts.store.jobs) == (State.READY, {})


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["renditions.complete", "queue.send", "jobs.claim", "notices.publish", "jobs.finish"])
@pytest.mark.parametrize("error", [Killed(), UnavailableError("away")], ids=["killed", "away"])
def test_whatever_fails_on_the_way_an_edit_is_told_in_the_end(step: str, error: BaseException, after: bool) -> None:
    store = Telling()
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    store.parts.steps.fail(step, error, after=after)
    for _ in range(3):
        try:
            store.settle()
        except (Killed, StoreError):
            continue
    assert (store.state("greyscale"), store.parts.store.jobs) == (State.READY, {})
    assert len(store.told()) in ((1, 2) if step in ("notices.publish", "jobs.finish") else (1,))


def test_an_edit_that_is_made_twice_at_once_is_told_once() -> None:
    store = Telling()
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    (job_id,) = store.parts.queue.messages
    store.parts.steps.before("objects.put", lambda: store.services.worker.perform(job_id))
    store.work()
    assert (store.state("greyscale"), len(store.told())) == (State.READY, 1)


def test_nobody_is_told_of_an_image_that_was_replaced_meanwhile() -> None:
    store = Telling()
    store.services.renditions.edit(DEMO, b"k1", "greyscale")

    def replace() -> None:
        store.put(OLD)

    store.parts.steps.before("renditions.complete", replace)
    store.settle()
    assert store.told() == []


def test_without_a_topic_nothing_is_owed() -> None:
    store = Store()
    store.put(NEW)
    store.settle()
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    (job_id,) = store.parts.queue.messages
    store.services.worker.perform(job_id)
    assert store.parts.store.jobs == {}
