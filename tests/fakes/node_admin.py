"""NodeAdmins in memory, over MemoryNodeCaches."""

from datetime import UTC, datetime

from chalicelib.domain import wire
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import Node
from chalicelib.domain.ports import CachedItem, NodeOrders, NodeState
from tests.fakes.node_cache import MemoryNodeCache, MemoryNodeCaches

MIB = 1024 * 1024
VERSION = "1.6.18"
USED_AT = datetime(2030, 1, 1, tzinfo=UTC).timestamp()


class MemoryNodeAdmin:
    """One node."""

    def __init__(self, cache: MemoryNodeCache, orders: dict[Node, NodeOrders]) -> None:
        self._cache = cache
        self._orders = orders

    def answers(self) -> bool:
        return not self._cache.down

    def delay_seconds(self) -> float | None:
        return None if self._cache.down else 0.0

    def is_ready(self) -> bool:
        return not self._cache.down

    def state(self) -> NodeState:
        held = self._held()
        orders = self._orders.get(self._cache.node)
        capacity_bytes = 64 * MIB if orders is None else orders.capacity_bytes
        return NodeState(len(held), sum(map(len, held.values())), capacity_bytes, 0, 1, 60, VERSION)

    def items(self, limit: int) -> tuple[list[CachedItem], bool]:
        held = self._held()
        named = [CachedItem(wire.object_key_of(key) or "", len(value), USED_AT) for key, value in held.items()]
        return named[:limit], len(named) > limit

    def clear(self) -> None:
        self._held()
        self._cache.remove([key for key in self._cache.values if wire.is_kept(key)])

    def remove_of(self, owner_id: bytes) -> int:
        self._held()
        keys = [key for key in self._cache.values if wire.belongs_to(key, owner_id.hex())]
        self._cache.remove(keys)
        return len(keys)

    def tell(self, orders: NodeOrders) -> None:
        self._held()
        self._orders[self._cache.node] = orders

    def _held(self) -> dict[bytes, bytes]:
        if self._cache.down:
            raise NodeError(f"node {self._cache.node.id} does not answer")
        return {key: value for key, value in self._cache.values.items() if wire.object_key_of(key) is not None}


class MemoryNodeAdmins:
    """NodeAdmins; `orders` are those that nodes were told."""

    def __init__(self, caches: MemoryNodeCaches) -> None:
        self._caches = caches
        self.orders: dict[Node, NodeOrders] = {}

    def of(self, node: Node) -> MemoryNodeAdmin:
        return MemoryNodeAdmin(self._caches.of(node), self.orders)
