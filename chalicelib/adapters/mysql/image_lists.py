"""Lists of images: from the replica where there is one that is new enough, from the primary otherwise.

A list decides nothing: what it names is looked up again in the row at the primary before any byte of it is shown. So
it may come from the replica, if nobody misses in it what was acknowledged before. Every write of an owner's bumps the
owner's version in its transaction. Before a list is asked for, the owner's version is read at the primary, in one
SELECT by unique keys that also says whether the session is in force; the replica's statement gives the version that
it has together with the rows. Rows with a lower version are thrown away, and the primary is asked.
"""

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
_ECHOES = 4  # columns before those that were asked for


class Locating(Selecting, Protocol):
    """What reads rows at the primary, or says that it had to read them elsewhere."""

    def located(self, sql: str, args: Args = (), belongs: Belongs = ...) -> tuple[Rows, bool]:
        """As `select`, and whether the rows are the primary's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`columns` of the images `i` whose keys sort behind `after`, at most `limit` of them; 0: all."""

    columns: str
    after: bytes = b""
    limit: int = 0


class ImageLists:
    """Lists where the rows are that decide."""

    def __init__(self, reads: Selecting) -> None:
        self._reads = reads

    def rows(self, principal: Principal, wanted: Wanted) -> list[tuple[Any, ...]]:
        """The columns of each image in byte order of the keys; none if nobody is the principal.

        Raises RowsUnavailableError or OverloadedError.
        """
        who = whose(principal)
        return _images(self._reads.select(*_statement(who, wanted)))


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

    def rows(self, principal: Principal, wanted: Wanted) -> list[tuple[Any, ...]]:
        if not self._admitted():
            self._note(ListSource.SILENT)
            return super().rows(principal, wanted)
        who = whose(principal)
        found, at_primary = self._located(
            f"SELECT {who.echo}, o.id, o.version FROM {who.tables} WHERE {who.condition}",
            who.args,
            lambda rows: all(len(row) == 3 and row[0] == who.asked for row in rows),
        )
        if not at_primary:
            return super().rows(principal, wanted)  # nobody knows what is new enough; it says so, and goes on
        if not found:
            return []
        source, rows = self._at_replica(Owner(*found[0][1:]), wanted)
        self._note(source)
        return rows if source is ListSource.REPLICA else super().rows(principal, wanted)

    def _at_replica(self, owner: Owner, wanted: Wanted) -> tuple[ListSource, list[tuple[Any, ...]]]:
        by_id = Whose("owners o", "o.id = %s", "o.id", owner.id)
        started = self._monotonic()
        try:
            found = self._replica.select(*_statement(by_id, wanted), LIST_SECONDS)
        except (RowsUnavailableError, OverloadedError, ProgrammingError):  # the last: it has not got the tables yet
            with self._lock:
                self._breaker = failed(self._breaker, self._monotonic(), _POLICY)
            return ListSource.SILENT, []
        with self._lock:
            now = self._monotonic()
            self._breaker = succeeded(self._breaker, now - started, now, _POLICY)
        return source_of(owner.version, found[0][3] if found else None), _images(found)

    def _admitted(self) -> bool:
        if not self._breaker.tripped:
            return True
        with self._lock:
            self._breaker, goes = admitted(self._breaker, self._monotonic(), _POLICY)
        return goes


def _statement(who: Whose, wanted: Wanted) -> tuple[str, Args, Belongs]:
    """One SELECT that repeats what it was asked, and says which version of the owner its rows are of."""
    sql = (
        f"SELECT {who.echo}, %s, %s, o.version, {wanted.columns} FROM {who.tables} "
        f"LEFT JOIN images i ON i.owner_id = o.id AND i.image_key > %s WHERE {who.condition} ORDER BY i.image_key"
    )
    args: tuple[object, ...] = (wanted.after, wanted.limit, wanted.after, *who.args)
    if wanted.limit:
        sql, args = f"{sql} LIMIT %s", (*args, wanted.limit)
    asked, length = (who.asked, wanted.after, wanted.limit), _ECHOES + wanted.columns.count(",") + 1
    return sql, args, lambda rows: all(len(row) == length and row[:3] == asked for row in rows)


def _images(found: Rows) -> list[tuple[Any, ...]]:
    """The columns that were asked for; an owner without images is one row of which they are NULL."""
    return [row[_ECHOES:] for row in found if row[_ECHOES] is not None]
