"""Memcached nodes, by pymemcache: small timeouts, a breaker for each node, a lease in one round trip.

`default_noreply` is off everywhere and a connection is closed on any error, so that no answer is ever taken for the
answer to another question. A key never moves to another node because its own fails: the origin answers meanwhile.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pymemcache.exceptions import MemcacheError, MemcacheServerError, MemcacheUnexpectedCloseError
from pymemcache.pool import ObjectPool

from chalicelib.adapters.deadline_sockets import within
from chalicelib.adapters.memcached_client import NodeClient
from chalicelib.domain import breaker, rates, wire
from chalicelib.domain.breaker import Breaker, BreakerPolicy
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import Node

logger = logging.getLogger(__name__)

COUNT_SECONDS = 600  # how long a time slot's counts are kept
FAIR_BYTES_PER_SECOND = 100e6  # a large value is not a slow node
CALLS_AT_EASE = 4  # so many of this process at once do not yet slow each other down
LEAST_BYTES_PER_SECOND = 20e6  # a value that moves so fast may finish
MOST_SECONDS = 0.5  # for the largest value; its bytes are quicker to be had from the origin then
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NodePolicy:
    """How long a node may take for one answer, connecting included, how long a lease holds, when it is left alone.

    A large value earns itself time as it moves; a node that drips bytes does not.
    """

    timeout_seconds: float = 0.05
    lease_seconds: int = 5
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)


@dataclass(slots=True)
class _Call:
    moved_bytes: int = 0


class MemcachedNode:
    """NodeCache over one memcached process. Safe to share between threads."""

    def __init__(self, node: Node, policy: NodePolicy) -> None:
        self._node = node
        self._policy = policy
        self._breaker = Breaker()
        self._under_way = 0
        self._lock = threading.Lock()
        self._pool: ObjectPool[NodeClient] = ObjectPool(self._client, after_remove=NodeClient.close)

    def get(self, wire_key: bytes) -> bytes | bytearray | None:
        return self._value(wire_key, ())

    def get_counted(self, wire_key: bytes, names: Sequence[str], at: datetime) -> bytes | bytearray | None:
        slot = rates.slot_of(at.timestamp())
        return self._value(wire_key, [_increment(name, slot) for name in names])

    def lease(self, wire_key: bytes) -> "MemcachedLease | None":
        # Adds a placeholder if nothing is there and answers its CAS token in the same trip. `ms` does not touch the
        # counters of get, unlike `mg ... N`, which would count a miss as a hit.
        command = b"ms %s %d c ME T%d\r\n%s" % (
            wire_key,
            len(wire.PLACEHOLDER),
            self._policy.lease_seconds,
            wire.PLACEHOLDER,
        )
        self._admit()
        client = self._pool.get()
        try:
            with self._watched(client):
                answer: bytes = client.raw_command(command)
                if answer.startswith(b"HD c"):
                    return MemcachedLease(self, client, wire_key, answer[4:])
                if not answer.startswith(b"NS"):  # "NS c0": the flags are repeated
                    raise MemcacheError(f"not an answer to ms: {answer[:32]!r}")
        except NodeError:
            self._pool.destroy(client)
            raise
        self._pool.release(client)
        return None

    def remove(self, wire_keys: Iterable[bytes]) -> None:
        self._ask(lambda client: client.delete_many(list(wire_keys), noreply=False))

    def count(self, names: Iterable[str], at: datetime) -> None:
        # Quiet increments, and one answer for all of them.
        slot = rates.slot_of(at.timestamp())
        commands = [_increment(name, slot, flags=b"q ") for name in names]
        self._ask(lambda client: client.raw_command(b"".join(commands) + b"mn", end_tokens=b"MN\r\n"))

    def counts(self, names: Sequence[str], slots: Sequence[int]) -> dict[str, int]:
        keys = {_count_key(name, slot): name for name in names for slot in slots}

        def ask(client: NodeClient) -> dict[bytes, int]:
            return {key: int(count) for key, count in client.get_many(list(keys)).items()}

        totals = dict.fromkeys(names, 0)
        for key, count in self._ask(ask).items():
            totals[keys[key]] += count
        return totals

    def close(self) -> None:
        """Closes the connections that are not in use."""
        for _ in self._pool.free:
            self._pool.destroy(self._pool.get())

    def ended(self, client: NodeClient, work: Callable[[NodeClient], object], moved_bytes: int = 0) -> None:
        """Does a lease's last call on its own connection and takes the connection back. Never raises."""
        try:
            with self._watched(client) as call:
                work(client)
                call.moved_bytes = moved_bytes
        except NodeError:
            self._pool.destroy(client)
        else:
            self._pool.release(client)

    def _value(self, wire_key: bytes, before: Sequence[bytes]) -> bytearray | None:
        self._admit()
        with self._pool.get_and_release(destroy_on_fail=True) as client, self._watched(client) as call:
            value: bytearray | None = client.value(wire_key, before)
            call.moved_bytes = len(value or b"")
        return value

    def _ask(self, question: Callable[[NodeClient], T]) -> T:
        self._admit()
        with self._pool.get_and_release(destroy_on_fail=True) as client, self._watched(client):
            return question(client)

    def _admit(self) -> None:
        with self._lock:
            self._breaker, goes = breaker.admitted(self._breaker, time.monotonic(), self._policy.breaker)
        if not goes:
            raise NodeError(f"node {self._node.id} is left alone after it failed")

    @contextmanager
    def _watched(self, client: NodeClient) -> "Iterator[_Call]":
        """Times the call for the breaker and turns what a broken node causes into NodeError.

        What this process's other threads take from each other is not the node's slowness: a crowd of calls gets as
        much more time as it is larger.
        """
        call = _Call()
        with self._lock:
            self._under_way += 1
            crowd = max(1.0, self._under_way / CALLS_AT_EASE)
        started = time.monotonic()
        try:
            with within(
                self._policy.timeout_seconds * crowd,
                bytes_per_second=LEAST_BYTES_PER_SECOND / crowd,
                most_seconds=MOST_SECONDS * crowd,
            ):
                yield call
        except (MemcacheError, OSError, ValueError, KeyError) as error:  # numbers that are none, a key not asked for
            client.close()
            # pymemcache counts a connection that was closed among a server's errors; its words are only the latter.
            if isinstance(error, MemcacheServerError) and not isinstance(error, MemcacheUnexpectedCloseError):
                raise NodeError(f"node {self._node.id} refuses: {error}") from error  # it lives, and has no room
            self.close()  # what broke one connection broke the kept ones too; each would fail a probe of its own
            with self._lock:
                self._breaker = breaker.failed(self._breaker, time.monotonic(), self._policy.breaker)
            logger.warning("node %s failed: %s: %s", self._node.id, type(error).__name__, error)
            raise NodeError(f"node {self._node.id} does not answer") from error
        finally:
            with self._lock:
                self._under_way -= 1
        now = time.monotonic()
        took_seconds = (now - started) / crowd - call.moved_bytes / FAIR_BYTES_PER_SECOND
        with self._lock:
            before = self._breaker
            self._breaker = breaker.succeeded(before, took_seconds, now, self._policy.breaker)
            tripped = self._breaker.tripped and not before.tripped
        if tripped:
            logger.warning("node %s is slow: left alone for a while", self._node.id)

    def _client(self) -> NodeClient:
        return NodeClient(
            (self._node.address, self._node.port),
            connect_timeout=self._policy.timeout_seconds,
            timeout=self._policy.timeout_seconds,
            no_delay=True,
            default_noreply=False,
        )


class MemcachedLease:
    """The right to fill one missing value, on the connection that it was granted on."""

    def __init__(self, node: MemcachedNode, client: NodeClient, wire_key: bytes, token: bytes) -> None:
        self._node = node
        self._client = client
        self._wire_key = wire_key
        self._token = token

    def fill(self, value: bytes | bytearray, names: Sequence[str], at: datetime) -> None:
        slot = rates.slot_of(at.timestamp())
        counts = [_increment(name, slot) for name in names]

        def store(client: NodeClient) -> None:
            # The flags say when it was filled, in Unix seconds.
            client.fill(self._wire_key, value, self._token, int(at.timestamp()), counts)

        self._node.ended(self._client, store, moved_bytes=len(value))

    def release(self) -> None:
        self._node.ended(self._client, lambda client: client.raw_command(b"md %s C%s" % (self._wire_key, self._token)))


class MemcachedNodes:
    """NodeCaches: one MemcachedNode for each node id, kept between requests."""

    def __init__(self, policy: NodePolicy, kept: int = 64) -> None:
        self._policy = policy
        self._kept = kept
        self._nodes: dict[Node, MemcachedNode] = {}
        self._lock = threading.Lock()

    def of(self, node: Node) -> MemcachedNode:
        found = self._nodes.get(node)
        if found is not None:
            return found
        with self._lock:
            while len(self._nodes) >= self._kept:  # nodes of maps long gone
                self._nodes.pop(next(iter(self._nodes))).close()
            return self._nodes.setdefault(node, MemcachedNode(node, self._policy))


def _count_key(name: str, slot: int) -> bytes:
    return b"n:%s:%d" % (name.encode(), slot)


def _increment(name: str, slot: int, flags: bytes = b"") -> bytes:
    """The command that counts one more, and makes the counter if need be."""
    return b"ma %s %sN%d J1\r\n" % (_count_key(name, slot), flags, COUNT_SECONDS)
