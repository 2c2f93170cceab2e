"""Keeps the node to its orders: memcached's own limit, and what the agent has to remove itself."""

import logging
import random
import threading

from nodes.agent import orders as orders_of
from nodes.agent.minutes import Stats
from nodes.agent.node import Node, NodeUnavailableError
from nodes.agent.orders import LRU, NAME_KEY, ORDERS_KEY, Orders
from nodes.agent.trimming import Candidates, excess_bytes, is_fresh

_ORDERS_SECONDS = 1.0
_LOOK_SECONDS = 0.05  # while the agent keeps the capacity
_AGAIN_SECONDS = 0.1  # its list may be in another's hands: there is one at a time
_GROWTH_FADES = 0.9  # from look to look
_log = logging.getLogger("agent.keeping")


class Keeping:
    """Holds the orders in force. `orders` and `removed_since_asked` may be asked from another thread."""

    def __init__(self, node: Node, name: str, otherwise: Orders, item_bytes: int, source: random.Random) -> None:
        self.orders = otherwise
        self._name = name.encode()
        self._node, self._item_bytes, self._source = node, item_bytes, source
        self._candidates = Candidates()
        self._before: Stats | None = None
        self._growth = 0.0  # bytes that come between two looks, the most of late
        self._removed = 0
        self._lock = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Until `stop`."""
        pause, until_orders = 0.0, 0.0
        while not stop.wait(pause):
            until_orders -= pause
            try:
                if until_orders <= 0:
                    self.follow_orders()
                    until_orders = _ORDERS_SECONDS
                self.trim()
            except NodeUnavailableError as error:
                _log.warning("not kept: %s", error)
                self._before, until_orders, pause = None, 0.0, _AGAIN_SECONDS
                continue
            pause = _LOOK_SECONDS if orders_of.agent_keeps(self.orders, self._item_bytes) else _ORDERS_SECONDS

    def follow_orders(self) -> None:
        """Says whose memcached this is, reads the orders, and sets the limit where it differs; nothing is emptied."""
        values = self._node.values([ORDERS_KEY, NAME_KEY])
        if values.get(NAME_KEY) != self._name:
            self._node.put(NAME_KEY, self._name)
        # Orders that memcached itself evicted stay in force; without any the node keeps to its own settings.
        found = orders_of.read(values.get(ORDERS_KEY), self.orders)
        if found != self.orders:
            _log.info("%s", found)
            self._candidates, self._before, self._growth = Candidates(), None, 0.0
            self.orders = found
        wanted = orders_of.memory_limit_mb(found, self._item_bytes)
        if self._node.stats().limit_bytes != wanted * orders_of.MEGABYTE:
            self._node.limit_memory(wanted)

    def trim(self) -> int:
        """Removes what is above the capacity; how many objects."""
        stats = self._node.stats()
        self._note_growth(stats)
        growth = int(self._growth) if orders_of.agent_keeps(self.orders, self._item_bytes) else 0
        excess = excess_bytes(stats.bytes, self.orders.capacity_bytes, growth)
        self._before = stats
        if not excess:
            return 0
        self._refresh(stats)
        victims = self._candidates.take(self.orders.policy, excess, self._source)
        removed = self._node.remove([one.key for one in victims])
        with self._lock:
            self._removed += removed
        self._before = self._node.stats()
        return removed

    def removed_since_asked(self) -> int:
        """Objects removed since the last call."""
        with self._lock:
            removed, self._removed = self._removed, 0
        return removed

    def _note_growth(self, stats: Stats) -> None:
        if self._before is not None and self._before.pid == stats.pid:
            self._growth = max(float(stats.bytes - self._before.bytes), self._growth * _GROWTH_FADES, 0.0)

    def _refresh(self, stats: Stats) -> None:
        """A new list where the one at hand is too old to choose from; for LRU always, as use changes."""
        since = stats.stored - self._candidates.stored
        if self.orders.policy == LRU or since < 0 or not is_fresh(len(self._candidates.held), since):
            try:
                self._candidates = Candidates(self._node.listed(), stats.stored)
            except NodeUnavailableError:
                if self.orders.policy == LRU or not self._candidates.held:
                    raise  # for LRU an old list would take what was used meanwhile
