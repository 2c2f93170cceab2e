"""What a closed minute comes to: memcached's figures and the application's counts in, metrics out. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MINUTE_SECONDS = 60
SLOT_SECONDS = 10  # the application counts in slots of so long
CATCH_UP_MINUTES = 8  # counts are kept for ten
COUNTS = {"Requests": "requests", "Misses": "origin_reads", "Copies": "copies", "Oversize": "oversize"}


@dataclass(frozen=True, slots=True)
class Stats:
    """What matters of memcached's `stats`. Counters are of the process's lifetime, which `pid` and `started` name."""

    pid: int
    started: int  # Unix seconds; memcached rounds, so it may be off by one from call to call
    items: int
    bytes: int
    limit_bytes: int
    evictions: int
    stored: int  # values ever stored
    connections: int


def parsed(stats: Mapping[bytes, object]) -> Stats:
    """From what pymemcache's `stats()` answers. Raises KeyError or ValueError if that is not memcached's."""

    def number(name: bytes) -> int:
        value = stats[name]
        if not isinstance(value, (int, str, bytes)):
            raise ValueError(f"{name!r} is no number: {value!r}")  # noqa: TRY004  # as for other text
        return int(value)

    return Stats(
        pid=number(b"pid"),
        started=number(b"time") - number(b"uptime"),
        items=number(b"curr_items"),
        bytes=number(b"bytes"),
        limit_bytes=number(b"limit_maxbytes"),
        evictions=number(b"evictions"),
        stored=number(b"total_items"),
        connections=number(b"curr_connections"),
    )


def evicted_between(before: Stats | None, after: Stats) -> int:
    """Evictions since `before`: all of a process that was started meanwhile, none that nobody knows of."""
    if before is None:
        return 0
    if before.pid != after.pid or after.evictions < before.evictions:
        return after.evictions
    return after.evictions - before.evictions


def count_keys(minute: int) -> dict[bytes, str]:
    """The keys of the application's counts of a minute, each with its metric's name."""
    slots = MINUTE_SECONDS // SLOT_SECONDS
    return {
        b"n:%s:%d" % (name.encode(), slot): metric
        for metric, name in COUNTS.items()
        for slot in range(minute * slots, (minute + 1) * slots)
    }


def totals(minute: int, values: Mapping[bytes, bytes]) -> dict[str, int]:
    """Requests, hits, misses, copies and oversize of a minute. Raises ValueError for a count that is no number."""
    found = dict.fromkeys(COUNTS, 0)
    for key, metric in count_keys(minute).items():
        found[metric] += int(values.get(key, b"0"))
    # Counts are made in two trips: a request may lie in the minute before its miss.
    return {**found, "Hits": max(0, found["Requests"] - found["Misses"])}


def metrics(
    counts: Mapping[str, int], stats: Stats, *, objects: int, object_bytes: int, evictions: int, capacity_bytes: int
) -> dict[str, int]:
    """All that is told of one minute."""
    return {
        **counts,
        "Evictions": evictions,
        "Items": objects,
        "Bytes": object_bytes,
        "CapacityBytes": capacity_bytes,
        "Connections": stats.connections,
    }


def due_minutes(now: float, grace_seconds: float, told: int | None, started: int) -> range:
    """The closed minutes that were not told yet, from when memcached started; not older than known.

    What was counted before a restart is lost: those minutes stay untold, for they were not idle.
    """
    newest = int(now - grace_seconds) // MINUTE_SECONDS - 1
    first = max(started // MINUTE_SECONDS, -1 if told is None else told + 1)
    return range(max(first, newest - CATCH_UP_MINUTES + 1), newest + 1)


def kept(waiting: Iterable[int], newest: int) -> list[int]:
    """Those of the minutes that are still worth telling."""
    return sorted(minute for minute in waiting if minute > newest - CATCH_UP_MINUTES)
