"""Where a list comes from: the replica if it is new enough, the primary otherwise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from pymysql.err import ProgrammingError

from chalicelib.adapters.mysql.database import Args, Belongs, Rows
from chalicelib.adapters.mysql.image_lists import LIST_SECONDS, ReplicatedImageLists, Wanted
from chalicelib.adapters.mysql.reads import PRIMARY_SECONDS, Reads
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import OverloadedError, RowsUnavailableError
from chalicelib.domain.list_sources import ListSource, source_of
from chalicelib.services.replica_status import ListCounts
from chalicelib.services.staleness import Staleness

DEMO, OWNER_ID = Principal("demo"), bytes(16)
GONE = RowsUnavailableError("gone")
WANTED = Wanted("i.image_key", limit=10)


@dataclass
class Server:
    """A server that knows one owner, or nobody, at a version, and one list."""

    keys: Sequence[bytes]
    version: int | None = 3
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def select(self, sql: str, args: Args, belongs: Belongs, seconds: float) -> Rows:
        self.seconds.append(seconds)
        is_list = "images" in sql
        self.asked.append("list" if is_list else "version")
        if self.error is not None:
            raise self.error
        rows = self._rows(sql, args)
        assert belongs(rows)
        if is_list:
            self.meanwhile()
        return rows

    def _rows(self, sql: str, args: Args) -> list[tuple[Any, ...]]:
        if self.version is None:
            return []
        if "images" not in sql:
            return [(args[0], OWNER_ID, self.version)]
        if "LEFT JOIN" not in sql:
            return [(args[0], key) for key in self.keys]
        return [(args[0], self.version, key) for key in self.keys] or [(args[0], self.version, None)]

    def close(self) -> None:
        raise AssertionError("not asked for")


class Case:
    """Lists over a primary and a replica, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.primary, self.replica = Server([b"primary's"]), Server([b"replica's"])
        self.staleness, self.counts = Staleness(), ListCounts()
        self.now = 100.0
        reads = Reads(self.primary, self.replica, self.staleness.note, lambda: self.now)
        self.lists = ReplicatedImageLists(reads, self.replica, self.counts.note, lambda: self.now)

    def read(self) -> list[bytes]:
        """The keys that one request is given."""
        self.staleness.begin()
        return [key for (key,) in self.lists.rows(DEMO, WANTED)]

    def take_seconds(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def case() -> Case:
    return Case()


@pytest.mark.parametrize(
    ("needed", "shown", "source"),
    [
        (3, 2, ListSource.BEHIND),
        (3, 3, ListSource.REPLICA),
        (3, 4, ListSource.REPLICA),
        (0, 0, ListSource.REPLICA),
        (0, None, ListSource.BEHIND),
    ],
)
def test_what_is_as_new_as_needed_may_be_shown(needed: int, shown: int | None, source: ListSource) -> None:
    assert source_of(needed, shown) is source


def test_a_replica_that_is_as_new_gives_the_list_and_the_primary_one_row(case: Case) -> None:
    assert case.read() == [b"replica's"]
    assert (case.primary.asked, case.replica.asked) == (["version"], ["list"])
    assert not case.staleness.noted
    assert case.counts.replica_share() == 1.0


@pytest.mark.parametrize("version", [2, None])
def test_a_replica_that_is_behind_or_knows_nobody_gives_nothing(case: Case, version: int | None) -> None:
    case.replica.version = version
    assert case.read() == [b"primary's"]
    assert (case.primary.asked, case.replica.asked) == (["version", "list"], ["list"])
    assert case.counts.of(ListSource.BEHIND) == 1
    assert not case.staleness.noted


def test_a_replica_that_is_ahead_of_what_was_seen_gives_the_list(case: Case) -> None:
    case.replica.version = 4  # written between the two statements
    assert case.read() == [b"replica's"]


def test_a_list_that_is_empty_at_the_replica_is_told_from_one_that_is_unknown(case: Case) -> None:
    case.replica.keys = []
    assert case.read() == []
    assert case.counts.of(ListSource.REPLICA) == 1


def test_nobody_s_list_is_asked_of_no_replica(case: Case) -> None:
    case.primary.version = None  # the session ended; the replica may not know it yet
    assert case.read() == []
    assert case.replica.asked == []


@pytest.mark.parametrize("error", [GONE, OverloadedError("Too many."), ProgrammingError(1146, "no such table")])
def test_a_replica_that_does_not_answer_is_left_alone_for_a_second(case: Case, error: Exception) -> None:
    case.replica.error = error
    assert [case.read() for _ in range(5)] == [[b"primary's"]] * 5
    assert (len(case.replica.asked), case.counts.of(ListSource.SILENT)) == (1, 5)
    case.replica.error = None
    case.now += 1.0
    assert [case.read() for _ in range(2)] == [[b"replica's"]] * 2


def test_a_replica_that_is_slow_again_and_again_is_left_alone(case: Case) -> None:
    case.replica.meanwhile = lambda: case.take_seconds(0.2)
    assert [case.read() for _ in range(7)] == [[b"replica's"]] * 5 + [[b"primary's"]] * 2


def test_without_the_primary_the_list_is_the_replica_s_and_says_that_it_may_be_old(case: Case) -> None:
    case.primary.error, case.replica.version = GONE, 2
    assert case.read() == [b"replica's"]
    assert case.staleness.noted
    assert case.counts.replica_share() is None  # a list in the primary's place takes nothing off it


def test_a_primary_that_went_after_it_gave_the_version_is_stood_in_for_and_that_is_said(case: Case) -> None:
    case.replica.version = 2
    case.replica.meanwhile = lambda: setattr(case.primary, "error", GONE)
    assert case.read() == [b"replica's"]
    assert case.staleness.noted


def test_without_both_it_is_the_primary_s_loss_that_is_told(case: Case) -> None:
    case.primary.error, case.replica.error = RowsUnavailableError("The primary is gone."), GONE
    with pytest.raises(RowsUnavailableError, match="The primary is gone"):
        case.read()


def test_all_calls_of_a_list_fit_into_a_request(case: Case) -> None:
    case.replica.version = 2
    case.read()
    assert case.primary.seconds == [PRIMARY_SECONDS] * 2
    assert case.replica.seconds == [LIST_SECONDS]
    assert 2 * PRIMARY_SECONDS + LIST_SECONDS < 2.0
