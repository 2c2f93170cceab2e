"""From a key's bytes to its partition and node, against hashlib's MD5 alone and against two common ways to route."""

import bisect
import functools
import hashlib
import random
from collections import deque
from collections.abc import Callable

from pymemcache.client.rendezvous import RendezvousHash

from bench.interleaved import Comparison, compare
from bench.rows import Row, row
from chalicelib.domain.fleet import EMPTY, FleetMap, Node, with_nodes
from chalicelib.domain.partitions import partition_of

GOAL = 0.65
FLEETS = (1, 8, 64)
KETAMA_POINTS = 160  # of each node on the ring, as libmemcached has them
_KEYS = 500
_SEED = 1


def rows() -> list[Row]:
    """The router at several sizes of the fleet."""
    told = [_told("key → partition, against a function around hashlib's MD5", partition_of, hashlib_digest, GOAL)]
    for count in FLEETS:
        route = fleet_of(count).route
        names = [f"node-{number}" for number in range(count)]
        told += [
            _told(what(count), route, hashlib_digest, GOAL),
            _told(f"key → node of {count}, against a ketama ring", route, ketama(names)),
            _told(f"key → node of {count}, against pymemcache's RendezvousHash", route, rendezvous(names), calls=25),
        ]
    return told


def what(nodes: int) -> str:
    """The name of a row."""
    return f"key → node of {nodes}, against a function around hashlib's MD5"


def against_hashlib(nodes: int, rounds: int = 21) -> Comparison:
    """The router of so many nodes against the one-line function around hashlib."""
    return _compared(fleet_of(nodes).route, hashlib_digest, _KEYS, rounds)


def fleet_of(count: int) -> FleetMap:
    """A fleet map of so many nodes."""
    return with_nodes(EMPTY, [Node(f"node-{number}", "127.0.0.1", 11211) for number in range(count)])


def hashlib_digest(key: bytes) -> bytes:
    """The least that a router by hashlib does."""
    return hashlib.md5(key).digest()  # noqa: S324


def rendezvous(names: list[str]) -> Callable[[bytes], object]:
    """pymemcache's own router; it takes text."""
    router = RendezvousHash(nodes=names)
    return lambda key: router.get_node(key.decode())


def ketama(names: list[str]) -> Callable[[bytes], str]:
    """The ring of libketama: four points of a node in each of 40 MD5s, a key at the next point."""
    points = sorted(
        (int.from_bytes(digest[start : start + 4], "little"), name)
        for name in names
        for number in range(KETAMA_POINTS // 4)
        for digest in [hashlib_digest(f"{name}-{number}".encode())]
        for start in range(0, 16, 4)
    )
    places, owners = [place for place, _ in points], [name for _, name in points]

    def route(key: bytes) -> str:
        place = int.from_bytes(hashlib_digest(key)[:4], "little")
        return owners[bisect.bisect_left(places, place) % len(owners)]

    return route


def _told(
    what: str,
    ours: Callable[[bytes], object],
    theirs: Callable[[bytes], object],
    goal: float | None = None,
    calls: int = _KEYS,
) -> Row:
    compared = _compared(ours, theirs, calls, rounds=21)
    per_call = Comparison(
        compared.ratio, compared.low, compared.high, compared.ours_seconds / calls, compared.theirs_seconds / calls
    )
    return row(what, per_call, goal)


def _compared(
    ours: Callable[[bytes], object], theirs: Callable[[bytes], object], calls: int, rounds: int
) -> Comparison:
    source = random.Random(_SEED)
    keys = [source.randbytes(11).hex().encode() for _ in range(calls)]

    def all_keys(route: Callable[[bytes], object]) -> None:
        deque(map(route, keys), maxlen=0)  # the least that calling it costs

    return compare(
        functools.partial(all_keys, ours), functools.partial(all_keys, theirs), rounds=rounds, pairs=9, collecting=False
    )
