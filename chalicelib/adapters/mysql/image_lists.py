"""Lists of images: from the replica where there is one that is new enough, from the primary otherwise.

A list decides nothing: what it names is looked up again in the row at the primary before any byte of it is shown. So
it may come from the replica, if nobody misses in it what was acknowledged before. Every write of an owner's bumps the
owner's version in its transaction. Before a list is asked for, the owner's version is read at the primary, in one
SELECT by unique keys that also says whether the session is in force; the replica's statement gives the version that
it has together with the rows. Rows with a lower version are thrown away, and the primary is asked.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pymysql.err import ProgrammingError

from chalicelib.adapters.mysql.database import Args, Belongs, Rows, Selecting
from chalicelib.adapters.mysql.principals import Whose, whose
from chalicelib.adapters.mysql.reads import Server
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.breaker import Breaker, BreakerPolicy, admitted, failed, succeeded
from chalicelib.domain.errors import OverloadedError, RowsUnavailableError
from chalicelib.domain.list_sources import ListSource, source_of

# Of the replica's answer: between two calls to the primary, of 0.7 s each, it leaves a request within 2 s.
LIST_SECONDS = 0.4
_POLICY = BreakerPolicy(slow_seconds=0.1, slow_calls=5, pause_seconds=1.0)
_ALL = 2**63 - 1


class Locating(Selecting, Protocol):
    """What reads rows at the primary, or says that it had to read them elsewhere."""

    def located(self, sql: str, args: Args = (), belongs: Belongs = ...) -> tuple[Rows, bool]:
        """As `select`, and whether the rows are the primary's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`columns` of images `i`, at most `limit` of them; 0: all.

    `joins` lead from the owner `o` to the images, `condition` is about them all. In `order`, "{}" stands for the first
    table that is joined, whose columns of these names are the images'.
    """

    columns: str
    limit: int = 0
    joins: str = "JOIN images i ON i.owner_id = o.id"
    join_args: Args = ()
    first: str = "i"
    condition: str = "TRUE"
    args: Args = ()
    order: str = "{}.image_key"


def behind(columns: str, key: bytes, limit: int = 0) -> Wanted:
    """Those whose keys sort behind that one, in byte order of the keys."""
    return Wanted(columns, limit, condition="i.image_key > %s", args=(key,))


class ImageLists:
    """Lists where the rows are that decide."""

    def __init__(self, reads: Selecting) -> None:
        self._reads = reads

    def rows(self, principal: Principal, wanted: Wanted) -> list[tuple[Any, ...]]:
        """The columns of each image in the order that is wanted; none if nobody is the principal.

        Raises RowsUnavailableError or OverloadedError.
        """
        return self.rows_and_source(principal, wanted)[0]

    def rows_and_source(self, principal: Principal, wanted: Wanted) -> tuple[list[tuple[Any, ...]], ListSource]:
        """As `rows`, and who gave them."""
        return self._primary_rows(principal, wanted), ListSource.PRIMARY

    def _primary_rows(self, principal: Principal, wanted: Wanted) -> list[tuple[Any, ...]]:
        return [row[1:] for row in self._reads.select(*_at_primary(whose(principal), wanted))]


class ReplicatedImageLists(ImageLists):
    """Lists from the replica where it is new enough. `note` is told of each list where it came from.

    Safe to share between threads.
    """

    def __init__(
        self,
        reads: Locating,
        replica: Server,
        note: Callable[[ListSource], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(reads)
        self._located = reads.located
        self._replica = replica
        self._note = note
        self._monotonic = monotonic
        self._breaker = Breaker()  # replaced under the lock, looked at without
        self._lock = threading.Lock()

    def rows_and_source(self, principal: Principal, wanted: Wanted) -> tuple[list[tuple[Any, ...]], ListSource]:
        if not self._admitted():
            self._note(ListSource.SILENT)
            return self._primary_rows(principal, wanted), ListSource.SILENT
        who = whose(principal)
        found, at_primary = self._located(
            f"SELECT {who.echo}, o.id, o.version FROM {who.tables} WHERE {who.condition}",
            who.args,
            lambda rows: all(len(row) == 3 and row[0] == who.asked for row in rows),
        )
        if not at_primary:
            # Nobody knows what is new enough; it says so, and goes on.
            return self._primary_rows(principal, wanted), ListSource.REPLICA
        if not found:
            return [], ListSource.PRIMARY
        source, rows = self._given_by_replica(Owner(*found[0][1:]), wanted)
        self._note(source)
        return (rows if source is ListSource.REPLICA else self._primary_rows(principal, wanted)), source

    def _given_by_replica(self, owner: Owner, wanted: Wanted) -> tuple[ListSource, list[tuple[Any, ...]]]:
        started = self._monotonic()
        try:
            found = self._replica.select(*_at_replica(owner.id, wanted), LIST_SECONDS)
        except (RowsUnavailableError, OverloadedError, ProgrammingError):  # the last: it has not got the tables yet
            with self._lock:
                self._breaker = failed(self._breaker, self._monotonic(), _POLICY)
            return ListSource.SILENT, []
        with self._lock:
            now = self._monotonic()
            self._breaker = succeeded(self._breaker, now - started, now, _POLICY)
        source = source_of(owner.version, found[0][1] if found else None)
        return source, [row[2:] for row in found if row[2] is not None]

    def _admitted(self) -> bool:
        if not self._breaker.tripped:
            return True
        with self._lock:
            self._breaker, goes = admitted(self._breaker, self._monotonic(), _POLICY)
        return goes


def _at_primary(who: Whose, wanted: Wanted) -> tuple[str, Args, Belongs]:
    """The images of whoever asks. The first column is the question's own."""
    return _asked_once(
        wanted,
        1,
        f"SELECT STRAIGHT_JOIN %s, {wanted.columns} FROM {who.tables} {wanted.joins} "
        f"WHERE {who.condition} AND {wanted.condition} ORDER BY {wanted.order.replace('{}', wanted.first)} LIMIT %s",
        *wanted.join_args,
        *who.args,
        *wanted.args,
        wanted.limit or _ALL,
    )


def _at_replica(owner_id: bytes, wanted: Wanted) -> tuple[str, Args, Belongs]:
    """The owner's version and, of the same moment, the images; one row of NULLs if there are none.

    The inner SELECT takes them from the index in their order; joined to as it is, MariaDB would sort the whole list.
    """
    return _asked_once(
        wanted,
        2,
        f"SELECT %s, o.version, i.* FROM owners o LEFT JOIN (SELECT STRAIGHT_JOIN {wanted.columns} FROM owners o "
        f"{wanted.joins} WHERE o.id = %s AND {wanted.condition} "
        f"ORDER BY {wanted.order.replace('{}', wanted.first)} LIMIT %s) i ON TRUE "
        f"WHERE o.id = %s ORDER BY {wanted.order.replace('{}', 'i')}",
        *wanted.join_args,
        owner_id,
        *wanted.args,
        wanted.limit or _ALL,
        owner_id,
    )


def _asked_once(wanted: Wanted, more_columns: int, sql: str, *args: object) -> tuple[str, Args, Belongs]:
    """With a number of its own as the first column: a connection that lost its place gives another question's."""
    number, length = secrets.token_bytes(8), more_columns + wanted.columns.count(",") + 1
    return sql, (number, *args), lambda rows: all(len(row) == length and row[0] == number for row in rows)
