"""Which objects go when a node is too full: pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Held:
    """An object on the node. `used_at` is when it was last read or stored, in Unix seconds, to the minute."""

    key: bytes
    bytes: int
    used_at: int


def in_order(held: Sequence[Held], policy: str, source: random.Random) -> list[Held]:
    """The objects in the order in which they go: at random, or the least recently used first."""
    shuffled = list(held)
    source.shuffle(shuffled)  # also for LRU: among equals none is preferred
    return shuffled if policy == "RR" else sorted(shuffled, key=lambda one: one.used_at)


def taken(order: Sequence[Held], least_bytes: int) -> int:
    """How many from the front have that many bytes together; all if there are not so many."""
    total = 0
    for count, one in enumerate(order, start=1):
        total += one.bytes
        if total >= least_bytes:
            return count
    return len(order)
