"""Bytes from the cache, or from the origin into the cache: one reader fills, the crowd waits.

Nothing here decides what may be shown: the caller has read the row, and the row names an immutable object. Whatever a
node does, the origin can answer. The lease idea is from Nishtala et al., "Scaling Memcache at Facebook" (NSDI 2013).

While a handoff is under way the one reader that fills asks the nodes that served the partition before, nearest first,
and copies; only what they have not got is read at the origin.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from chalicelib.domain import rates, wire
from chalicelib.domain.errors import NodeError, ObjectsUnavailableError, OverloadedError
from chalicelib.domain.fleet import Node
from chalicelib.domain.images import Image
from chalicelib.domain.ports import Clock, FleetMaps, Lease, NodeCache, NodeCaches, Objects, Stopwatch


@dataclass(frozen=True, slots=True)
class FillPolicy:
    """How long a reader waits for another one's fill, how large a value a node takes, and what the origin is spared.

    With every node gone each read goes to the origin. No more than `origin_at_once` do so at a time in one process: the
    others wait a little and are then told to come again. 16 reads of 5 ms are 3,000 a second.
    """

    poll_seconds: float = 0.05
    wait_seconds: float = 1.0
    item_bytes: int = 8 * 1024 * 1024
    origin_at_once: int = 16
    origin_wait_seconds: float = 0.3
    item_overhead_bytes: int = 512  # memcached's item header, our key, and slack for its slab rounding


@dataclass(frozen=True, slots=True)
class Served:
    """Bytes and where they came from. `node` is None when the origin gave them."""

    data: bytes | memoryview
    partition: int
    node: Node | None


@dataclass(frozen=True, slots=True)
class _Place:
    """A partition, the node that serves it and those that did before."""

    partition: int
    node: Node
    previous: tuple[Node, ...]


_Found = bytes | bytearray | Lease | None


class ReadThrough:
    """Reads an image's bytes by way of the node that its partition belongs to."""

    def __init__(self, maps: FleetMaps, caches: NodeCaches, objects: Objects, clock: Clock, policy: FillPolicy) -> None:
        self._maps = maps
        self._caches = caches
        self._objects = objects
        self._clock = clock
        self._policy = policy
        self._origin_turns = threading.BoundedSemaphore(policy.origin_at_once)

    def read(self, image: Image, map_version: int, stopwatch: Stopwatch) -> Served | None:
        """The image's bytes, or None if its object is gone, in which case the row must be read again.

        Raises ObjectsUnavailableError, or OverloadedError if too many read from the origin at this moment.
        """
        partition, node, previous = self._maps.at(map_version).route(image.key)
        if node is not None:
            cache = self._caches.of(node)
            if self._fits(image):
                try:
                    return self._through(cache, _Place(partition, node, previous), image, stopwatch)
                except NodeError:
                    pass  # remembered by its breaker, and named as silent where rates are told
            else:
                self._count(cache, [rates.OVERSIZE])
        data = self._origin(image, stopwatch)
        return None if data is None else Served(data, partition, None)

    def _through(self, cache: NodeCache, place: _Place, image: Image, stopwatch: Stopwatch) -> Served | None:
        wire_key = wire.wire_key(image.object_key)
        with stopwatch.part("cache"):
            value = cache.get_counted(wire_key, (rates.REQUESTS,), self._clock.now())
        seen: list[str] = []
        try:
            found: _Found = None
            with suppress(NodeError):  # remembered by the node's breaker
                found = self._awaited(cache, wire_key, value, seen, stopwatch)
            if isinstance(found, bytes | bytearray):
                cached = wire.unwrapped(found, image.owner_id, image.object_key)
                if cached is not None:
                    return Served(cached, place.partition, place.node)
                found = None  # another's bytes: a miss, and nothing to be left there
                with suppress(NodeError):
                    cache.remove([wire_key])
            if found is not None:
                copied = self._copied(found, place, image, wire_key, seen, stopwatch)
                if copied is not None:
                    return copied
            seen.append(rates.ORIGIN_READS)  # a miss, even if the origin then fails
            data = self._origin(image, stopwatch) if found is None else self._fill(found, image, seen, stopwatch)
            return None if data is None else Served(data, place.partition, None)
        finally:
            self._count(cache, seen)

    def _awaited(
        self, cache: NodeCache, wire_key: bytes, value: bytes | bytearray | None, seen: list[str], stopwatch: Stopwatch
    ) -> _Found:
        """The value, once it is there, or the lease to fill it, or None if whoever holds the lease is slow or dead."""
        deadline = self._clock.monotonic() + self._policy.wait_seconds
        while value is None or value == wire.PLACEHOLDER:
            if value is None:
                with stopwatch.part("cache"):
                    lease = cache.lease(wire_key)
                if lease is not None:
                    return lease
            if self._clock.monotonic() >= deadline:
                return None
            seen[:] = [rates.WAITS]
            with stopwatch.part("wait"):
                self._clock.sleep(self._policy.poll_seconds)
            with stopwatch.part("cache"):
                value = cache.get(wire_key)
        return value

    def _copied(
        self, lease: Lease, place: _Place, image: Image, wire_key: bytes, seen: list[str], stopwatch: Stopwatch
    ) -> Served | None:
        """What a previous node of the partition holds, filled into the node that serves it now; the lease is ended.

        None, and the lease is still to be ended, if none of them has it.
        """
        for node in place.previous:
            try:
                with stopwatch.part("copy"):
                    value = self._caches.of(node).get(wire_key)
            except NodeError:
                continue  # remembered by its breaker
            data = None if value is None else wire.unwrapped(value, image.owner_id, image.object_key)
            if value is not None and data is not None:  # not hashed again: it was when it was filled
                seen += [rates.COPIES, rates.copies_of(place.partition)]
                self._filled(lease, value, seen, stopwatch)
                return Served(data, place.partition, node)
        return None

    def _fill(self, lease: Lease, image: Image, seen: list[str], stopwatch: Stopwatch) -> bytes | None:
        try:
            data = self._origin(image, stopwatch)
        except BaseException:
            lease.release()
            raise
        if data is None:
            lease.release()
            return None
        self._filled(lease, wire.wrapped(image.owner_id, image.object_key, data), seen, stopwatch)
        return data

    def _filled(self, lease: Lease, value: bytes | bytearray, seen: list[str], stopwatch: Stopwatch) -> None:
        """Ends the lease by the value; what was seen is counted in the same trip."""
        with stopwatch.part("fill"):
            lease.fill(value, tuple(seen), self._clock.now())
        seen.clear()

    def _origin(self, image: Image, stopwatch: Stopwatch) -> bytes | None:
        with stopwatch.part("origin"), self._origin_turn():
            data = self._objects.get(image.object_key)
        if data is not None and hashlib.sha256(data).digest() != image.sha256:
            raise ObjectsUnavailableError(f"The bytes of object {image.object_key} are not those that were stored.")
        return data

    @contextmanager
    def _origin_turn(self) -> Iterator[None]:
        if not self._origin_turns.acquire(timeout=self._policy.origin_wait_seconds):
            raise OverloadedError("Too many images are being fetched at this moment; try again shortly.")
        try:
            yield
        finally:
            self._origin_turns.release()

    def _fits(self, image: Image) -> bool:
        size = wire.wrapped_size(image.object_key, image.size) + self._policy.item_overhead_bytes
        return size <= self._policy.item_bytes

    def _count(self, cache: NodeCache, names: Sequence[str]) -> None:
        if not names:
            return
        with suppress(NodeError):  # a node that cannot be counted on is not counted
            cache.count(names, self._clock.now())
