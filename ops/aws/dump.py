"""A database as lines of JSON, and back: every table with its rows, as of one moment.

Values are what the server says in text, or bytes; it takes them back the same way.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

import pymysql
from pymysql.cursors import Cursor, SSCursor

from ops.aws.errors import OperatorError
from ops.database import Database

_ROWS = 500  # in one INSERT
_UNDER_WAY = "restoration_under_way"
_NOT_OURS = ("yoyo_lock", _UNDER_WAY)  # who migrates or restores just now


def lines_of(database: Database) -> Iterator[dict[str, Any]]:
    """{"table", "create", "columns"}, then {"row": [...]} for each of its rows; writers go on meanwhile."""
    with closing(_as_text(database)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            cursor.execute("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
            tables = [str(row[0]) for row in cursor.fetchall() if row[0] not in _NOT_OURS]
        for table in tables:
            with connection.cursor() as cursor:
                cursor.execute(f"SHOW CREATE TABLE `{table}`")
                created = cursor.fetchone()
            assert created is not None  # noqa: S101  # it was listed in this transaction
            with connection.cursor(SSCursor) as cursor:
                cursor.execute(f"SELECT * FROM `{table}`")  # noqa: S608  # the server's own names
                yield {"table": table, "create": created[1], "columns": [one[0] for one in cursor.description]}
                while rows := cursor.fetchmany(_ROWS):
                    yield from ({"row": [_written(value) for value in row]} for row in rows)


def restore(database: Database, lines: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Puts the tables in place of those of the same names; rows by table. Other lines are left to others.

    Interrupted, the tables are not whole: the same again puts them in place anew.
    """
    counts: dict[str, int] = {}
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION foreign_key_checks = 0, unique_checks = 0, time_zone = '+00:00'")
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {_UNDER_WAY} (id INT NOT NULL PRIMARY KEY)")
        insert, current = "", ""
        waiting: list[list[Any]] = []

        def put() -> None:
            if waiting:
                cursor.executemany(insert, waiting)
                waiting.clear()

        for line in lines:
            if "table" in line:
                put()
                table, columns = line["table"], line["columns"]
                cursor.execute(f"DROP TABLE IF EXISTS `{table}`")
                cursor.execute(line["create"])
                names, places = ", ".join(f"`{one}`" for one in columns), ", ".join(["%s"] * len(columns))
                insert = f"INSERT INTO `{table}` ({names}) VALUES ({places})"  # noqa: S608  # of a sealed file
                counts[table] = 0
                current = table
            elif "row" in line:
                waiting.append([_read(value) for value in line["row"]])
                counts[current] += 1
                if len(waiting) >= _ROWS:
                    put()
        put()
        cursor.execute(f"DROP TABLE {_UNDER_WAY}")
    return counts


def begin_anew(database: Database) -> None:
    """Forgets the fleet of where the rows come from: its nodes are not here."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM launches")
        cursor.execute("UPDATE fleet_maps SET version = version + 1, body = %s", ('{"nodes": [], "assignment": []}',))


def refuse_if_used(database: Database) -> None:
    """Raises OperatorError if the database holds images, in the trash or not, which a restoration would replace.

    What a restoration that was interrupted has put there does not count.
    """
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES LIKE %s", (_UNDER_WAY,))
        if cursor.fetchone():
            return
        count = sum(_rows_in(cursor, table) for table in ("images", "trashed_images"))
    if count:
        raise OperatorError(
            f"The database holds {count} images, which a restoration would replace.",
            "Nothing was changed.",
            "restore into a new environment: `./ops/store create-env NAME`",
        )


def _rows_in(cursor: Cursor, table: str) -> int:
    try:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608  # a name of ours
    except pymysql.err.ProgrammingError:  # there is no such table
        return 0
    found = cursor.fetchone()
    return int(found[0]) if found else 0


def _as_text(database: Database) -> pymysql.Connection:
    connection = database.connect()
    connection.decoders = {}  # values as the server says them
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION time_zone = '+00:00'")
    return connection


def _written(value: Any) -> Any:
    return {"b": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _read(value: Any) -> Any:
    return base64.b64decode(value["b"]) if isinstance(value, dict) else value


def as_text(line: dict[str, Any]) -> bytes:
    """One line."""
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
