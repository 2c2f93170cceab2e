"""Moving rows of images into the trash, out of it, and away, within a transaction that has locked the owner's row.

An image's row is moved whole to trashed_images, which has the same columns and more; nothing that reads images can see
it there. What hangs on it by its key is moved to the key that `place_of` gives.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.mysql.database import Transaction
from chalicelib.adapters.mysql.due_jobs import derived_id, insert_jobs
from chalicelib.adapters.mysql.image_renditions import DEPENDENTS, MADE, freed_of
from chalicelib.adapters.mysql.image_rows import COLUMN_COUNT, COLUMNS, image_of
from chalicelib.adapters.mysql.image_terms import index
from chalicelib.adapters.mysql.spending import spend
from chalicelib.adapters.mysql.taken_keys import free_key
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Removal, Render
from chalicelib.domain.trash import TrashedImage, place_of

# Every column of images: a migration that adds one adds it to both tables, and here.
MOVED = "owner_id, image_key, object_key, sha256, size, media_type, width, height, frames, created_at"
LEFT_BEHIND = {
    "image_terms": "what images are found by: taken out and put in again by `index`",
    "indexed_images": "as image_terms",  # tables that have both columns and stay as they are, and why
    "uploads": "what became of an upload, not of the image",
    "findings": "what the sweeper found; it looks again",
}
TRASHED = f"{COLUMNS}, i.id, i.batch_id, i.trashed_at"
TRASHED_COUNT = COLUMN_COUNT + 3
_STATEMENT_ROWS = 200  # of one statement's IN, which keeps it on the index


def put_away(transaction: Transaction, owner: Owner, images: Sequence[Image], batch_id: bytes) -> None:
    """Moves the images' rows, locked before, into the trash."""
    ids = {image.key: _id_of(batch_id, image) for image in images}
    for some in _by_rows(images):
        transaction.change_many(
            f"INSERT INTO trashed_images (id, batch_id, trashed_at, {MOVED}) "
            f"SELECT %s, %s, UTC_TIMESTAMP(6), {MOVED} FROM images WHERE owner_id = %s AND image_key = %s",
            [(ids[image.key], batch_id, owner.id, image.key) for image in some],
        )
        _rename(transaction, owner, [(image.key, place_of(ids[image.key])) for image in some])
        keys = tuple(image.key for image in some)
        transaction.change("DELETE FROM images WHERE owner_id = %s AND image_key IN %s", (owner.id, keys))
    index(transaction, owner.id, [image.key for image in images])
    spend(transaction, owner, 0, -len(images))


def take_back(transaction: Transaction, owner: Owner, trashed: Sequence[TrashedImage]) -> list[bytes]:
    """Moves the rows, locked before, back to where images are; the key of each, another where its own is taken."""
    keys = _free_keys(transaction, owner, trashed)
    for some in _by_rows(list(zip(trashed, keys, strict=True))):
        for one, key in some:
            if key != one.image.key:
                transaction.change("UPDATE trashed_images SET image_key = %s WHERE id = %s", (key, one.id))
        ids = tuple(one.id for one, _ in some)
        transaction.change(
            f"INSERT INTO images ({MOVED}) SELECT {MOVED} FROM trashed_images WHERE owner_id = %s AND id IN %s",
            (owner.id, ids),
        )
        _rename(transaction, owner, [(place_of(one.id), key) for one, key in some])
        transaction.change("DELETE FROM trashed_images WHERE owner_id = %s AND id IN %s", (owner.id, ids))
    index(transaction, owner.id, keys)
    spend(transaction, owner, 0, len(trashed))
    return keys


def owe_rendering(transaction: Transaction, owner: Owner, keys: Sequence[bytes], seed: bytes) -> tuple[bytes, ...]:
    """Owes what of these images is due to be rendered: a job for it may have come while they were in the trash."""
    due: dict[tuple[bytes, str], list[str]] = {}
    for some in _by_rows(keys):
        for key, source, kind in transaction.select(
            "SELECT image_key, source_object_key, kind FROM renditions "
            "WHERE owner_id = %s AND image_key IN %s AND state = 'due' ORDER BY image_key, kind",
            (owner.id, tuple(some)),
        ):
            due.setdefault((key, source), []).append(kind)
    found = [
        jobs.render_job(derived_id(seed, number), Render(owner.id, key, source, tuple(kinds)))
        for number, ((key, source), kinds) in enumerate(due.items())
    ]
    insert_jobs(transaction, found)
    return tuple(job.id for job in found)


def drop_trashed(transaction: Transaction, owner: Owner, trashed: Sequence[TrashedImage]) -> list[Removal]:
    """Deletes the rows and what hangs on them, which count no more; what is to be removed with them."""
    removals, size = list[Removal](), 0
    for some in _by_rows(trashed):
        whose = (owner.id, tuple(place_of(one.id) for one in some))
        found = transaction.select(f"{MADE} AND image_key IN %s FOR UPDATE", whose)
        freed = freed_of(owner.id, [one.image for one in some], found)
        removals += freed.removals
        size += freed.bytes
        for table in DEPENDENTS:
            transaction.change(f"DELETE FROM {table} WHERE owner_id = %s AND image_key IN %s", whose)
        ids = tuple(one.id for one in some)
        transaction.change("DELETE FROM trashed_images WHERE owner_id = %s AND id IN %s", (owner.id, ids))
    if trashed:
        spend(transaction, owner, -size)
    return removals


def locked_trashed(transaction: Transaction, owner: Owner, ids: Sequence[bytes]) -> list[TrashedImage]:
    """Those of these that are in the owner's trash, in the order of `ids`, their rows locked."""
    found: dict[bytes, TrashedImage] = {}
    for some in _by_rows(ids):
        rows = transaction.select(
            f"SELECT {TRASHED} FROM trashed_images i WHERE i.owner_id = %s AND i.id IN %s FOR UPDATE",
            (owner.id, tuple(some)),
        )
        found.update((one.id, one) for one in map(trashed_of, rows))
    return [found[trash_id] for trash_id in ids if trash_id in found]


def trashed_before(
    transaction: Transaction, owner: Owner, condition: str, args: Sequence[object], limit: int
) -> list[TrashedImage]:
    """At most `limit` of the owner's that the condition on trashed_images `i` is true of, their rows locked."""
    rows = transaction.select(
        f"SELECT {TRASHED} FROM trashed_images i WHERE i.owner_id = %s AND {condition} LIMIT %s FOR UPDATE",
        (owner.id, *args, limit),
    )
    return [trashed_of(row) for row in rows]


def trashed_of(columns: Sequence[Any]) -> TrashedImage:
    """The trashed image whose columns TRASHED these are."""
    trash_id, batch_id, trashed_at = columns[COLUMN_COUNT:]
    at: datetime = trashed_at
    return TrashedImage(trash_id, image_of(columns[:COLUMN_COUNT]), batch_id, at.replace(tzinfo=UTC))


def _id_of(batch_id: bytes, image: Image) -> bytes:
    return derived_id(batch_id + image.object_key.encode(), 0)


def _rename(transaction: Transaction, owner: Owner, renamed: Sequence[tuple[bytes, bytes]]) -> None:
    for table in DEPENDENTS:
        transaction.change_many(
            f"UPDATE {table} SET image_key = %s WHERE owner_id = %s AND image_key = %s",
            [(after, owner.id, before) for before, after in renamed],
        )


def _free_keys(transaction: Transaction, owner: Owner, trashed: Sequence[TrashedImage]) -> list[bytes]:
    taken = set[bytes]()
    for some in _by_rows(trashed):
        found = transaction.select(
            "SELECT image_key FROM images WHERE owner_id = %s AND image_key IN %s",
            (owner.id, tuple({one.image.key for one in some})),
        )
        taken.update(key for (key,) in found)
    keys: dict[bytes, None] = {}
    for one in trashed:
        own = one.image.key
        key = free_key(transaction, owner, own, keys) if own in taken or own in keys else own
        keys[key] = None
    return list(keys)


def _by_rows(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), _STATEMENT_ROWS):
        yield rows[start : start + _STATEMENT_ROWS]
