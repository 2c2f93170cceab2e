"""Every closed minute, measured on the node and told to CloudWatch; told later if it cannot be told now."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from nodes.agent.keeping import Keeping
from nodes.agent.minutes import Stats, count_keys, due_minutes, evicted_between, kept, metrics, totals
from nodes.agent.node import Node, NodeUnavailableError
from nodes.agent.publishing import PublishingError

GRACE_SECONDS = 3.0  # for counts that are under way when a minute closes
_POLL_SECONDS = 1.0
_AGAIN_SECONDS = 10.0
_LISTED_AT_MOST = 200_000  # of more items, counts are a negligible share
_log = logging.getLogger("agent.reporting")


class Publisher(Protocol):
    def publish(self, minute: int, metrics: dict[str, int]) -> None: ...


class Reporting:
    """Measures and tells. Minutes that wait to be told are few and only in memory."""

    def __init__(
        self, node: Node, publisher: Publisher, keeping: Keeping, clock: Callable[[], float] = time.time
    ) -> None:
        self._node, self._publisher, self._keeping, self._clock = node, publisher, keeping, clock
        self._before: Stats | None = None
        self._told: int | None = None  # the newest minute measured
        self._waiting: dict[int, dict[str, int]] = {}

    def run(self, stop: threading.Event) -> None:
        """Until `stop`."""
        pause = _POLL_SECONDS
        while not stop.wait(pause):
            pause = _POLL_SECONDS if self.step() else _AGAIN_SECONDS

    def step(self) -> bool:
        """Measures the minutes that closed and tells what waits; whether all went well."""
        try:
            self._measure()
        except NodeUnavailableError as error:
            _log.warning("nothing measured: %s", error)
            return False
        return self._tell()

    def _measure(self) -> None:
        now = self._clock()
        if self._told is not None and not due_minutes(now, GRACE_SECONDS, self._told, 0):
            return
        stats = self._node.stats()
        if self._before is None:
            self._before = stats
        due = due_minutes(now, GRACE_SECONDS, self._told, stats.started)
        if not due:
            self._told = due.stop - 1 if self._told is None else self._told
            return
        try:
            counts = {minute: totals(minute, self._node.values(count_keys(minute))) for minute in due}
        except ValueError as error:  # a node holds what anyone of the network put there
            raise NodeUnavailableError(f"a count is no number: {error}") from error
        objects, object_bytes = self._objects(stats)
        evictions = evicted_between(self._before, stats) + self._keeping.removed_since_asked()
        for minute in due:
            self._waiting[minute] = metrics(
                counts[minute],
                stats,
                objects=objects,
                object_bytes=object_bytes,
                evictions=evictions if minute == due[-1] else 0,
                capacity_bytes=self._keeping.orders.capacity_bytes,
            )
        self._before, self._told = stats, due[-1]

    def _objects(self, stats: Stats) -> tuple[int, int]:
        """How many objects there are and their bytes; with the few counts among them if no list is to be had."""
        if stats.items > _LISTED_AT_MOST:
            return stats.items, stats.bytes
        try:
            held = self._node.listed()
        except NodeUnavailableError as error:
            _log.info("items are counted with the counts: %s", error)
            return stats.items, stats.bytes
        return len(held), sum(one.size for one in held)

    def _tell(self) -> bool:
        if not self._waiting:
            return True
        newest = max(self._waiting)
        self._waiting = {minute: self._waiting[minute] for minute in kept(self._waiting, newest)}
        try:
            for minute in sorted(self._waiting):
                self._publisher.publish(minute, self._waiting[minute])
                _log.info("minute %d: %s", minute, self._waiting.pop(minute))
        except PublishingError as error:
            _log.warning("%d minutes wait: %s", len(self._waiting), error)
            return False
        return True
