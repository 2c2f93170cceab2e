"""Which partition a key belongs to, and which node index serves each partition.

A key's partition is the leading bits of the MD5 of its exact bytes. With 16 partitions that is the first hex digit:
`k1` (B637...) is partition 11 counted from 0, which the course and the pages count as 12.
"""

import hashlib

PARTITIONS = 16


def partition_of(key: bytes) -> int:
    """The key's partition, 0 to 15."""
    return hashlib.md5(key, usedforsecurity=False).digest()[0] >> 4


def alternating(nodes: int, partitions: int = PARTITIONS) -> tuple[int, ...]:
    """For each partition the index of its node: ABAB... for two nodes, ABCDABCD... for four. Empty without nodes."""
    return tuple(partition % nodes for partition in range(partitions)) if nodes else ()
