"""Connections to MySQL (or MariaDB), kept between requests, and transactions that are retried whole.

A lost connection or a deadlock rolls a transaction back; it is then run again from its first statement, on a fresh
connection, at most TRANSACTION_ATTEMPTS times. The outcome of a COMMIT whose answer was lost is unknown, so every
transaction function must find its own earlier success and answer as the first time.

A call has one deadline for everything: connecting, all tries, every byte of the answer. What passes it is not tried
again, and its connection is closed, so that an answer that comes late reaches nobody.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import pymysql
from pymemcache.pool import ObjectPool
from pymysql.constants import CR, ER
from pymysql.cursors import Cursor

from chalicelib.adapters.deadline_sockets import within
from chalicelib.adapters.mysql.connection import Connection, tls_context
from chalicelib.domain.errors import OverloadedError, RowsUnavailableError, UnavailableError

logger = logging.getLogger(__name__)

TRANSACTION_ATTEMPTS = 3
RETRY_JITTER_SECONDS = 0.05
MOST_SECONDS = 10.0  # for an answer of many rows that keeps coming
_DEADLOCK, _LOCK_WAIT_TIMEOUT = 1213, 1205
# Strict, and without what MariaDB and MySQL understand differently.
_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', innodb_lock_wait_timeout = 1"
)
_ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"

Args = Sequence[object]
Rows = list[tuple[Any, ...]]
Belongs = Callable[[Rows], bool]
T = TypeVar("T")


class SignIn(NamedTuple):
    """Who we are at a server."""

    user: str
    password: str


class SignIns(Protocol):
    """Where the password is told that holds at this moment."""

    def current(self) -> SignIn:
        """The one that was good last. Raises UnavailableError."""

    def after(self, refused: SignIn) -> SignIn:
        """What is told now that the server has refused one. Raises UnavailableError."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where a server is, who we are there, and how long a whole call may take (seconds).

    `sign_ins` stand in for user and password where these change. `ca_file` is tls's, None for whom the machine trusts.

    1.5 s leaves a request half a second for everything else, so that it is answered within 2 s when the database is
    gone; a healthy one answers in milliseconds, or after a lock's wait of 1 s at most. Connecting counts too, and has a
    limit of its own.
    """

    host: str
    port: int
    user: str
    password: str
    name: str
    tls: bool
    ca_file: str | None = None
    sign_ins: SignIns | None = None
    most_connections: int = 32  # of this process
    turn_seconds: float = 0.5  # how long to wait for one of them
    connect_timeout_seconds: float = 1.0
    answer_timeout_seconds: float = 1.5


class Selecting(Protocol):
    """What reads rows: a Database, or, where a replica stands in for it, Reads."""

    def select(self, sql: str, args: Args = (), belongs: Belongs = ...) -> Rows:
        """The rows of one autocommitted statement. Raises RowsUnavailableError or OverloadedError."""


class Database:
    """One server, the primary as a rule. Safe to share between threads: each call has a connection to itself."""

    def __init__(self, address: DatabaseAddress) -> None:
        self._address = address
        self._pool: ObjectPool[Connection] = ObjectPool(self._unconnected, after_remove=_close)
        self._turns = threading.BoundedSemaphore(address.most_connections)

    def select(
        self,
        sql: str,
        args: Args = (),
        belongs: Belongs = lambda rows: True,
        seconds: float | None = None,
    ) -> Rows:
        """The rows of one autocommitted statement. Raises RowsUnavailableError.

        `seconds` is for a call that may not take as long as others.

        `belongs` says whether rows can be the answer to this question. If not, the connection has lost its place: it
        is closed, and the question asked again on another.
        """
        self._know_password()
        allowed = self._address.answer_timeout_seconds if seconds is None else seconds
        with within(allowed, bytes_per_second=10e6, most_seconds=MOST_SECONDS):
            try:
                return self._select(sql, args, belongs, fresh=False)
            except _LostConnectionError as lost:
                if lost.timed_out:
                    raise RowsUnavailableError("The database does not answer in time.") from lost
            try:
                return self._select(sql, args, belongs, fresh=True)  # the server restarted since this one was kept
            except _LostConnectionError as lost:
                raise RowsUnavailableError("The database cannot be reached.") from lost

    def transaction(self, work: Callable[["Transaction"], T], *, patience_seconds: float = 0.0) -> T:
        """What `work` returns, after COMMIT. `work` may run several times. Raises RowsUnavailableError.

        `patience_seconds` is for a transaction that may rightly take longer than other calls.
        """
        self._know_password()
        if patience_seconds:
            self.select("SELECT 1")  # a server that is gone is found out as soon as by any other call
        with within(max(patience_seconds, self._address.answer_timeout_seconds)):
            return self._transaction(work)

    def _transaction(self, work: Callable[["Transaction"], T]) -> T:
        for attempt in range(1, TRANSACTION_ATTEMPTS + 1):
            try:
                return self._transact(work, fresh=attempt > 1)
            except (_LostConnectionError, _ConflictError) as error:
                timed_out = isinstance(error, _LostConnectionError) and error.timed_out
                if attempt == TRANSACTION_ATTEMPTS or timed_out:
                    raise RowsUnavailableError("The database could not complete the write; try again.") from error
                logger.warning("transaction run again (%s of %s): %s", attempt, TRANSACTION_ATTEMPTS, error)
                time.sleep(random.uniform(0, RETRY_JITTER_SECONDS))  # noqa: S311 # jitter needs no secrecy
        raise AssertionError("unreachable")

    @contextmanager
    def exclusive(self, name: str) -> Iterator[bool]:
        """Whether this process alone holds the named lock, for as long as the block runs. Never waits.

        Raises RowsUnavailableError.
        """
        self._know_password()
        try:
            # Fresh, since a kept connection may be dead and this one is closed at the end anyway.
            with ExitStack() as held:
                with within(self._address.answer_timeout_seconds), _lost_connections():
                    connection = held.enter_context(self._connection(fresh=True))
                    cursor = held.enter_context(connection.cursor())
                    # A server's locks are common to all its databases.
                    cursor.execute("SELECT GET_LOCK(%s, 0)", (f"{self._address.name}.{name}",))
                    granted = cursor.fetchall() == ((1,),)
                try:
                    yield granted
                finally:
                    if granted:
                        connection._force_close()  # type: ignore[attr-defined]  # the server frees it with the connection
        except _LostConnectionError as lost:
            raise RowsUnavailableError("The database cannot be reached.") from lost

    @contextmanager
    def snapshot(self) -> Iterator[Callable[[str, Args], Rows]]:
        """What selects rows as they all were at one moment, for as long as the block runs.

        Each statement has the deadline of a call. Raises RowsUnavailableError.
        """
        self._know_password()
        try:
            with self._connection(fresh=True) as connection, ExitStack() as closing:
                closing.callback(_close, connection)  # ends the transaction too
                cursor = closing.enter_context(connection.cursor())

                def select(sql: str, args: Args) -> Rows:
                    allowed = self._address.answer_timeout_seconds
                    with within(allowed, bytes_per_second=10e6, most_seconds=MOST_SECONDS), _lost_connections():
                        return Transaction(cursor).select(sql, args)

                with within(self._address.answer_timeout_seconds), _lost_connections():
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
                yield select
        except _LostConnectionError as lost:
            raise RowsUnavailableError("The database cannot be reached.") from lost

    def close(self) -> None:
        """Closes the connections that are not in use."""
        for _ in self._pool.free:
            self._pool.destroy(self._pool.get())

    def _select(self, sql: str, args: Args, belongs: Belongs, *, fresh: bool) -> Rows:
        with self._connection(fresh=fresh) as connection, _lost_connections(), connection.cursor() as cursor:
            rows = Transaction(cursor).select(sql, args)
            if not belongs(rows):
                raise _out_of_step()
            return rows

    def _transact(self, work: Callable[["Transaction"], T], *, fresh: bool) -> T:
        with self._connection(fresh=fresh) as connection, _lost_connections():
            connection.begin()
            try:
                with connection.cursor() as cursor:
                    result = work(Transaction(cursor))
                connection.commit()
            except BaseException:
                _roll_back(connection)
                raise
            return result

    @contextmanager
    def _connection(self, *, fresh: bool) -> Iterator[Connection]:
        if not self._turns.acquire(timeout=self._address.turn_seconds):
            raise OverloadedError("Too many requests wait for the database at this moment; try again shortly.")
        try:
            with self._pooled(fresh=fresh) as connection:
                yield connection
        finally:
            self._turns.release()

    @contextmanager
    def _pooled(self, *, fresh: bool) -> Iterator[Connection]:
        connection = self._pool.get()
        healthy = False
        try:
            if fresh or not connection.open:
                with _lost_connections():
                    _close(connection)
                    self._connect(connection)
                    with connection.cursor() as cursor:
                        cursor.execute(_ISOLATION)
            yield connection
            healthy = True
        except (_LostConnectionError, GeneratorExit):
            raise
        except Exception:
            healthy = True  # what went wrong was the work's; it was rolled back
            raise
        finally:
            if healthy and connection.open:
                self._pool.release(connection)
            else:
                self._pool.destroy(connection)

    def _know_password(self) -> None:
        """Asks for it before the call's deadline runs, which is the database's."""
        if self._address.sign_ins is not None:
            with _no_password():
                self._address.sign_ins.current()

    def _connect(self, connection: Connection) -> None:
        sign_ins = self._address.sign_ins
        if sign_ins is None:
            connection.connect()
            return
        with _no_password():
            sign_in = sign_ins.current()
        connection.sign_in_as(*sign_in)
        try:
            connection.connect()
        except pymysql.err.OperationalError as refusal:
            if refusal.args[0] != ER.ACCESS_DENIED_ERROR:
                raise
            with _no_password():  # it may have been changed since it was read
                changed = sign_ins.after(sign_in)
            if changed == sign_in:
                raise
            logger.warning("the database's password was changed; signing in anew")
            connection.sign_in_as(*changed)
            connection.connect()

    def _unconnected(self) -> Connection:
        address = self._address
        return Connection(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=address.name,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=address.connect_timeout_seconds,  # fractions work
            read_timeout=address.answer_timeout_seconds,
            write_timeout=address.answer_timeout_seconds,
            init_command=_SESSION,
            ssl=tls_context(address.ca_file) if address.tls else None,
            ssl_disabled=not address.tls,
            defer_connect=True,
        )


class Transaction:
    """The statements of one transaction."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def select(self, sql: str, args: Args = ()) -> Rows:
        """The rows of a statement."""
        self._cursor.execute(sql, args)
        if self._cursor.description is None:
            raise _out_of_step()
        return list(self._cursor.fetchall())

    def change(self, sql: str, args: Args = ()) -> int:
        """Runs a statement; the number of rows that it changed."""
        changed = self._cursor.execute(sql, args)
        if self._cursor.description is not None:
            raise _out_of_step()
        return changed

    def change_many(self, sql: str, args: Sequence[Args]) -> None:
        """Runs a statement once for each of the argument lists."""
        self._cursor.executemany(sql, args)


class _LostConnectionError(Exception):
    def __init__(self, error: Exception, took_seconds: float, timed_out: bool) -> None:
        super().__init__(f"{error} after {took_seconds:.2f} s")
        self.timed_out = timed_out


class _ConflictError(Exception):
    """A deadlock, or a lock not granted in time."""


@contextmanager
def _no_password() -> Iterator[None]:
    try:
        yield
    except UnavailableError as error:
        raise RowsUnavailableError(f"The database's password is not known: {error}") from error


@contextmanager
def _lost_connections() -> Iterator[None]:
    """Tells errors of the connection from errors of the statement."""
    started = time.monotonic()
    try:
        yield
    except pymysql.err.OperationalError as error:
        if error.args and error.args[0] in (_DEADLOCK, _LOCK_WAIT_TIMEOUT):
            raise _ConflictError(str(error)) from error
        raise _LostConnectionError(error, time.monotonic() - started, "timed out" in str(error)) from error
    except (pymysql.err.InterfaceError, pymysql.err.InternalError, OSError) as error:
        raise _LostConnectionError(error, time.monotonic() - started, isinstance(error, TimeoutError)) from error


def _out_of_step() -> pymysql.err.OperationalError:
    return pymysql.err.OperationalError(CR.CR_COMMANDS_OUT_OF_SYNC, "The answer belongs to another question")


def _roll_back(connection: Connection) -> None:
    try:
        if connection.open:
            connection.rollback()
    except (pymysql.err.MySQLError, OSError):
        _close(connection)  # the server rolls back what a closed connection left


def _close(connection: Connection) -> None:
    connection._force_close()  # type: ignore[attr-defined]  # close() would talk to a server that may be gone
