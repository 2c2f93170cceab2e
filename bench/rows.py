"""What a benchmark tells: rows of a table, and how they are kept."""

from dataclasses import dataclass

from bench.interleaved import Comparison


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `goal` is the highest ratio that is wanted; without one the ratio is only recorded."""

    what: str
    ours: str
    theirs: str
    ratio: float
    low: float
    high: float
    goal: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the goal is reached, if there is one."""
        return self.goal is None or self.ratio <= self.goal

    @property
    def verdict(self) -> str:
        """The same in a word."""
        if self.goal is None:
            return "recorded"
        return "reached" if self.reached else "**not reached**"


def row(what: str, compared: Comparison, goal: float | None = None) -> Row:
    """A comparison of two times as a row."""
    ours, theirs = in_words(compared.ours_seconds), in_words(compared.theirs_seconds)
    return Row(what, ours, theirs, compared.ratio, compared.low, compared.high, goal)


def in_words(seconds: float) -> str:
    """A time with the unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
