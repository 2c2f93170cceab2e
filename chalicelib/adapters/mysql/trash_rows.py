"""The rows of trashed images."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.due_jobs import owe_removals
from chalicelib.adapters.mysql.idempotency_rows import keep_answer
from chalicelib.adapters.mysql.image_rows import bump, images_under, locked_owner
from chalicelib.adapters.mysql.principals import nobody, whose
from chalicelib.adapters.mysql.rendition_rows import RENDITION_COLUMNS, rendition_of
from chalicelib.adapters.mysql.trash_moves import (
    TRASHED,
    TRASHED_COUNT,
    drop_trashed,
    locked_trashed,
    owe_rendering,
    put_away,
    take_back,
    trashed_before,
    trashed_of,
)
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.idempotency import Note
from chalicelib.domain.renditions import THUMBNAIL
from chalicelib.domain.trash import KEPT_DAYS, Restored, TrashedImage, place_of
from chalicelib.domain.trash_ports import Back, Gone, TrashRow

MANY_SECONDS = 10.0  # a thousand rows
_OVERDUE = f"i.trashed_at < UTC_TIMESTAMP(6) - INTERVAL {KEPT_DAYS} DAY"
_LATEST = datetime(9999, 12, 31)  # as the database keeps moments


class MySqlTrashRows:
    """TrashRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def trash(
        self,
        principal: Principal,
        keys: Sequence[bytes],
        batch_id: bytes,
        note: Note[tuple[TrashedImage, ...]] | None = None,
    ) -> tuple[TrashedImage, ...]:
        def work(transaction: Transaction) -> tuple[TrashedImage, ...]:
            owner = locked_owner(transaction, principal)
            if done := _of_batch(transaction, owner, batch_id):
                return done  # committed, its answer was lost
            images = images_under(transaction, owner, keys)
            if images:
                put_away(transaction, owner, images, batch_id)
                bump(transaction, owner)
            trashed = _of_batch(transaction, owner, batch_id)
            if note is not None:
                keep_answer(transaction, owner.id, note.asked, note.answer_of(trashed))
            return trashed

        return self._database.transaction(work, patience_seconds=MANY_SECONDS)

    def restore(self, principal: Principal, ids: Sequence[bytes], seed: bytes, note: Note[Back] | None = None) -> Back:
        tried: list[Back] = []

        def work(transaction: Transaction) -> Back:
            owner = locked_owner(transaction, principal)
            trashed = locked_trashed(transaction, owner, ids)
            if tried and not trashed and _are_back(transaction, owner, tried[-1]):
                return tried[-1]  # committed, its answer was lost
            keys = take_back(transaction, owner, trashed)
            due = owe_rendering(transaction, owner, keys, seed)
            if trashed:
                bump(transaction, owner)
            restored = [Restored(one.id, one.image.key, key) for one, key in zip(trashed, keys, strict=True)]
            tried.append(Back(tuple(restored), due))
            if note is not None:
                keep_answer(transaction, owner.id, note.asked, note.answer_of(tried[-1]))
            return tried[-1]

        return self._database.transaction(work, patience_seconds=MANY_SECONDS)

    def delete(self, principal: Principal, ids: Sequence[bytes], seed: bytes, note: Note[Gone] | None = None) -> Gone:
        tried: list[Gone] = []

        def work(transaction: Transaction) -> Gone:
            owner = locked_owner(transaction, principal)
            trashed = locked_trashed(transaction, owner, ids)
            if tried and not trashed and are_due(transaction, tried[-1]):
                return tried[-1]  # committed, its answer was lost
            tried.append(_dropped(transaction, owner, trashed, seed))
            if note is not None:
                keep_answer(transaction, owner.id, note.asked, note.answer_of(tried[-1]))
            return tried[-1]

        return self._database.transaction(work, patience_seconds=MANY_SECONDS)

    def batch(self, principal: Principal, batch_id: bytes) -> list[bytes]:
        who = whose(principal)
        found = self._database.select(
            f"SELECT i.batch_id, i.id FROM {who.tables} JOIN trashed_images i ON i.owner_id = o.id "
            f"WHERE {who.condition} AND i.batch_id = %s ORDER BY i.image_key, i.id",
            (*who.args, batch_id),
            belongs=lambda rows: all(len(row) == 2 and row[0] == batch_id for row in rows),
        )
        return [trash_id for _, trash_id in found]

    def page(self, principal: Principal, behind: tuple[datetime, bytes] | None, limit: int) -> list[TrashedImage]:
        who, (moment, trash_id) = whose(principal), behind or (_LATEST, b"\xff" * 16)
        moment = moment.replace(tzinfo=None)
        found = self._database.select(
            f"SELECT {who.echo}, {TRASHED} FROM {who.tables} JOIN trashed_images i ON i.owner_id = o.id "
            f"WHERE {who.condition} AND (i.trashed_at < %s OR (i.trashed_at = %s AND i.id < %s)) "
            "ORDER BY i.trashed_at DESC, i.id DESC LIMIT %s",
            (*who.args, moment, moment, trash_id, limit),
            belongs=lambda rows: all(len(row) == TRASHED_COUNT + 1 and row[0] == who.asked for row in rows),
        )
        return [trashed_of(row[1:]) for row in found]

    def count(self, principal: Principal) -> tuple[int, int]:
        who = whose(principal)
        found = self._database.select(
            f"SELECT {who.echo}, COUNT(i.id), COALESCE(SUM(i.size), 0) FROM {who.tables} "
            f"LEFT JOIN trashed_images i ON i.owner_id = o.id WHERE {who.condition} GROUP BY {who.echo}",
            who.args,
            belongs=lambda rows: all(len(row) == 3 and row[0] == who.asked for row in rows),
        )
        if not found:
            raise nobody(principal)
        return int(found[0][1]), int(found[0][2])

    def row(self, principal: Principal, trash_id: bytes) -> TrashRow:
        who = whose(principal)
        asked = (who.asked, trash_id)
        found = self._database.select(
            f"SELECT {who.echo}, %s, o.id, o.version, m.version, {TRASHED}, {RENDITION_COLUMNS} FROM {who.tables} "
            "JOIN fleet_maps m ON m.id = 1 LEFT JOIN trashed_images i ON i.owner_id = o.id AND i.id = %s "
            "LEFT JOIN renditions r ON r.owner_id = i.owner_id AND r.image_key = %s AND r.kind = %s "
            f"AND r.state = 'ready' WHERE {who.condition}",
            (trash_id, trash_id, place_of(trash_id), THUMBNAIL.name, *who.args),
            belongs=lambda rows: all(row[:2] == asked for row in rows),
        )
        if not found:
            raise nobody(principal)
        owner_id, owner_version, map_version, *columns = found[0][2:]
        of_image, of_rendition = columns[:TRASHED_COUNT], columns[TRASHED_COUNT:]
        trashed = None if of_image[0] is None else trashed_of(of_image)
        thumbnail = None if of_rendition[0] is None else rendition_of(of_rendition)
        return TrashRow(Owner(owner_id, owner_version), map_version, trashed, thumbnail)

    def overdue(self) -> bytes | None:
        found = self._database.select(
            f"SELECT i.owner_id FROM trashed_images i WHERE {_OVERDUE} ORDER BY i.trashed_at LIMIT 1",
            belongs=lambda rows: all(len(row) == 1 for row in rows),
        )
        return found[0][0] if found else None

    def purge(self, owner_id: bytes, seed: bytes, limit: int) -> Gone:
        tried: list[Gone] = []

        def work(transaction: Transaction) -> Gone:
            found = transaction.select("SELECT id, version FROM owners WHERE id = %s FOR UPDATE", (owner_id,))
            if tried and are_due(transaction, tried[-1]):
                return tried[-1]  # committed, its answer was lost
            if not found:
                return Gone((), ())
            owner = Owner(*found[0])
            overdue = trashed_before(transaction, owner, f"{_OVERDUE} ORDER BY i.trashed_at", (), limit)
            gone = _dropped(transaction, owner, overdue, seed)
            tried.append(gone)
            return gone

        return self._database.transaction(work, patience_seconds=MANY_SECONDS)


def _dropped(transaction: Transaction, owner: Owner, trashed: Sequence[TrashedImage], seed: bytes) -> Gone:
    removals = drop_trashed(transaction, owner, trashed)
    due = owe_removals(transaction, removals, seed)
    if trashed:
        bump(transaction, owner)
    return Gone(tuple(one.id for one in trashed), due)


def are_due(transaction: Transaction, gone: Gone) -> bool:
    """Whether the jobs of an earlier try are there: it was committed, and its answer lost."""
    return bool(gone.jobs and transaction.select("SELECT 1 FROM jobs WHERE id IN %s LIMIT 1", (gone.jobs,)))


def _are_back(transaction: Transaction, owner: Owner, back: Back) -> bool:
    keys = tuple(one.key for one in back.restored)
    return bool(
        keys and transaction.select("SELECT 1 FROM images WHERE owner_id = %s AND image_key = %s", (owner.id, keys[0]))
    )


def _of_batch(transaction: Transaction, owner: Owner, batch_id: bytes) -> tuple[TrashedImage, ...]:
    found = transaction.select(
        f"SELECT {TRASHED} FROM trashed_images i WHERE i.owner_id = %s AND i.batch_id = %s ORDER BY i.image_key",
        (owner.id, batch_id),
    )
    return tuple(trashed_of(row) for row in found)
