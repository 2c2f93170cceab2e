"""Pages of rows in the fleet, each under its owner and the owner's version: one reader fills, the others wait.

A page is as immutable as an object's bytes: another version is another key. So a node may answer late, or from long
ago: it is the page of the version that was asked for, or it is none.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain import wire
from chalicelib.domain.accounts import Owner
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import Node
from chalicelib.domain.ports import Clock, FleetMaps, Lease, NodeCache, NodeCaches, Stopwatch
from chalicelib.services.read_through import FillPolicy


@dataclass(frozen=True, slots=True)
class PagePlace:
    """Which page it is, and the version of the map that says where it is kept. `parameters` are plain ASCII."""

    owner: Owner
    parameters: str
    map_version: int


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page that a node gave; `data` is None if none did."""

    data: bytes | None = None
    node: Node | None = None
    partition: int = 0


@dataclass(frozen=True, slots=True)
class PageCache:
    """Asks the node that a page's partition belongs to. No failure of a node reaches the caller."""

    maps: FleetMaps
    caches: NodeCaches
    clock: Clock
    policy: FillPolicy

    def read(self, place: PagePlace, stopwatch: Stopwatch, select: Callable[[], bytes | None]) -> KeptPage:
        """The page. Whoever is to fill it selects it first, and nothing is kept if that gives None.

        `select` is called at most once, and not at all if a node gave the page or another reader is to fill it.
        """
        wire_key = wire.page_key(place.owner.id, place.owner.version, place.parameters)
        partition, node, _ = self.maps.at(place.map_version).route(wire_key)
        if node is None:
            return KeptPage()
        cache = self.caches.of(node)
        try:
            found = self._awaited(cache, wire_key, stopwatch)
            if isinstance(found, bytes | bytearray):
                data = wire.unwrapped_page(found, place.owner.id, place.owner.version)
                if data is None:  # another's: a connection that lost its place
                    cache.remove([wire_key])
                return KeptPage(data, node, partition)
        except NodeError:  # remembered by its breaker
            return KeptPage()
        if found is not None:
            self._fill(found, place, stopwatch, select)
        return KeptPage()

    def _awaited(self, cache: NodeCache, wire_key: bytes, stopwatch: Stopwatch) -> bytes | bytearray | Lease | None:
        """The value, or the lease to fill it, or None if whoever holds the lease is slow or dead."""
        deadline = self.clock.monotonic() + self.policy.wait_seconds
        while True:
            with stopwatch.part("cache"):
                value = cache.get(wire_key)
                if value is None:
                    lease = cache.lease(wire_key)
                    if lease is not None:
                        return lease
            if value is not None and value != wire.PLACEHOLDER:
                return value
            if self.clock.monotonic() >= deadline:
                return None
            with stopwatch.part("wait"):
                self.clock.sleep(self.policy.poll_seconds)

    def _fill(self, lease: Lease, place: PagePlace, stopwatch: Stopwatch, select: Callable[[], bytes | None]) -> None:
        try:
            page = select()
        except BaseException:
            lease.release()
            raise
        size = 0 if page is None else len(page) + self.policy.item_overhead_bytes
        if page is None or size > self.policy.item_bytes:
            lease.release()
            return
        with stopwatch.part("fill"):
            lease.fill(wire.wrapped_page(place.owner.id, place.owner.version, page), (), self.clock.now())
