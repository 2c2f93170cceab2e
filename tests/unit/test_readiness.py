"""Whether the parts answer, each within its time."""

import threading

from chalicelib.domain.errors import NodeError
from chalicelib.services.readiness import KEPT_SECONDS, Asking, Probe, State
from tests.fakes.clock import ManualClock


def _refuses() -> None:
    raise NodeError("It says no.")


def test_everything_answers() -> None:
    readiness = Asking({"a": Probe(lambda: None, 5, needed=True)}, ManualClock().monotonic).now()
    assert (readiness.ready, readiness.whole) == (True, True)
    assert readiness.parts["a"].state is State.ANSWERS


def test_a_part_that_is_not_needed_may_be_away() -> None:
    probes = {"a": Probe(lambda: None, 5, needed=True), "b": Probe(_refuses, 5, needed=False)}
    readiness = Asking(probes, ManualClock().monotonic).now()
    assert (readiness.ready, readiness.whole) == (True, False)
    assert readiness.parts["b"].state is State.REFUSES


def test_a_part_that_hangs_is_silent_and_holds_up_no_other() -> None:
    released = threading.Event()
    probes = {"hangs": Probe(lambda: released.wait(60), 0.05, needed=True), "a": Probe(lambda: None, 5, needed=True)}
    try:
        readiness = Asking(probes, ManualClock().monotonic).now()
    finally:
        released.set()
    assert not readiness.ready
    assert {name: part.state for name, part in readiness.parts.items()} == {"hangs": State.SILENT, "a": State.ANSWERS}


def test_whoever_asks_often_is_told_the_same_for_a_while() -> None:
    clock, asked = ManualClock(), []
    asking = Asking({"a": Probe(lambda: asked.append(1), 5, needed=True)}, clock.monotonic)
    first = asking.now()
    assert asking.now() is first
    clock.advance(KEPT_SECONDS)
    assert asking.now() is not first
    assert len(asked) == 2
