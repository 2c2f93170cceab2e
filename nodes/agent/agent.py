"""The agent's round: look at memcached, follow the orders, keep the occupancy, publish the minute that closed."""

import logging
import random
from dataclasses import dataclass, field

from nodes.agent import minutes, orders, victims
from nodes.agent.memcached import LocalMemcached, NodeDownError
from nodes.agent.minutes import Stats
from nodes.agent.orders import Orders
from nodes.agent.publishing import Publisher
from nodes.agent.victims import Held

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 3.0
ORDERS_SECONDS = 1.0
RETRY_SECONDS = 5.0
LISTED_SECONDS = 10.0  # how long a list of what the node holds is drawn from
CALM_SECONDS, BUSY_SECONDS = 0.5, 0.05
BUSY_ABOVE = 0.6  # of the capacity: from there on occupancy is looked at more often


@dataclass
class Agent:
    """One node's agent. `most_mb` is what the machine bears for memcached, `default` holds without orders."""

    memcached: LocalMemcached
    publisher: Publisher
    default: Orders
    most_mb: int
    source: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self.orders = self.default
        self._ordered: tuple[int, Orders] | None = None  # to which process, and what
        self._looked_at = self._sent_at = self._listed_at = float("-inf")
        self._order: list[Held] = []
        self._removed = 0
        self._stats_before: Stats | None = None
        self._published: int | None = None

    def step(self, now: float) -> float:
        """One round at that Unix time; how many seconds may pass until the next."""
        try:
            stats = self.memcached.stats()
            self._follow(stats, now)
            self._keep(stats, now)
            self._measure(stats, now)
        except NodeDownError as error:
            logger.warning("memcached: %s", error)
            self._send(now)
            return CALM_SECONDS
        self._send(now)
        full = stats.bytes > BUSY_ABOVE * self.orders.capacity_bytes and not orders.own_eviction(self.orders)
        return BUSY_SECONDS if full else CALM_SECONDS

    def _follow(self, stats: Stats, now: float) -> None:
        """Reads the orders now and then, and sets memcached's limit when they or the process are new."""
        if now - self._looked_at >= ORDERS_SECONDS:
            self._looked_at = now
            self.orders = orders.orders_of(self.memcached.orders(), self.default)
        if self._ordered != (stats.pid, self.orders):
            self.memcached.limit(orders.limit_mb(self.orders, self.most_mb))
            self._ordered, self._order = (stats.pid, self.orders), []
            logger.info("capacity %d bytes, %s", self.orders.capacity_bytes, self.orders.policy)

    def _keep(self, stats: Stats, now: float) -> None:
        """Removes objects while there are more than the capacity holds."""
        surplus = orders.bytes_to_remove(self.orders, stats.bytes)
        if not surplus:
            return
        if not self._order or now - self._listed_at >= LISTED_SECONDS:
            self._listed_at = now
            self._order = victims.in_order(self.memcached.held(), self.orders.policy, self.source)
        count = victims.taken(self._order, surplus)
        self.memcached.remove([one.key for one in self._order[:count]])
        del self._order[:count]
        self._removed += count

    def _measure(self, stats: Stats, now: float) -> None:
        minute = minutes.closed_minute(now, SETTLE_SECONDS)
        if self._published is not None and minute <= self._published:
            return
        counts = self.memcached.counts(list(minutes.count_keys(minute)))
        evictions = minutes.evicted_between(self._stats_before, stats) + self._removed
        self.publisher.add(minute, minutes.metrics_of(minute, counts, stats, evictions, self.orders.capacity_bytes))
        self._published, self._stats_before, self._removed = minute, stats, 0
        self._sent_at = float("-inf")

    def _send(self, now: float) -> None:
        if now - self._sent_at >= RETRY_SECONDS:
            self.publisher.send()
            self._sent_at = now
