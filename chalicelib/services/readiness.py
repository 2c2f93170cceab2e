"""Whether the parts that the store leans on answer, each within a time of its own."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import Enum

from chalicelib.domain.errors import NodeError, StoreError
from chalicelib.domain.ports import FleetMaps, NodeAdmins
from chalicelib.services.asking_nodes import asked_at_once

KEPT_SECONDS = 2.0  # whoever asks more often is told the same again, so that asking cannot become a load


class State(Enum):
    """How a part answered."""

    ANSWERS = "answers"
    REFUSES = "refuses"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Probe:
    """How one part is asked. `ask` raises StoreError if the part cannot do its work."""

    ask: Callable[[], object]
    budget_seconds: float
    needed: bool  # whether nothing can be served without it


@dataclass(frozen=True, slots=True)
class Answered:
    """One part's answer, and how long it took."""

    state: State
    milliseconds: float
    needed: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """Every part's answer by the part's name."""

    parts: Mapping[str, Answered]

    @property
    def ready(self) -> bool:
        """Whether requests can be served, perhaps slower than usual."""
        return all(part.state is State.ANSWERS for part in self.parts.values() if part.needed)

    @property
    def whole(self) -> bool:
        """Whether everything answers."""
        return all(part.state is State.ANSWERS for part in self.parts.values())


@dataclass(slots=True)
class Asking:
    """Asks all parts at once. Safe to share between threads."""

    probes: Mapping[str, Probe]
    monotonic: Callable[[], float]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: tuple[float, Readiness] | None = None

    def now(self) -> Readiness:
        """How it stands, at most KEPT_SECONDS ago."""
        with self._lock:
            if self._kept is None or self.monotonic() - self._kept[0] >= KEPT_SECONDS:
                self._kept = (self.monotonic(), self._asked())
            return self._kept[1]

    def _asked(self) -> Readiness:
        pool = ThreadPoolExecutor(len(self.probes))
        started = time.perf_counter()
        try:
            asked = {name: pool.submit(_timed, probe.ask) for name, probe in self.probes.items()}
            parts = {}
            for name, probe in self.probes.items():
                wait([asked[name]], max(0.0, probe.budget_seconds - (time.perf_counter() - started)))
                parts[name] = _answered(asked[name], probe)
            return Readiness(parts)
        finally:
            pool.shutdown(wait=False)  # a late answer is nobody's; the calls have timeouts of their own


def nodes_answer(maps: FleetMaps, admins: NodeAdmins) -> None:
    """Raises NodeError if no node of the fleet takes a value and gives it back, or RowsUnavailableError."""
    nodes = maps.current().nodes
    if not any(answer is True for answer in asked_at_once(nodes, lambda node: admins.of(node).answers())):
        raise NodeError(f"None of the {len(nodes)} nodes answers.")


def _timed(ask: Callable[[], object]) -> tuple[bool, float]:
    started = time.perf_counter()
    try:
        ask()
    except StoreError:
        return False, time.perf_counter() - started
    return True, time.perf_counter() - started


def _answered(asked: "Future[tuple[bool, float]]", probe: Probe) -> Answered:
    if not asked.done():
        return Answered(State.SILENT, probe.budget_seconds * 1000, probe.needed)
    good, seconds = asked.result()
    return Answered(State.ANSWERS if good else State.REFUSES, seconds * 1000, probe.needed)
