"""What goes into a dump, and how it is read: the tables and columns that are named here and nothing else."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.adapters.mysql.audit_rows import moment_of
from chalicelib.adapters.mysql.database import Args, Rows
from chalicelib.domain.dumps import Page

ROWS = 500  # in memory at a time


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


def pages_of(select: Callable[[str, Args], Rows], after: str) -> Iterator[Page]:
    """The rows of the tables behind that place, by keyset: each page begins behind the last row of the one before."""
    name, last = json.loads(after) if after else (DUMPED[0].name, None)
    first = [table.name for table in DUMPED].index(name)
    for table in DUMPED[first:]:
        yield from _pages_of_table(table, select, last and [_value(one) for one in last])
        last = None


def _pages_of_table(table: Table, select: Callable[[str, Args], Rows], last: Sequence[object] | None) -> Iterator[Page]:
    wanted = f"SELECT {', '.join(table.columns)} FROM {table.name}"
    order = f"ORDER BY {', '.join(table.key)} LIMIT {ROWS}"
    places = [table.columns.index(column) for column in table.key]
    while True:
        condition, args = _behind(table.key, last) if last else ("", [])
        found = select(f"{wanted} {condition} {order}", args)
        if not found:
            return
        last = [found[-1][place] for place in places]
        rows = [
            (table.name, {column: _plain(column, row[at]) for at, column in enumerate(table.columns)}) for row in found
        ]
        yield Page(rows, json.dumps([table.name, [_written(one) for one in last]]))


def _behind(key: Sequence[str], last: Sequence[object]) -> tuple[str, list[object]]:
    """Written out, since neither server goes by the index for (a, b) > (x, y): a > x OR (a = x AND b > y)."""
    same, args, choices = "", list[object](), []
    for number, column in enumerate(key):
        choices.append(f"({same}{column} > %s)")
        args += last[: number + 1]
        same += f"{column} = %s AND "
    return f"WHERE {' OR '.join(choices)}", args


def _written(value: object) -> object:
    """A part of a key, in a place."""
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def _value(written: object) -> object:
    """What `_written` told."""
    return bytes.fromhex(written["bytes"]) if isinstance(written, dict) else written


def _plain(column: str, value: object) -> object:
    """A value as JSON can hold it."""
    if isinstance(value, datetime):
        return moment_of(value).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return value.decode(errors="replace") if column in TEXTS else value.hex()
    return value
