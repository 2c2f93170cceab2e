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
from chalicelib.domain.notices import (
    MOST_NAMED,
    EditNotice,
    account_name,
    edits_among,
    is_asked_for,
    notice_text,
    settings_name,
)
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.stored_renditions import State
from chalicelib.services.edit_notices import WANTED, TellingOwners
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

    def subscribe(self, wanted: bool = True) -> None:
        owner_id = self.parts.store.owners[DEMO.name].id
        version, _ = self.parts.settings.read(settings_name(owner_id))
        assert self.parts.settings.write(settings_name(owner_id), version, {WANTED: wanted})

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
    ("kinds", "edits", "asked_for"),
    [
        (ARRIVAL, ("flipped",), False),
        (("greyscale",), ("greyscale",), True),
        (("flipped", "rotated-left"), ("flipped", "rotated-left"), True),
        (("preview", "flipped"), ("flipped",), True),
        ((*ARRIVAL, "greyscale"), ("flipped", "greyscale"), True),
        (("preview",), (), False),
        (("full",), (), False),
    ],
)
def test_every_edit_is_told_and_those_that_somebody_asked_for_are_told_apart(
    kinds: tuple[str, ...], edits: tuple[str, ...], asked_for: bool
) -> None:
    assert (edits_among(kinds), is_asked_for(kinds)) == (edits, asked_for)


def test_a_notice_says_key_edit_and_state_and_nothing_of_the_owner() -> None:
    one = EditNotice(OWNER, "mine \u202e“é”".encode(), ("greyscale",), True)
    ready = notice_text([one], "https://store.test/image")
    assert ready.text == "The edit “Greyscale” of your image “mine “é”” is ready.\n\nhttps://store.test/image\n"
    failed = notice_text([EditNotice(OWNER, b"k", ("flipped", "rotated-left"), False)], None)
    assert "“Flipped” and “Rotated left” of your image “k” could not be made" in failed.text
    assert ready.subject.isascii()
    assert ready.account == failed.account == account_name(OWNER)
    assert not any(OWNER.hex() in words for words in (ready.account, ready.subject, ready.text))
    assert account_name(OWNER) != account_name(OWNER[::-1])


def test_many_notices_are_one_with_a_line_for_each_edit_and_state() -> None:
    flipped = [EditNotice(OWNER, b"k%03d" % number, ("flipped",), True) for number in range(MOST_NAMED + 3)]
    failed = [EditNotice(OWNER, key, ("flipped",), False) for key in (b"a", b"b")]
    grey = EditNotice(OWNER, b"k000", ("greyscale",), True)
    told = notice_text([*flipped, grey, *failed, grey], "https://store.test/")
    ready_line, grey_line, failed_line, address = told.text.rstrip().split("\n\n")
    assert ready_line.startswith(f"The edit “Flipped” of {MOST_NAMED + 3} of your images is ready: “k000”, “k001”")
    assert ready_line.endswith("“k009” and 3 more.")
    assert grey_line == "The edit “Greyscale” of your image “k000” is ready."
    assert failed_line.endswith("could not be made; their pages say why, and can try again: “a”, “b”.")
    assert (address, told.subject) == ("https://store.test/", "Your edits")
    assert notice_text(flipped, None).subject == "Your edits are ready"
    assert notice_text(failed, None).subject == "Your edits could not be made"


def test_an_edit_that_was_asked_for_is_told_once_it_is_ready() -> None:
    store = Telling()
    store.services.renditions.edit(DEMO, b"k1", "greyscale")
    store.parts.steps.before("notices.publish", lambda: seen.append(store.state("greyscale")))
    seen: list[State] = []
    store.work()
    assert (seen, len(store.told())) == ([State.READY], 1)
    assert "“Greyscale” of your image “k1” is ready" in store.told()[0]
    assert store.parts.store.jobs == {}


def test_of_what_every_image_gets_whoever_has_switched_mail_on_is_told_and_nobody_else() -> None:
    store = Telling()
    assert store.told() == []
    store.subscribe()
    store.put(NEW, b"k2")
    store.settle()
    store.settle()
    (told,) = store.told()
    assert "“Flipped” of your image “k2” is ready" in told
    assert store.parts.store.jobs == {}
    store.subscribe(wanted=False)
    store.put(NEW, b"k3")
    store.settle()
    store.settle()
    assert len(store.told()) == 1


def test_what_a_batch_brings_is_told_together() -> None:
    store = Telling()
    store.subscribe()
    for number in range(30):
        store.put(b"bytes of %d" % number, b"batch %d" % number)
    store.services.worker.resend()
    store.work()  # rendered, and nothing told yet: the schedule comes once a minute
    assert store.told() == []
    store.settle()
    (told,) = store.told()
    assert "“Flipped” of 30 of your images is ready" in told
    assert store.parts.store.jobs == {}


def test_a_mail_leads_to_the_image_and_one_of_several_to_the_gallery() -> None:
    store = Telling()
    rows = store.parts.job_rows
    vars(store.services)["telling_owners"] = TellingOwners(store.notices, rows, "https://store.test")
    store.subscribe()
    store.put(NEW, "é/ü".encode())
    store.settle()
    store.settle()
    for key in (b"a", b"b"):
        store.put(NEW, key)
    store.settle()
    store.settle()
    one, several = store.told()
    assert one.endswith("\n\nhttps://store.test/image?key=%C3%A9%2F%C3%BC\n")
    assert several.endswith("\n\nhttps://store.test/\n")


def test_an_arrival_that_is_tried_again_together_with_an_edit_that_was_asked_for_tells_of_both() -> None:
    store = Telling()
    store.put(OLD, b"k2")
    store.parts.renderer.failure = UnreadableImageError("damaged")
    store.settle()
    store.services.renditions.edit(DEMO, b"k2", "greyscale")
    store.work()
    store.notices.published.clear()
    store.parts.renderer.failure = None
    store.services.renditions.retry(DEMO, b"k2")
    store.work()
    (told,) = store.told()
    assert "“Flipped” and “Greyscale” of your image “k2” is ready" in told


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
