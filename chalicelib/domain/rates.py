"""Rates over a window of counted requests. Missing is not zero: an empty window has no rate."""

from dataclasses import dataclass

SLOT_SECONDS = 10
WINDOW_SLOTS = 6  # one minute

REQUESTS, ORIGIN_READS, WAITS = "requests", "origin_reads", "waits"
COPIES = "copies"  # misses that a previous node of the partition answered: no origin read, so no miss
OVERSIZE = "oversize"  # images too large for a node: read at the origin, in no other count
NAMES = (REQUESTS, ORIGIN_READS, WAITS, COPIES, OVERSIZE)


def copies_of(partition: int) -> str:
    """The name under which the copies of one partition are counted."""
    return f"copies-{partition}"


@dataclass(frozen=True, slots=True)
class Rates:
    """What was counted over the window. One origin read is one miss."""

    requests: int
    origin_reads: int
    waits: int
    copies: int = 0
    oversize: int = 0
    silent_nodes: tuple[str, ...] = ()  # ids of those that could not be asked; their counts are missing here

    @property
    def miss(self) -> float | None:
        return self.origin_reads / self.requests if self.requests else None

    @property
    def hit(self) -> float | None:
        return 1 - self.origin_reads / self.requests if self.requests else None


def slot_of(unix_seconds: float) -> int:
    """The time slot that a moment lies in."""
    return int(unix_seconds) // SLOT_SECONDS


def last_minute(unix_seconds: float) -> range:
    """The slots of the last minute, the one under way included."""
    slot = slot_of(unix_seconds)
    return range(slot - WINDOW_SLOTS + 1, slot + 1)
