"""The erasure of an account: its states, what is erased where, and the receipt, which holds nothing of a person's."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from chalicelib.domain.jobs import ERASE_ACCOUNT, Job

VERSIONS, MARKERS, CACHED, SILENT = "versions", "markers", "cache entries", "nodes that did not answer"
AGAIN_SECONDS = 2 * 3600  # a write that was under way is given up after one hour; what it left is looked for then
MAIL_TRIES = 10  # then the address is forgotten, whether mail can be sent or not

_WORDS = {
    "accounts": "account",
    "api_tokens": "tokens for scripts",
    "image_tags": "tags",
    "album_images": "places in albums",
    "shares": "share links",
    "image_details": "captions and details",
    "image_terms": "search terms",
    "indexed_images": "search entries of images",
    "owner_terms": "suggestions",
    "account_links": "links sent by mail",
    "idempotency_keys": "answers kept for repeated requests",
    "trashed_images": "images in the trash",
    "owners": "owner",
}


class State(Enum):
    """How far an erasure is."""

    ASKED = "asked"  # and can be withdrawn
    BEGUN = "begun"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Holdings:
    """What there is of an owner's: rows by table, and bytes of images and of what is made of them."""

    rows: Mapping[str, int]
    bytes: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """One account's erasure. `erased` counts what lies outside the database; `loose_keys` name no owner."""

    id: bytes
    owner_id: bytes
    state: State
    asked_at: datetime
    due_at: datetime
    done_at: datetime | None = None
    email: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0
    erased: Mapping[str, int] = field(default_factory=dict)
    loose_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What a job of an erasure does. `again` is the look, hours later, for what was still being written."""

    erasure_id: bytes
    owner_id: bytes
    again: bool = False
    loose_keys: tuple[str, ...] = ()


def erasure_job(job_id: bytes, order: Order) -> Job:
    """A job that erases."""
    body = [order.erasure_id.hex(), order.owner_id.hex(), order.again, list(order.loose_keys)]
    return Job(job_id, ERASE_ACCOUNT, json.dumps(body))


def order_of(job: Job) -> Order:
    """What a job made by erasure_job does."""
    erasure_id, owner_id, again, keys = json.loads(job.body)
    return Order(bytes.fromhex(erasure_id), bytes.fromhex(owner_id), again, tuple(keys))


def prefixes(owner_id: bytes, loose_keys: Iterable[str]) -> tuple[str, ...]:
    """Below these lies every object of the owner's, and no other's."""
    own = [f"{place}/{owner_id.hex()}/" for place in ("originals", "renditions", "incoming")]
    return (*own, *(f"quarantine/{prefix}" for prefix in own), *loose_keys)


def children_first(tables: Iterable[str], refers: Iterable[tuple[str, str]]) -> list[str]:
    """The tables so that each stands before those that it refers to, otherwise by name.

    `refers` are pairs of tables, the second referred to by the first. Raises ValueError if they go round in a circle.
    """
    left = sorted(tables)
    edges = {(child, parent) for child, parent in refers if child != parent}
    ordered: list[str] = []
    while left:
        held = {parent for child, parent in edges if child in left}
        free = [table for table in left if table not in held]
        if not free:
            raise ValueError(f"these tables refer to each other in a circle: {', '.join(left)}")
        ordered += free
        left = [table for table in left if table in held]
    return ordered


def words_of(table: str) -> str:
    """What the rows of a table are called on a page."""
    return _WORDS.get(table, table.replace("_", " "))


def opaque(erasure_id: bytes) -> str:
    """What stands in the audit log for the person from then on."""
    return f"erased-{erasure_id.hex()[:12]}"


def without(address: str, text: str, instead: str) -> str:
    """The text with another word in place of the address; a longer one that holds it is somebody else's, and stays."""
    return re.sub(rf"(?<![\w.+-]){re.escape(address)}(?![\w-]|\.\w)", lambda found: instead, text)


def receipt_text(erasure: Erasure) -> str:
    """The receipt for mail."""
    lines = [f"{count:>12,}  {words_of(table)}" for table, count in sorted(erasure.rows.items()) if count]
    lines += [f"{erasure.bytes:>12,}  bytes of images and of what was made of them"]
    lines += [f"{count:>12,}  {what}" for what, count in outside_of(erasure)]
    return "\n".join(lines)


def outside_of(erasure: Erasure) -> list[tuple[str, int]]:
    """What was erased outside the database, in words, with the count."""
    return [(words, erasure.erased.get(what, 0)) for what, words in OUTSIDE]


OUTSIDE = (
    (VERSIONS, "versions of objects in the object store"),
    (MARKERS, "markers of deleted objects"),
    (CACHED, "entries in cache nodes"),
)
