"""How far the replica is behind, and how much it takes off the primary."""

import logging
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.errors import UnavailableError
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.replica_ports import Heartbeats

logger = logging.getLogger(__name__)


class ListCounts:
    """Where this process's lists came from since it began. Safe to share between threads."""

    def __init__(self) -> None:
        self._counts: Counter[ListSource] = Counter()
        self._lock = threading.Lock()

    def note(self, source: ListSource) -> None:
        """One more list from there."""
        with self._lock:
            self._counts[source] += 1

    def of(self, source: ListSource) -> int:
        """How many lists came from there."""
        with self._lock:
            return self._counts[source]

    def replica_share(self) -> float | None:
        """The share of lists that the replica gave, 0 to 1; None if there were none."""
        with self._lock:
            total = self._counts.total()
            return self._counts[ListSource.REPLICA] / total if total else None


@dataclass(frozen=True, slots=True)
class Lag:
    """Between which bounds the replica's lag lies, in seconds. Beats come once a minute, so they are a minute apart."""

    at_least: float
    at_most: float


@dataclass(frozen=True, slots=True)
class ReplicaView:
    """What is known of the replica; `lag` is None if nobody could say, or there was no beat yet."""

    configured: bool
    lag: Lag | None
    serving_reads: float | None


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """The replica as an admin sees it. `heartbeats` is None where there is no replica."""

    heartbeats: Heartbeats | None
    counts: ListCounts = field(default_factory=ListCounts)

    def beat(self) -> None:
        """To be called once a minute. Raises RowsUnavailableError."""
        if self.heartbeats is not None:
            self.heartbeats.beat()

    def view(self) -> ReplicaView:
        """What is known now."""
        return ReplicaView(self.heartbeats is not None, self._lag(), self.counts.replica_share())

    def _lag(self) -> Lag | None:
        if self.heartbeats is None:
            return None
        try:
            shown = self.heartbeats.at_replica()  # first, so that a beat in between makes it no newer than it is
            now, last = self.heartbeats.at_primary()
        except UnavailableError as error:
            logger.warning("the replica's lag is not known: %s", error)
            return None
        return None if shown is None or last is None else lag_of(now, last, shown)


def lag_of(now: datetime, last: datetime, shown: datetime) -> Lag:
    """The lag of a replica that shows a beat, when the primary's clock says `now` and its last beat was at `last`.

    All that was written before the shown beat is there; a last beat that is not there tells how long it is missing.
    """
    missing_seconds = 0.0 if shown >= last else (now - last).total_seconds()
    return Lag(at_least=missing_seconds, at_most=max(0.0, (now - shown).total_seconds()))
