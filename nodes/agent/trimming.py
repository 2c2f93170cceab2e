"""How much is to go, and which. Pure: the list and the source of randomness are given."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from nodes.agent.orders import LRU

LEAST_ROOM = 1 / 64  # of the capacity, made at each trimming
MOST_ROOM = 1 / 2
FRESH_SHARE = 1 / 10  # so much of a list may be missing from it before it is too old to choose from


@dataclass(frozen=True, slots=True)
class Held:
    """An object in the node's own list: its key, when it was last used (Unix seconds), bytes with header."""

    key: bytes
    used_at: int
    size: int


def target_bytes(capacity_bytes: int, growth_bytes: int) -> int:
    """What occupancy is brought down to: room for twice what came between two looks, at most half the capacity."""
    room = max(int(capacity_bytes * LEAST_ROOM), 2 * growth_bytes)
    return capacity_bytes - min(room, int(capacity_bytes * MOST_ROOM))


def excess_bytes(occupied_bytes: int, capacity_bytes: int, growth_bytes: int) -> int:
    """How many bytes have to go now: 0 while what is expected until the next look still fits."""
    if occupied_bytes + growth_bytes <= capacity_bytes:
        return 0
    return max(0, occupied_bytes - target_bytes(capacity_bytes, growth_bytes))


def is_fresh(listed: int, stored_since: int) -> bool:
    """Whether a list may still be chosen from: newer objects would be spared otherwise."""
    return stored_since <= listed * FRESH_SHARE


@dataclass(slots=True)
class Candidates:
    """A list of what the node holds, and what was already taken from it."""

    held: list[Held] = field(default_factory=list)
    stored: int = 0  # memcached's count of stores when it was made

    def take(self, policy: str, excess: int, source: random.Random) -> list[Held]:
        """Objects of at least `excess` bytes together, or all there are; they leave the list."""
        taken = oldest(self.held, excess) if policy == LRU else drawn(self.held, excess, source)
        gone = {one.key for one in taken}
        self.held = [one for one in self.held if one.key not in gone]
        return taken


def oldest(held: Sequence[Held], excess: int) -> list[Held]:
    """The longest unused; those of one second in the order of the list."""
    return _enough(sorted(held, key=lambda one: one.used_at), excess)


def drawn(held: Sequence[Held], excess: int, source: random.Random) -> list[Held]:
    """Each with the same chance, whatever its age and size."""
    return _enough(source.sample(held, len(held)), excess)


def _enough(ordered: Sequence[Held], excess: int) -> list[Held]:
    taken: list[Held] = []
    for one in ordered:
        if excess <= 0:
            break
        taken.append(one)
        excess -= one.size
    return taken
