"""The rows of dumps, and the rows that go into one: what is named here and nothing else."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.adapters.mysql.audit_rows import concluded, moment_of, put_down
from chalicelib.adapters.mysql.database import Args, Database, Rows, Transaction
from chalicelib.adapters.mysql.due_jobs import derived_id, insert_jobs
from chalicelib.domain import jobs
from chalicelib.domain.admin import BEGUN, DONE, Deed, Dump
from chalicelib.domain.admin_ports import Row
from chalicelib.domain.jobs import Job, Removal

KEPT_SECONDS = 24 * 3600
PAGE = 500  # rows in memory at a time
MOST_DUMPS = 20
_DUMP = "id, deed, actor_email, object_key, asked_at, ends_at, done_at, row_count, size"
_NOBODY = b"\x00" * 16


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is dumped, by its primary key."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]


DUMPED = (
    Table("owners", ("id",), ("id", "name", "version", "created_at", "images", "bytes")),
    Table("accounts", ("owner_id",), ("owner_id", "email", "admin", "disabled_at", "created_at", "quota_bytes")),
    Table(
        "images",
        ("owner_id", "image_key"),
        (
            *("owner_id", "image_key", "object_key", "sha256", "size", "media_type", "width", "height", "frames"),
            "created_at",
        ),
    ),
    Table(
        "renditions",
        ("owner_id", "image_key", "kind"),
        (
            *("owner_id", "image_key", "kind", "source_object_key", "object_key", "sha256", "width", "height", "size"),
            *("media_type", "state", "why", "created_at"),
        ),
    ),
    Table(
        "image_tags",
        ("owner_id", "image_key", "tag"),
        ("owner_id", "image_key", "tag", "source", "removed"),
    ),
    Table("albums", ("id",), ("id", "owner_id", "title", "cover", "created_at")),
    Table("album_images", ("id",), ("id", "album_id", "owner_id", "image_key", "place")),
    Table(
        "shares",
        ("id",),
        (
            *("id", "owner_id", "album_id", "image_key", "title", "downloads", "created_at", "ends_at", "views"),
            "viewed_at",
        ),
    ),
    Table(
        "image_details",
        ("owner_id", "image_key"),
        ("owner_id", "image_key", "caption", "seen_object_key", "colour", "camera", "taken_at"),
    ),
    Table(
        "trashed_images",
        ("id",),
        (
            *("id", "batch_id", "trashed_at"),
            *("owner_id", "image_key", "object_key", "sha256", "size", "media_type", "width", "height", "frames"),
            "created_at",
        ),
    ),
    Table("settings", ("name",), ("name", "version", "body")),
    Table("fleet_maps", ("id",), ("id", "version", "body")),
    Table(
        "decisions",
        ("id",),
        (
            *("id", "minute", "decided_at", "run", "rule", "reason", "nodes_before", "target", "inputs"),
            "outcome",
        ),
    ),
    Table("audit", ("id",), ("id", "deed", "at", "actor_email", "what", "about", "outcome", "address")),
)
LEFT_OUT = {  # what else there is, and why a dump has nothing of it
    "accounts.password": "a credential",
    "shares.token_hash": "a credential",
    "shares.password": "a credential",
    "sessions": "credentials",
    "api_tokens": "credentials",
    "account_links": "credentials",
    "tries": "passing",
    "uploads": "passing",
    "idempotency_keys": "passing",
    "downloads": "passing",
    "download_zips": "passing; names the zips' own objects",
    "jobs": "passing",
    "dumps": "passing; names the dumps' own objects",
    "heartbeats": "passing",
    "image_terms": "made from images and image_tags",
    "indexed_images": "made from images and image_tags",
    "owner_terms": "made from images and image_tags",
    "launches": "passing",
    "findings": "passing; name objects that no row names",
    "accounts.erase_at": "passing; such an account is disabled",
    "erasures": "receipts, which outlive their accounts",
    "sweeps": "passing",
    "scaler_runs": "passing",
}
TEXTS = frozenset({"name", "email", "image_key", "actor_email"})  # bytes that are UTF-8; other bytes are hexadecimal


class MySqlDumpRows:
    """DumpRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask_dump(self, dump_id: bytes, object_key: str, deed: Deed) -> bytes:
        job_id, removal_id = derived_id(dump_id, 0), derived_id(dump_id, 1)

        def work(transaction: Transaction) -> bytes:
            if not put_down(transaction, deed, BEGUN):
                return job_id  # committed, its answer was lost
            transaction.change(
                "INSERT INTO dumps (id, deed, actor_email, object_key, asked_at, ends_at) VALUES "
                "(%s, %s, %s, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL %s SECOND)",
                (dump_id, deed.id, deed.actor.encode(), object_key, KEPT_SECONDS),
            )
            insert_jobs(transaction, [Job(job_id, jobs.MAKE_DUMP, json.dumps({"dump": dump_id.hex()}))])
            removal = jobs.removal_job(removal_id, [Removal(_NOBODY, object_key, 0)])
            insert_jobs(transaction, [removal], KEPT_SECONDS)
            return job_id

        return self._database.transaction(work)

    def dumps(self) -> list[Dump]:
        found = self._database.select(
            f"SELECT {_DUMP} FROM dumps WHERE ends_at > UTC_TIMESTAMP(6) ORDER BY asked_at DESC LIMIT %s",
            (MOST_DUMPS,),
            belongs=lambda rows: all(len(row) == _DUMP.count(",") + 1 for row in rows),
        )
        return [_dump(row) for row in found]

    def dump(self, dump_id: bytes, left_seconds: int = 0) -> Dump | None:
        found = self._database.select(
            f"SELECT {_DUMP} FROM dumps WHERE id = %s AND ends_at > UTC_TIMESTAMP(6) + INTERVAL %s SECOND",
            (dump_id, left_seconds),
            belongs=lambda rows: all(row[0] == dump_id for row in rows),
        )
        return _dump(found[0]) if found else None

    def finish_dump(self, dump_id: bytes, rows: int, size: int) -> None:
        def work(transaction: Transaction) -> None:
            transaction.change(
                "UPDATE dumps SET done_at = UTC_TIMESTAMP(6), row_count = %s, size = %s WHERE id = %s",
                (rows, size, dump_id),
            )
            for (deed_id,) in transaction.select("SELECT deed FROM dumps WHERE id = %s", (dump_id,)):
                concluded(transaction, deed_id, DONE)

        self._database.transaction(work)

    @contextmanager
    def snapshot(self) -> Iterator[Iterator[Row]]:
        with self._database.snapshot() as select:
            yield (row for table in DUMPED for row in _rows_of(table, select))


def _rows_of(table: Table, select: Callable[[str, Args], Rows]) -> Iterator[Row]:
    """By keyset: each page begins behind the last row of the one before."""
    wanted = f"SELECT {', '.join(table.columns)} FROM {table.name}"
    order = f"ORDER BY {', '.join(table.key)} LIMIT {PAGE}"
    places = [table.columns.index(column) for column in table.key]
    condition, args = "", list[object]()
    while page := select(f"{wanted} {condition} {order}", args):
        for row in page:
            yield table.name, {column: _plain(column, row[at]) for at, column in enumerate(table.columns)}
        condition, args = _behind(table.key, [page[-1][place] for place in places])


def _behind(key: Sequence[str], last: Sequence[object]) -> tuple[str, list[object]]:
    """Written out, since neither server goes by the index for (a, b) > (x, y): a > x OR (a = x AND b > y)."""
    same, args, choices = "", list[object](), []
    for number, column in enumerate(key):
        choices.append(f"({same}{column} > %s)")
        args += last[: number + 1]
        same += f"{column} = %s AND "
    return f"WHERE {' OR '.join(choices)}", args


def _plain(column: str, value: object) -> object:
    """A value as JSON can hold it."""
    if isinstance(value, datetime):
        return moment_of(value).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return value.decode(errors="replace") if column in TEXTS else value.hex()
    return value


def _dump(columns: Sequence[Any]) -> Dump:
    dump_id, deed_id, actor, object_key, asked_at, ends_at, done_at, rows, size = columns
    done = None if done_at is None else moment_of(done_at)
    return Dump(dump_id, deed_id, actor.decode(), object_key, moment_of(asked_at), moment_of(ends_at), done, rows, size)
