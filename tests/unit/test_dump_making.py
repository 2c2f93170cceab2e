"""Dumps over fakes: made in stretches, killed at every step, by two workers at once, beside people who write."""

import gzip
import json
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest

from chalicelib.domain.admin import BEGUN, DONE, FAILED, Deed, Dump
from chalicelib.domain.dumps import DumpSoFar, so_far_of, text_of
from chalicelib.domain.errors import ObjectsUnavailableError, PartsLostError, RowsUnavailableError, UnknownDumpError
from chalicelib.domain.jobs import MAKE_DUMP, MOST_TRIES
from chalicelib.domain.parted import Parted
from chalicelib.services.admin import By
from chalicelib.services.dump_making import LEAST_LEFT_SECONDS, DumpMaking
from chalicelib.services.images import no_precondition
from chalicelib.services.part_writing import MOST_RESTARTS, StretchLimits
from tests.unit.image_store import DEMO, Killed, Store

DAY = 24 * 3600.0
TINY = StretchLimits(part_bytes=40, stretch_seconds=0.0, save_seconds=0.0)  # a part and a run for each page of rows
ONE_RUN = StretchLimits(part_bytes=40, stretch_seconds=60.0, save_seconds=0.0)
NO_PART = StretchLimits(part_bytes=1 << 20, stretch_seconds=0.0)  # no run has a whole part
KINDS = {"tiny": TINY, "one run": ONE_RUN, "no part": NO_PART}
STEPS = [
    *("dumps.begin", "dumps.page", "dumps.save", "objects.begin_parts", "objects.put_part", "objects.end_parts"),
    *("jobs.claim", "queue.send"),
]


class DumpStore(Store):
    """The services on fakes, with a worker that makes dumps by small limits."""

    def __init__(self, limits: StretchLimits = TINY, images: int = 9) -> None:
        super().__init__()
        ports, sending = self.parts, self.services.sending
        making = DumpMaking(ports.dump_rows, ports.objects, sending, ports.clock, "test", limits)
        vars(self.services)["dump_making"] = making
        for number in range(images):
            self.put(b"bytes of %d" % number, b"k%03d" % number)
        self.settle()

    def asked(self) -> Dump:
        deed = Deed(b"d" * 16, "admin@example.org", "192.0.2.1", "dump")
        self.parts.queue.send([self.parts.dump_rows.ask_dump(b"i" * 16, "dumps/a/test.jsonl.gz", deed)])
        return self.now()

    def now(self) -> Dump:
        (dump,) = self.parts.store.dumps.values()
        return dump

    def lines(self) -> list[dict[str, Any]]:
        data, media_type = self.parts.objects.stored[self.now().object_key]
        assert media_type == "application/gzip"
        assert len(data) == self.now().size
        return [json.loads(line) for line in gzip.decompress(data).splitlines()]

    def image_keys(self) -> list[str]:
        """Of the images in the dump, which says of itself what it holds."""
        head, *lines, tail = self.lines()
        rows = [line for line in lines if "row" in line]
        assert head["environment"] == "test"
        assert tail == {"rows": dict(Counter(row["table"] for row in rows))}
        assert self.now().rows == len(rows)
        stretches = [line["stretch"] for line in lines if "stretch" in line]
        assert stretches == list(range(1, len(stretches) + 1))
        return [row["row"]["image_key"] for row in rows if row["table"] == "images"]

    def outcome(self) -> str:
        (entry,) = self.parts.store.audit
        return entry.outcome


ALL = [f"k{number:03}" for number in range(9)]


@pytest.mark.parametrize("limits", KINDS.values(), ids=KINDS)
def test_every_row_is_in_it_once_however_long_a_stretch(limits: StretchLimits) -> None:
    store = DumpStore(limits)
    store.asked()
    store.work_off()
    assert (store.image_keys(), store.outcome(), store.now().state) == (ALL, DONE, "ready")
    assert (store.parts.objects.parted, store.kinds_owed()) == ({}, {"remove_objects"})
    stretches = sum("stretch" in line for line in store.lines())
    assert stretches == 1 if limits is ONE_RUN else stretches > 4


def test_it_tells_how_many_rows_it_has_so_far() -> None:
    store = DumpStore()
    store.asked()
    told = []
    while store.now().state == "being made":
        store.services.worker.perform(store.parts.queue.messages.pop(0))
        told.append(store.now().rows)
    assert told[-1] == len(ALL)
    assert all(before is not None and after is not None and before <= after for before, after in pairwise(told))
    assert len(set(told)) > 4


def test_a_dump_of_nothing_is_one() -> None:
    store = DumpStore(images=0)
    store.asked()
    store.work_off()
    assert (store.image_keys(), store.now().rows) == ([], 0)


def test_the_moment_of_each_stretch_stands_before_its_rows() -> None:
    store = DumpStore()
    store.asked()
    store.work_off()
    lines = store.lines()
    assert "not at all" in lines[0]["note"]
    moments = [line["at"] for line in lines if "stretch" in line]
    assert list(lines[1]) == ["stretch", "at"]
    assert moments == sorted(moments)


def test_what_is_deleted_and_stored_between_two_stretches_harms_no_other_row() -> None:
    store = DumpStore()
    store.asked()
    for _ in range(2):
        store.services.worker.perform(store.parts.queue.messages.pop(0))
    for key in (b"k000", b"k003", b"k008"):
        store.images.delete(DEMO, key, no_precondition)
    for key in (b"a", b"k0025", b"z"):
        store.put(b"late", key)
    store.work_off()
    found = store.image_keys()
    assert len(found) == len(set(found))
    always = set(ALL) - {"k000", "k003", "k008"}
    assert always | {"z"} <= set(found) <= set(ALL) | {"a", "k0025", "z"}


@pytest.mark.parametrize("limits", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("nth", [0, 1, 3])
def test_killed_at_any_step_it_is_made_all_the_same(step: str, after: bool, nth: int, limits: StretchLimits) -> None:
    store = DumpStore(limits)
    store.asked()
    for _ in range(nth):
        if store.parts.queue.messages:
            store.services.worker.perform(store.parts.queue.messages.pop(0))
    store.parts.steps.fail(step, Killed(), after=after)
    with suppress(Killed):
        store.perform_all()
    store.parts.steps.forget()
    store.work_off()
    assert (store.image_keys(), store.outcome()) == (ALL, DONE)
    assert store.kinds_owed() == {"remove_objects"}
    store.parts.clock.advance(DAY + 60)
    store.settle()
    assert not [one for one in store.parts.objects.stored if one.startswith("dumps/")]


def test_a_run_that_is_killed_when_the_object_is_made_is_not_done_all_over_again() -> None:
    store = DumpStore()
    store.asked()
    store.parts.steps.fail("objects.end_parts", Killed(), after=True)
    with pytest.raises(Killed):
        store.perform_all()
    pages = store.parts.steps.taken.count("dumps.page")
    store.work_off()
    assert (store.image_keys(), store.outcome()) == (ALL, DONE)
    assert store.parts.steps.taken.count("dumps.page") == pages


@pytest.mark.parametrize("limits", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    "step", ["dumps.page", "dumps.save", "objects.begin_parts", "objects.put_part", "objects.end_parts"]
)
@pytest.mark.parametrize("writes", [False, True])
def test_of_two_workers_at_once_one_makes_it(step: str, writes: bool, limits: StretchLimits) -> None:
    store = DumpStore(limits)
    store.asked()
    message = store.parts.queue.messages[0]

    def another() -> None:
        if writes:  # so that what the two of them store is not the same
            store.put(b"late", b"z")
        store.services.worker.perform(message)

    store.parts.steps.before(step, another)
    store.work_off()
    assert [key for key in store.image_keys() if key != "z"] == ALL
    assert (store.outcome(), MAKE_DUMP in store.kinds_owed()) == (DONE, False)


def test_errors_that_pass_leave_the_job_owed() -> None:
    store = DumpStore()
    store.asked()
    for step, error in (
        ("objects.put_part", ObjectsUnavailableError("no")),
        ("dumps.save", RowsUnavailableError("no")),
    ):
        store.parts.steps.fail(step, error)
        with pytest.raises(type(error)):
            store.services.worker.perform(store.parts.queue.messages[0])
    assert store.outcome() == BEGUN
    store.work_off()
    assert (store.image_keys(), store.outcome()) == (ALL, DONE)


def test_parts_that_are_lost_are_made_anew() -> None:
    store = DumpStore()
    store.asked()
    store.services.worker.perform(store.parts.queue.messages.pop(0))
    store.parts.objects.parted.clear()
    store.work_off()
    assert (store.image_keys(), store.parts.objects.parted) == (ALL, {})


def test_parts_that_are_lost_again_and_again_end_it_in_words() -> None:
    store = DumpStore()
    store.asked()
    for _ in range(MOST_RESTARTS + 1):
        store.parts.steps.fail("objects.put_part", PartsLostError("no"))
    store.work_off()
    assert "again and again" in str(store.now().why)
    assert (store.now().state, store.outcome(), store.kinds_owed()) == ("failed", FAILED, {"remove_objects"})
    assert store.parts.objects.parted == {}


@pytest.mark.parametrize("stretches", [0, 2])
def test_a_stretch_that_fails_at_each_try_ends_it_in_words_and_its_parts_are_given_up(stretches: int) -> None:
    store = DumpStore()
    store.asked()
    for _ in range(stretches):
        store.services.worker.perform(store.parts.queue.messages.pop(0))
    (message,) = store.parts.queue.messages
    for tried in range(1, MOST_TRIES + 1):
        assert store.outcome() == BEGUN, tried
        store.parts.steps.fail("dumps.page", RowsUnavailableError("The database does not answer."))
        with pytest.raises(RowsUnavailableError):
            store.services.worker.perform(message)
    assert store.now().why == f"It could not be made, {MOST_TRIES} times. The database does not answer."
    assert (store.now().state, store.outcome()) == ("failed", FAILED)
    assert (store.parts.objects.parted, store.kinds_owed()) == ({}, {"remove_objects"})
    with pytest.raises(UnknownDumpError, match="does not answer"):
        store.services.dumps.link(By(DEMO, "192.0.2.1"), store.now().id)
    store.services.worker.perform(message)
    assert store.outcome() == FAILED


def test_a_stretch_that_is_killed_at_each_try_ends_it_in_words() -> None:
    store = DumpStore()
    store.asked()
    (message,) = store.parts.queue.messages
    for _ in range(MOST_TRIES):
        store.parts.steps.fail("dumps.page", Killed())
        with pytest.raises(Killed):
            store.services.worker.perform(message)
    store.services.worker.perform(message)
    assert "cut short" in str(store.now().why)
    assert (store.outcome(), store.kinds_owed()) == (FAILED, {"remove_objects"})


def test_parts_that_cannot_be_given_up_keep_no_dump_from_failing() -> None:
    store = DumpStore()
    store.asked()
    store.services.worker.perform(store.parts.queue.messages.pop(0))
    (message,) = store.parts.queue.messages
    store.parts.steps.stop("objects", ObjectsUnavailableError("The store is gone."))
    for _ in range(MOST_TRIES):
        with pytest.raises(ObjectsUnavailableError):
            store.services.worker.perform(message)
    assert (store.now().state, store.outcome()) == ("failed", FAILED)


def test_a_dump_is_removed_after_a_day_and_one_that_is_not_ready_by_then_has_failed() -> None:
    store = DumpStore()
    store.asked()
    store.services.worker.perform(store.parts.queue.messages.pop(0))
    store.parts.clock.advance(DAY - LEAST_LEFT_SECONDS + 1)
    store.perform_all()
    assert (store.now().state, store.outcome()) == ("failed", FAILED)
    assert "within the day" in str(store.now().why)
    assert store.parts.objects.parted == {}
    store.settle()
    assert store.kinds_owed() == set()
    assert store.services.dumps.list() == []


def test_a_dump_of_a_former_day_is_given_up_by_a_job_that_comes_late() -> None:
    store = DumpStore()
    store.asked()
    (message,) = store.parts.queue.messages
    store.parts.clock.advance(DAY + 60)
    store.services.worker.perform(message)
    assert (store.outcome(), MAKE_DUMP in store.kinds_owed()) == (FAILED, False)
    assert store.now().object_key not in store.parts.objects.stored


def test_where_the_making_goes_on_is_kept_whole() -> None:
    stored = Parted("dumps/a/b", "an upload", ("tag 1", "tag 2"), 99)
    whole = DumpSoFar("a place", {"images": 3}, stored, b"rest", 4, 2, True)
    for one in (whole, DumpSoFar()):
        assert so_far_of(text_of(one), one.rest) == one
    assert so_far_of(None, None) == DumpSoFar()
    assert (whole.rows, whole.size) == (3, 103)
