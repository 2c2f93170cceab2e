"""Time that stands still until it is told to move, and a stopwatch that takes none."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta


class ManualClock:
    """Clock whose sleep moves time on at once. `on_sleep` runs in each sleep, so that others can act meanwhile."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []
        self.on_sleep: Callable[[float], None] = lambda seconds: None

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)
        self.on_sleep(seconds)

    def advance(self, seconds: float) -> None:
        """Moves time on without anyone sleeping."""
        self.seconds += seconds


class NullStopwatch:
    """A Stopwatch that remembers the order of the parts and no times."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def part(self, name: str) -> AbstractContextManager[None]:
        self.parts.append(name)
        return nullcontext()
