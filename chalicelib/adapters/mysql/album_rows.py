"""The rows of albums. Every write locks the owner's row first, as the writes of images do."""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from chalicelib.adapters.mysql.database import Args, Database, Rows, Selecting, Transaction
from chalicelib.adapters.mysql.image_rows import COLUMN_COUNT, COLUMNS, image_of, locked_owner
from chalicelib.adapters.mysql.principals import nobody, whose
from chalicelib.adapters.mysql.rendition_rows import RENDITION_COLUMNS, rendition_of
from chalicelib.adapters.mysql.share_renditions import owe_downloads
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.albums import Album, AlbumImage, moved
from chalicelib.domain.errors import InvalidValueError, NotFoundError
from chalicelib.domain.keys import text_of
from chalicelib.domain.renditions import THUMBNAIL
from chalicelib.domain.sharing_ports import Added, Most

ALBUM_COUNT = (  # what hangs on an image that is not there any more, or in the trash, does not count
    "(SELECT COUNT(*) FROM album_images n JOIN images j ON j.owner_id = n.owner_id AND j.image_key = n.image_key "
    "WHERE n.album_id = {0})"
)
_ALBUM = f"l.id, l.title, {ALBUM_COUNT.format('l.id')}, l.created_at"
_ALBUM_COUNT = 4
_ITEM = f"x.id, x.place, {COLUMNS}, {RENDITION_COLUMNS}"
_IMAGE = (
    "JOIN images i ON i.owner_id = x.owner_id AND i.image_key = x.image_key "
    f"LEFT JOIN renditions r ON r.owner_id = i.owner_id AND r.image_key = i.image_key AND r.kind = '{THUMBNAIL.name}' "
    "AND r.state = 'ready'"
)
# The chosen cover, if it still is in the album, or else the first image.
_COVER = (
    "LEFT JOIN album_images x ON x.id = COALESCE("
    "(SELECT c.id FROM album_images c JOIN images j ON j.owner_id = c.owner_id AND j.image_key = c.image_key "
    "WHERE c.id = l.cover AND c.album_id = l.id), "
    "(SELECT f.id FROM album_images f JOIN images j ON j.owner_id = f.owner_id AND j.image_key = f.image_key "
    "WHERE f.album_id = l.id ORDER BY f.place LIMIT 1)) "
    f"LEFT {_IMAGE}"
)


class MySqlAlbumRows:
    """AlbumRows in MySQL. `reads` is where rows are looked at, if not at the database that they are written to."""

    def __init__(self, database: Database, reads: Selecting | None = None) -> None:
        self._database = database
        self._reads = reads or database

    def albums(self, principal: Principal) -> list[Album]:
        return [_album(row) for row in self._of(principal, "TRUE", ())]

    def album(self, principal: Principal, album_id: bytes) -> Album | None:
        found = self._of(principal, "l.id = %s", (album_id,))
        return _album(found[0]) if found else None

    def holding(self, principal: Principal, key: bytes) -> list[Album]:
        condition = "l.id IN (SELECT h.album_id FROM album_images h WHERE h.owner_id = l.owner_id AND h.image_key = %s)"
        return [_album(row) for row in self._of(principal, condition, (key,))]

    def _of(self, principal: Principal, condition: str, args: Args) -> Rows:
        """The albums of the owner's; a row of NULLs says that there is an owner."""
        who, number = whose(principal), secrets.token_bytes(8)
        found = self._reads.select(
            f"SELECT %s, {_ALBUM}, {_ITEM} FROM {who.tables} LEFT JOIN albums l ON l.owner_id = o.id AND {condition} "
            f"{_COVER} WHERE {who.condition} ORDER BY l.created_at DESC, l.id",
            (number, *args, *who.args),
            belongs=lambda rows: all(row[0] == number for row in rows),
        )
        if not found:
            raise nobody(principal)
        return [row[1:] for row in found if row[1] is not None]

    def images(self, principal: Principal, album_id: bytes, after: int, limit: int) -> list[AlbumImage]:
        who, number = whose(principal), secrets.token_bytes(8)
        found = self._reads.select(
            f"SELECT %s, {_ITEM} FROM {who.tables} JOIN albums l ON l.owner_id = o.id "
            f"JOIN album_images x ON x.album_id = l.id {_IMAGE} "
            f"WHERE {who.condition} AND l.id = %s AND x.place > %s ORDER BY x.place LIMIT %s",
            (number, *who.args, album_id, after, limit),
            belongs=lambda rows: all(row[0] == number for row in rows),
        )
        return [_item(row[1:]) for row in found]

    def create(self, principal: Principal, album_id: bytes, title: str, most: int) -> None:
        self._database.transaction(
            lambda transaction: _make(transaction, locked_owner(transaction, principal), album_id, title, most)
        )

    def create_with(
        self, principal: Principal, album_id: bytes, title: str, keys: Sequence[bytes], job_id: bytes, most: Most
    ) -> Added:
        added = 0

        def work(transaction: Transaction) -> Added:
            nonlocal added
            owner = locked_owner(transaction, principal)
            _make(transaction, owner, album_id, title, most.albums)
            done = _put_in(transaction, owner, album_id, keys, job_id, most.images)
            added = done.count or added  # a second run, after an answer that was lost, finds them there
            return Added(added, done.jobs)

        return self._database.transaction(work)

    def rename(self, principal: Principal, album_id: bytes, title: str) -> bool:
        def work(transaction: Transaction) -> bool:
            owner = locked_owner(transaction, principal)
            transaction.change(
                "UPDATE albums SET title = %s WHERE owner_id = %s AND id = %s", (title, owner.id, album_id)
            )
            return _has(transaction, owner, album_id)

        return self._database.transaction(work)

    def delete(self, principal: Principal, album_id: bytes) -> bool:
        deleted = False

        def work(transaction: Transaction) -> bool:
            nonlocal deleted
            owner = locked_owner(transaction, principal)
            changed = transaction.change("DELETE FROM albums WHERE owner_id = %s AND id = %s", (owner.id, album_id))
            deleted = deleted or bool(changed)
            return deleted  # also when the answer to an earlier COMMIT was lost

        return self._database.transaction(work)

    def add(
        self, principal: Principal, album_id: bytes, keys: Sequence[bytes], job_id: bytes, most: int
    ) -> Added | None:
        added = 0

        def work(transaction: Transaction) -> Added | None:
            nonlocal added
            owner = locked_owner(transaction, principal)
            if not _has(transaction, owner, album_id):
                return None
            done = _put_in(transaction, owner, album_id, keys, job_id, most)
            added = done.count or added  # as in create_with
            return Added(added, done.jobs)

        return self._database.transaction(work)

    def remove(self, principal: Principal, album_id: bytes, key: bytes) -> bool:
        removed = False

        def work(transaction: Transaction) -> bool:
            nonlocal removed
            owner = locked_owner(transaction, principal)
            changed = transaction.change(
                "DELETE FROM album_images WHERE album_id = %s AND owner_id = %s AND image_key = %s",
                (album_id, owner.id, key),
            )
            removed = removed or bool(changed)
            return removed

        return self._database.transaction(work)

    def move(self, principal: Principal, album_id: bytes, key: bytes, to: Callable[[int], int]) -> bool:
        def work(transaction: Transaction) -> bool:
            owner = locked_owner(transaction, principal)
            if not _has(transaction, owner, album_id):
                return False
            before = _order(transaction, album_id)
            seen = [row for row in before if row[3]]
            moving = next((row for row in seen if row[0] == key), None)
            if moving is None:
                return False
            following = iter(moved(seen, moving, to(seen.index(moving))))
            after = [next(following) if row[3] else row for row in before]  # what is in the trash keeps its place
            changes = [(place, row[1]) for place, row in enumerate(after) if row[2] != place]
            if changes:
                transaction.change_many("UPDATE album_images SET place = %s WHERE id = %s", changes)
            return True

        return self._database.transaction(work)

    def choose_cover(self, principal: Principal, album_id: bytes, key: bytes) -> bool:
        def work(transaction: Transaction) -> bool:
            owner = locked_owner(transaction, principal)
            found = transaction.select(
                "SELECT id FROM album_images WHERE album_id = %s AND owner_id = %s AND image_key = %s FOR UPDATE",
                (album_id, owner.id, key),
            )
            if found:
                transaction.change("UPDATE albums SET cover = %s WHERE id = %s", (found[0][0], album_id))
            return bool(found)

        return self._database.transaction(work)


def _make(transaction: Transaction, owner: Owner, album_id: bytes, title: str, most: int) -> None:
    if _has(transaction, owner, album_id):
        return  # committed, its answer was lost
    ((count,),) = transaction.select("SELECT COUNT(*) FROM albums WHERE owner_id = %s", (owner.id,))
    if count >= most:
        raise InvalidValueError("title", f"There are at most {most} albums. Delete one first.")
    transaction.change(
        "INSERT INTO albums (id, owner_id, title, created_at) VALUES (%s, %s, %s, UTC_TIMESTAMP(6))",
        (album_id, owner.id, title),
    )


def _put_in(
    transaction: Transaction, owner: Owner, album_id: bytes, keys: Sequence[bytes], job_id: bytes, most: int
) -> Added:
    there = {key: place for key, _, place, _ in _order(transaction, album_id)}
    new = [key for key in dict.fromkeys(keys) if key not in there]
    _refuse_missing(transaction, owner, new)
    if new and len(there) + len(new) > most:
        raise InvalidValueError("key", f"An album has at most {most} images.")
    place = max(there.values(), default=-1) + 1
    transaction.change_many(
        "INSERT INTO album_images (id, album_id, owner_id, image_key, place) VALUES (%s, %s, %s, %s, %s)",
        [(secrets.token_bytes(16), album_id, owner.id, key, place + at) for at, key in enumerate(new)],
    )
    return Added(len(new), owe_downloads(transaction, owner, job_id, album_id=album_id))


def _has(transaction: Transaction, owner: Owner, album_id: bytes) -> bool:
    found = transaction.select("SELECT 1 FROM albums WHERE id = %s AND owner_id = %s FOR UPDATE", (album_id, owner.id))
    return bool(found)


def _order(transaction: Transaction, album_id: bytes) -> Rows:
    """Key, id and place of each image, and whether the image is there, in order."""
    return transaction.select(
        "SELECT x.image_key, x.id, x.place, i.image_key IS NOT NULL FROM album_images x LEFT JOIN images i "
        "ON i.owner_id = x.owner_id AND i.image_key = x.image_key WHERE x.album_id = %s ORDER BY x.place FOR UPDATE",
        (album_id,),
    )


def _refuse_missing(transaction: Transaction, owner: Owner, keys: Sequence[bytes]) -> None:
    if not keys:
        return
    found = transaction.select(
        "SELECT i.image_key FROM images i WHERE i.owner_id = %s AND i.image_key IN %s FOR UPDATE",
        (owner.id, tuple(keys)),
    )
    missing = next((key for key in keys if (key,) not in found), None)
    if missing is not None:
        raise NotFoundError(f"There is no image with the key “{text_of(missing)}”.")


def _item(columns: Sequence[Any]) -> AlbumImage:
    of_image, of_rendition = columns[2 : 2 + COLUMN_COUNT], columns[2 + COLUMN_COUNT :]
    thumbnail = None if of_rendition[0] is None else rendition_of(of_rendition)
    return AlbumImage(columns[0], columns[1], image_of(of_image), thumbnail)


def _album(columns: Sequence[Any]) -> Album:
    album_id, title, count, created_at = columns[:_ALBUM_COUNT]
    cover = columns[_ALBUM_COUNT:]
    shown = None if cover[0] is None else _item(cover)
    return Album(album_id, title, count, shown, created_at.replace(tzinfo=UTC))
