"""NodeCaches in memory: leases, counts, and nodes that can be made to fail."""

import itertools
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain import rates, wire
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import Node
from tests.fakes.clock import ManualClock
from tests.fakes.steps import Steps


@dataclass(frozen=True, slots=True)
class Item:
    """A value as a node holds it. `expires_at` is a monotonic second, or None."""

    value: bytes
    token: int
    expires_at: float | None = None


class MemoryNodeCache:
    """One node. `down` makes every call fail; `steps` can make one step fail ("node.get", "node.lease", ...)."""

    def __init__(
        self, node: Node, clock: ManualClock, steps: Steps, lease_seconds: float = 5, item_bytes: int = 8 << 20
    ) -> None:
        self.node = node
        self.down = False
        self.counted: Counter[tuple[str, int]] = Counter()
        self._clock = clock
        self._steps = steps
        self._lease_seconds = lease_seconds
        self._item_bytes = item_bytes
        self._items: dict[bytes, Item] = {}
        self._tokens = itertools.count(1)
        self._lock = threading.RLock()

    @property
    def values(self) -> dict[bytes, bytes]:
        """The values held now, placeholders of leases included."""
        with self._lock:
            return {key: item.value for key, item in self._items.items() if self._live(item)}

    def restart(self) -> None:
        """Loses everything, as the process of a node does when it is started again."""
        with self._lock:
            self._items.clear()
            self.counted.clear()

    def evict(self) -> None:
        """Loses its values, and keeps its counts."""
        with self._lock:
            self._items.clear()

    def store(self, wire_key: bytes, value: bytes) -> None:
        """Puts a value there whatever else is, as nobody in the application does."""
        with self._lock:
            self._items[wire_key] = Item(value, next(self._tokens))

    def get(self, wire_key: bytes) -> bytes | None:
        self._answer()
        with self._steps.step("node.get"), self._lock:
            return self.values.get(wire_key)

    def get_counted(self, wire_key: bytes, names: Sequence[str], at: datetime) -> bytes | None:
        self.count(names, at)
        return self.get(wire_key)

    def lease(self, wire_key: bytes) -> "MemoryLease | None":
        self._answer()
        with self._steps.step("node.lease"), self._lock:
            if wire_key in self.values:
                return None
            token = next(self._tokens)
            self._items[wire_key] = Item(wire.PLACEHOLDER, token, self._clock.monotonic() + self._lease_seconds)
            return MemoryLease(self, wire_key, token)

    def remove(self, wire_keys: Iterable[bytes]) -> None:
        self._answer()
        with self._steps.step("node.remove"), self._lock:
            for wire_key in wire_keys:
                self._items.pop(wire_key, None)

    def count(self, names: Iterable[str], at: datetime) -> None:
        self._answer()
        with self._steps.step("node.count"), self._lock:
            self.counted.update((name, rates.slot_of(at.timestamp())) for name in names)

    def counts(self, names: Sequence[str], slots: Sequence[int]) -> dict[str, int]:
        self._answer()
        with self._steps.step("node.counts"), self._lock:
            return {name: sum(self.counted[name, slot] for slot in slots) for name in names}

    def total(self, name: str) -> int:
        """The count of that name over all time."""
        return sum(number for (counted, _), number in self.counted.items() if counted == name)

    def ended(self, wire_key: bytes, token: int, value: bytes | None) -> None:
        """The end of a lease: the value takes the placeholder's place, or None frees it, if it still is that one."""
        try:
            self._answer()
            with self._steps.step("node.fill" if value is not None else "node.release"), self._lock:
                item = self._items.get(wire_key)
                if item is None or item.token != token or not self._live(item):
                    return
                del self._items[wire_key]
                if value is not None and len(value) <= self._item_bytes:
                    self._items[wire_key] = Item(value, next(self._tokens))
        except NodeError:
            return  # a lease's calls never raise

    def _live(self, item: Item) -> bool:
        return item.expires_at is None or self._clock.monotonic() < item.expires_at

    def _answer(self) -> None:
        if self.down:
            raise NodeError(f"node {self.node.id} does not answer")


class MemoryLease:
    """Lease on a MemoryNodeCache."""

    def __init__(self, cache: MemoryNodeCache, wire_key: bytes, token: int) -> None:
        self._cache = cache
        self._wire_key = wire_key
        self._token = token

    def fill(self, value: bytes | bytearray, names: Sequence[str], at: datetime) -> None:
        if names:
            with suppress(NodeError):  # a lease's calls never raise
                self._cache.count(names, at)
        self._cache.ended(self._wire_key, self._token, bytes(value))

    def release(self) -> None:
        self._cache.ended(self._wire_key, self._token, None)


class MemoryNodeCaches:
    """NodeCaches that make a MemoryNodeCache for every node that is asked for."""

    def __init__(
        self,
        clock: ManualClock | None = None,
        steps: Steps | None = None,
        lease_seconds: float = 5,
        item_bytes: int = 8 << 20,
    ) -> None:
        self.nodes: dict[Node, MemoryNodeCache] = {}
        self._clock = clock or ManualClock()
        self._steps = steps or Steps()
        self._lease_seconds = lease_seconds
        self._item_bytes = item_bytes

    def of(self, node: Node) -> MemoryNodeCache:
        fresh = MemoryNodeCache(node, self._clock, self._steps, self._lease_seconds, self._item_bytes)
        return self.nodes.setdefault(node, fresh)
