"""Which partition a key belongs to, and which node index serves each partition.

A key's partition is the leading bits of the MD5 of its exact bytes. With 16 partitions that is the first hex digit:
`k1` (B637...) is partition 11 counted from 0, which the course and the pages count as 12.
"""

import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

md5: "Callable[[bytes], hashlib._Hash]"
try:
    # CPython's own MD5. Setting up OpenSSL's, which hashlib gives, takes longer than digesting a key.
    from _md5 import md5  # type: ignore[import-not-found,no-redef]
except ImportError:
    md5 = functools.partial(hashlib.md5, usedforsecurity=False)

PARTITIONS = 16
T = TypeVar("T")


def router(entries: Sequence[T]) -> Callable[[bytes], T]:
    """A function from a key to the entry of its partition. `entries` has one for each of the PARTITIONS."""
    if len(entries) != PARTITIONS:
        raise ValueError(f"{len(entries)} entries for {PARTITIONS} partitions")
    by_first_byte = tuple(entry for entry in entries for _ in range(256 // PARTITIONS))

    def route(key: bytes) -> T:
        return by_first_byte[md5(key).digest()[0]]

    return route


partition_of = router(range(PARTITIONS))
"""The key's partition, 0 to 15."""


def alternating(nodes: int, partitions: int = PARTITIONS) -> tuple[int, ...]:
    """For each partition the index of its node: ABAB... for two nodes, ABCDABCD... for four. Empty without nodes."""
    return tuple(partition % nodes for partition in range(partitions)) if nodes else ()
