"""The replica's lag, told by beats, and its share of the lists."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.errors import RowsUnavailableError
from chalicelib.domain.list_sources import ListSource
from chalicelib.services.replica_status import Lag, ListCounts, ReplicaStatus, ReplicaView

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Beats:
    """Heartbeats in memory; seconds are counted from the start."""

    now: float = 0.0
    last: float | None = None
    shown: float | None = None
    primary_down: bool = False
    replica_down: bool = False

    def beat(self) -> None:
        self.last = self.now

    def at_primary(self) -> tuple[datetime, datetime | None]:
        if self.primary_down:
            raise RowsUnavailableError("gone")
        return START + timedelta(seconds=self.now), _moment(self.last)

    def at_replica(self) -> datetime | None:
        if self.replica_down:
            raise RowsUnavailableError("gone")
        return _moment(self.shown)


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else START + timedelta(seconds=seconds)


def test_without_a_replica_nothing_is_told_and_nothing_beats() -> None:
    status = ReplicaStatus(None)
    status.beat()
    assert status.view() == ReplicaView(configured=False, lag=None, serving_reads=None)


@pytest.mark.parametrize(
    ("now", "last", "shown", "lag"),
    [
        (70.0, 60.0, 60.0, Lag(at_least=0.0, at_most=10.0)),  # all up to the last beat is there
        (62.0, 60.0, 0.0, Lag(at_least=2.0, at_most=62.0)),
        (200.0, 180.0, 60.0, Lag(at_least=20.0, at_most=140.0)),
        (60.0, 60.0, None, None),
        (60.0, None, None, None),
    ],
)
def test_a_beat_that_is_shown_bounds_the_lag_from_above_and_one_that_is_missing_from_below(
    now: float, last: float | None, shown: float | None, lag: Lag | None
) -> None:
    assert ReplicaStatus(Beats(now, last, shown)).view() == ReplicaView(True, lag, None)


def test_a_beat_writes_the_time() -> None:
    beats = Beats(now=7.0)
    ReplicaStatus(beats).beat()
    assert beats.last == 7.0


@pytest.mark.parametrize("gone", [{"primary_down": True}, {"replica_down": True}])
def test_what_cannot_be_asked_leaves_the_lag_unknown(gone: dict[str, bool]) -> None:
    view = ReplicaStatus(Beats(9.0, 5.0, 5.0, **gone)).view()
    assert (view.configured, view.lag) == (True, None)


def test_the_share_is_of_all_lists_and_unknown_before_the_first() -> None:
    counts = ListCounts()
    assert counts.replica_share() is None
    for source in (ListSource.REPLICA, ListSource.BEHIND, ListSource.SILENT, ListSource.REPLICA):
        counts.note(source)
    assert counts.replica_share() == 0.5
    assert counts.of(ListSource.REPLICA) == 2
