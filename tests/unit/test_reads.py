"""Where a read goes while the primary, the replica or both do not answer."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from pymysql.err import ProgrammingError

from chalicelib.adapters.mysql.database import Args, Belongs, Rows
from chalicelib.adapters.mysql.reads import PRIMARY_SECONDS, REPLICA_SECONDS, Reads
from chalicelib.domain.errors import OverloadedError, RowsUnavailableError
from chalicelib.services.staleness import Staleness

PRIMARY, REPLICA = [("primary",)], [("replica",)]
LOST = RowsUnavailableError("The primary is gone.")


@dataclass
class Server:
    """A server that answers, or fails with an error."""

    rows: Rows
    error: Exception | None = None
    asked: int = 0
    seconds: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def select(self, sql: str, args: Args, belongs: Belongs, seconds: float) -> Rows:
        self.asked += 1
        self.seconds.append(seconds)
        self.meanwhile()
        if self.error is not None:
            raise self.error
        return self.rows

    def close(self) -> None:
        raise AssertionError("not asked for")


class Case:
    """Reads over two servers, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.primary, self.replica, self.staleness = Server(PRIMARY), Server(REPLICA), Staleness()
        self.now = 100.0
        self.reads = Reads(self.primary, self.replica, self.staleness.note, lambda: self.now)

    def read(self) -> tuple[Rows, bool]:
        """The rows of one request's one read, and whether they were noted as stale."""
        self.staleness.begin()
        return self.reads.select("SELECT 1"), self.staleness.noted


@pytest.fixture
def case() -> Case:
    return Case()


def test_the_primary_alone_is_asked_while_it_answers(case: Case) -> None:
    assert [case.read() for _ in range(3)] == [(PRIMARY, False)] * 3
    assert case.replica.asked == 0


def test_a_lost_primary_is_left_alone_for_a_second_and_then_asked_by_one_at_a_time(case: Case) -> None:
    case.primary.error = LOST
    assert [case.read() for _ in range(5)] == [(REPLICA, True)] * 5
    assert case.primary.asked == 1
    case.now += 1.0
    seen: list[tuple[Rows, bool]] = []
    case.primary.meanwhile = lambda: seen.append(case.read())
    assert case.read() == (REPLICA, True)
    assert seen == [(REPLICA, True)]  # while the probe was under way nobody else waited
    assert case.primary.asked == 2


def test_a_probe_that_succeeds_ends_it(case: Case) -> None:
    case.primary.error = LOST
    case.read()
    case.primary.error = None
    assert case.read() == (REPLICA, True)
    case.now += 1.0
    assert [case.read() for _ in range(3)] == [(PRIMARY, False)] * 3
    assert case.replica.asked == 2


def test_both_are_asked_within_the_time_of_one_call(case: Case) -> None:
    case.primary.error = LOST
    case.read()
    assert (case.primary.seconds, case.replica.seconds) == ([PRIMARY_SECONDS], [REPLICA_SECONDS])
    assert PRIMARY_SECONDS + REPLICA_SECONDS <= 1.5


@pytest.mark.parametrize("error", [OverloadedError("Too many."), ProgrammingError(1146, "no such table")])
def test_what_is_not_the_primary_s_loss_is_told_and_never_falls_to_the_replica(case: Case, error: Exception) -> None:
    case.primary.error = error
    for _ in range(2):
        with pytest.raises(type(error)):
            case.read()
    assert (case.primary.asked, case.replica.asked) == (2, 0)


def test_a_probe_that_finds_all_connections_held_by_waiting_writes_is_answered_by_the_replica(case: Case) -> None:
    case.primary.error = LOST
    case.read()
    case.now += 1.0
    case.primary.error = OverloadedError("Too many.")
    assert case.read() == (REPLICA, True)
    assert case.primary.asked == 2


@pytest.mark.parametrize("error", [RowsUnavailableError("gone"), ProgrammingError(1146, "no such table")])
def test_when_both_are_lost_the_primary_s_loss_is_told(case: Case, error: Exception) -> None:
    case.primary.error, case.replica.error = LOST, error
    with pytest.raises(RowsUnavailableError, match="The primary is gone"):
        case.read()
    assert not case.staleness.noted
    assert (case.primary.asked, case.replica.asked) == (1, 1)


def test_without_a_replica_the_primary_is_asked_in_its_pause_too(case: Case) -> None:
    case.primary.error = LOST
    case.read()
    case.primary.error, case.replica.error = None, RowsUnavailableError("gone")
    assert case.read() == (PRIMARY, False)
    case.replica.error = None
    assert case.read() == (PRIMARY, False)  # and its answer ended the pause


def test_a_note_is_the_thread_s_own(case: Case) -> None:
    case.primary.error = LOST
    case.read()
    seen = []
    thread = threading.Thread(target=lambda: seen.append(case.staleness.noted))
    thread.start()
    thread.join(20)
    assert (seen, case.staleness.noted) == ([False], True)
