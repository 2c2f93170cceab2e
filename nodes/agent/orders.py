"""What the node is to keep to: the orders left on it, and what they mean for memcached. Pure."""

import json
from dataclasses import dataclass

ORDERS_KEY = b"c:orders"
NAME_KEY = b"c:name"  # whose memcached this is: the instance's id, by which the scaler knows it
MEGABYTE = 1 << 20
LRU, RR = "LRU", "RR"


@dataclass(frozen=True, slots=True)
class Orders:
    """Bytes that the objects may take, and who goes when there is no room: the longest unused, or any."""

    capacity_bytes: int
    policy: str


def read(body: bytes | None, otherwise: Orders) -> Orders:
    """The orders in a value; `otherwise` if there are none or they make no sense."""
    try:
        stored = json.loads(body or b"")
        orders = Orders(int(stored["capacity_bytes"]), str(stored["policy"]))
    except (ValueError, KeyError, TypeError, OverflowError):  # a node holds what anyone of the network put there
        return otherwise
    return orders if orders.capacity_bytes > 0 and orders.policy in (LRU, RR) else otherwise


def memory_limit_mb(orders: Orders, item_bytes: int) -> int:
    """What memcached itself is limited to.

    For LRU the capacity, but never under twice the largest item, which memcached needs. For RR so much more that
    memcached never has to evict: its pages, once given to a size of items, hardly come back.
    """
    least = 2 * item_bytes
    wanted = orders.capacity_bytes if orders.policy == LRU else orders.capacity_bytes * 3 // 2 + 4 * least
    return -(-max(wanted, least, 8 * MEGABYTE) // MEGABYTE)


def agent_keeps(orders: Orders, item_bytes: int) -> bool:
    """Whether it is the agent, not memcached, that keeps the node below its capacity all the time."""
    return memory_limit_mb(orders, item_bytes) * MEGABYTE >= orders.capacity_bytes + MEGABYTE
