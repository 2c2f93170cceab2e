"""Bring the database's tables up to the code: `python -m ops.migrate`. Migrations are plain SQL files in migrations/.

Safe to run twice at once: the second waits for the first. MySQL commits every change of a table by itself, so after a
kill between a migration's statements that migration begins again: they must bear it (IF NOT EXISTS, or one a file).
"""

import argparse
import os
import socket
import sys
import uuid
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymysql
from yoyo import read_migrations
from yoyo.backends.core.mysql import MySQLBackend
from yoyo.connections import parse_uri
from yoyo.migrations import MigrationList

from ops.database import Database, from_environ, from_url

_BOOKKEEPING = "_yoyo_migration"
MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
_LOCK_SECONDS = 120
# A change of a table waits for the transactions that use it, and everybody else waits behind it meanwhile. It gives up
# before a request would, lets them by, and tries again.
_TABLE_WAIT_SECONDS = 3
_TRIES = 20
_WAITED_TOO_LONG = 1205  # MySQL's error number


class MigrationError(Exception):
    """The tables could not be brought up to the code; its message says why in words."""


class DatabaseNewerError(MigrationError):
    """The database has migrations that this code does not know."""


def migrate(
    database: Database,
    folder: Path = MIGRATIONS,
    *,
    but: Collection[str] = (),
    borne: Collection[str] = (),
) -> tuple[str, ...]:
    """Apply what is missing, in the order of the file names, without those of `but`; the ids applied now.

    `borne` are ids of a newer release's that this code is known to run on. Raises DatabaseNewerError before touching
    anything, MigrationError if a statement fails or another run holds the database for two minutes,
    pymysql.err.OperationalError if the server cannot be reached.
    """
    migrations = read_migrations(str(folder))
    with _alone(database), closing(_Backend(database)) as backend:
        _drop_half_made_bookkeeping(backend)
        backend.create_lock_table()
        backend.break_lock()  # a row left by a run that was killed; the server's own lock has shut out live ones
        applied = _applied_ids(backend)
        unknown = sorted(applied - {migration.id for migration in migrations} - set(borne))
        if unknown:
            raise DatabaseNewerError(
                f"The database is newer than this code: it has the migration {unknown[-1]}, which {folder} lacks. "
                "Use the code that wrote it, or newer."
            )
        missing = [migration for migration in backend.to_apply(migrations) if migration.id not in but]
        try:
            with backend.lock():
                for migration in missing:
                    _apply(backend, migration)
        except pymysql.err.DatabaseError as error:
            raise MigrationError(f"A migration failed: {error.args[-1]}.") from error
        return tuple(migration.id for migration in missing)


def applied_ids(database: Database) -> frozenset[str]:
    """Of the migrations that were applied; none before the first. Nothing is changed."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES LIKE %s", (_BOOKKEEPING,))
        if not cursor.fetchone():
            return frozenset()
        cursor.execute(f"SELECT migration_id FROM {_BOOKKEEPING}")  # noqa: S608  # a constant
        return frozenset(row[0] for row in cursor.fetchall())


class _Backend(MySQLBackend):  # type: ignore[misc]  # yoyo has no types
    """yoyo's own, on our kind of connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        super().__init__(parse_uri(f"mysql:///{database.name}"), _BOOKKEEPING)
        # Not true of MySQL, but said otherwise yoyo answers a failure by running the rollback file, which drops tables.
        self.has_transactional_ddl = True

    def connect(self, _uri: object) -> pymysql.Connection:
        connection = self._database.connect()
        with connection.cursor() as cursor:
            cursor.execute(f"SET SESSION lock_wait_timeout = {_TABLE_WAIT_SECONDS}")
        return connection

    def copy(self) -> "_Backend":
        return _Backend(self._database)

    def transaction(self, rollback_on_exit: bool = False) -> Any:
        """Never one inside another: a change of a table ends them all, and yoyo would report the lost inner one."""
        return nullcontext() if self._in_transaction else super().transaction(rollback_on_exit)

    def close(self) -> None:
        self.connection.close()

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, object]:
        """As yoyo's, but without its look-up of the full host name, which may wait long for a name server."""
        return {
            "id": str(uuid.uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": self._database.user,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }


def _apply(backend: _Backend, migration: Any) -> None:
    """Migrations bear to be begun again."""
    for left in reversed(range(_TRIES)):
        try:
            backend.apply_migrations(MigrationList([migration]))
        except pymysql.err.OperationalError as error:
            if error.args[0] != _WAITED_TOO_LONG or not left:
                raise
        else:
            return


def _drop_half_made_bookkeeping(backend: _Backend) -> None:
    """yoyo cannot go on after a kill while it made its own tables. It does so before the first migration and writes the
    version's row last, so without that row nothing was ever applied and nothing is lost.
    """
    if backend.version_table in backend.list_tables():
        version = backend.execute(f"SELECT MAX(version) FROM {backend.version_table_quoted}").fetchone()  # noqa: S608
        if version != (None,):
            return
    for table in (backend.version_table, backend.log_table, backend.migration_table):
        backend.execute(f"DROP TABLE IF EXISTS {backend.quote_identifier(table)}")


def _applied_ids(backend: _Backend) -> set[str]:
    backend.ensure_internal_schema_updated()
    rows = backend.execute(f"SELECT migration_id FROM {backend.migration_table_quoted}").fetchall()  # noqa: S608
    return {row[0] for row in rows}


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold a lock that the server gives up by itself when this process dies, unlike yoyo's row."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, %s)", (f"migrations of {database.name}"[:64], _LOCK_SECONDS))
        if cursor.fetchone() != (1,):
            raise MigrationError(f"Another migration has held the database for {_LOCK_SECONDS} s.")
        yield


def main(arguments: list[str]) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ops.migrate", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--database-url", help="mysql://user:password@host:port/name; else DATABASE_HOST and so on")
    given = parser.parse_args(arguments)
    try:
        database = from_url(given.database_url) if given.database_url else from_environ(os.environ)
    except (KeyError, ValueError) as error:
        print(f"No database to migrate: {error}", file=sys.stderr)
        return 2
    try:
        applied = migrate(database)
    except (MigrationError, pymysql.err.OperationalError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Applied: {', '.join(applied)}." if applied else "Up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
