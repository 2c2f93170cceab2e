"""Which node serves which partition: two ways to say it, and what a change moves.

Both are balanced to one partition. The alternating one is the mission's own and moves up to 15 of 16 partitions at a
resize; the minimal-move one moves only what it must.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeVar

from chalicelib.domain.partitions import PARTITIONS, alternating

ALTERNATING, MINIMAL_MOVE = "alternating", "minimal-move"
KINDS = (ALTERNATING, MINIMAL_MOVE)
H = TypeVar("H", bound=Hashable)


def assigned(kind: str, owners: Sequence[H | None], nodes: Sequence[H]) -> tuple[int, ...]:
    """For each partition the index in `nodes` of its node; `owners` are the nodes that serve the partitions now.

    `owners` may be empty: nobody serves yet. Empty without nodes. Raises ValueError on an unknown kind.
    """
    if kind == ALTERNATING:
        return alternating(len(nodes))
    if kind == MINIMAL_MOVE:
        return minimal_move(owners, nodes)
    raise ValueError(f"no such assignment: {kind}")


def minimal_move(owners: Sequence[H | None], nodes: Sequence[H]) -> tuple[int, ...]:
    """Balanced to one partition, moving as few as can be; the nodes that have most keep one more where it does not
    divide."""
    if not nodes:
        return ()
    owners = owners or [None] * PARTITIONS
    held = Counter(owners)
    least, one_more = divmod(len(owners), len(nodes))
    by_held = sorted(range(len(nodes)), key=lambda index: -held[nodes[index]])
    room = {index: least + (rank < one_more) for rank, index in enumerate(by_held)}
    index_of = {node: index for index, node in enumerate(nodes)}
    kept: list[int | None] = []
    for owner in owners:
        index = index_of.get(owner) if owner is not None else None
        if index is not None and room[index]:
            room[index] -= 1
            kept.append(index)
        else:
            kept.append(None)
    free = [index for index in range(len(nodes)) for _ in range(room[index])]
    return tuple(free.pop(0) if index is None else index for index in kept)


def moves(before: Sequence[H | None], after: Sequence[H | None]) -> tuple[int, ...]:
    """The partitions whose node changes."""
    return tuple(p for p, (old, new) in enumerate(zip(before, after, strict=True)) if old != new)
