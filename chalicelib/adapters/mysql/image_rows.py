"""The rows of images and their owners.

Every write locks the owner's row first, so that the writes of one owner happen one after another; it bumps the owner's
version in the same transaction. `UTC_TIMESTAMP(6)` is the only clock.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.mysql.database import Database, Selecting, Transaction
from chalicelib.adapters.mysql.due_jobs import derived_id, insert_jobs, owe_removals
from chalicelib.adapters.mysql.idempotency_rows import keep_answer
from chalicelib.adapters.mysql.image_lists import ImageLists, behind
from chalicelib.adapters.mysql.image_renditions import Freed, all_deleted, arrived, deleted, replaced
from chalicelib.adapters.mysql.image_terms import forget_all, index
from chalicelib.adapters.mysql.principals import Whose, nobody, whose
from chalicelib.adapters.mysql.spending import refuse_if_blocked, spend
from chalicelib.adapters.mysql.taken_keys import free_key, twin_of
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.errors import PreconditionError, RowsUnavailableError
from chalicelib.domain.idempotency import Note
from chalicelib.domain.images import Image, ImageFacts
from chalicelib.domain.jobs import Job, Removal
from chalicelib.domain.keys import TAKEN, IfTaken
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Draft, Precondition, Row, Written

_STATEMENT_KEYS = 200  # of one statement's IN
DELETE_ALL_SECONDS = 10.0  # many thousand rows
INTENT_SECONDS = 3600  # far beyond the longest request; only then is an unfinished write's object removed

COLUMNS = (
    "i.owner_id, i.image_key, i.object_key, i.sha256, i.size, i.media_type, i.width, i.height, i.frames, i.created_at"
)
COLUMN_COUNT = COLUMNS.count(",") + 1
_OF_OWNER = f"SELECT {COLUMNS} FROM images i WHERE i.owner_id = %s"
_IN_TRASH = f"SELECT {COLUMNS} FROM trashed_images i WHERE i.owner_id = %s"


def row_statement(who: Whose) -> str:
    """The one SELECT that decides what may be shown. It is given the key, the key, and what `who` asks for."""
    return (
        f"SELECT {who.echo}, %s, o.id, o.version, m.version, {COLUMNS} FROM {who.tables} "
        "JOIN fleet_maps m ON m.id = 1 LEFT JOIN images i ON i.owner_id = o.id AND i.image_key = %s "
        f"WHERE {who.condition}"
    )


class MySqlImageRows:
    """ImageRows in MySQL. `reads` is where rows are looked at, if not at the database that they are written to."""

    def __init__(self, database: Database, reads: Selecting | None = None, lists: ImageLists | None = None) -> None:
        self._database = database
        self._reads = reads or database
        self._lists = lists or ImageLists(self._reads)

    def row(self, principal: Principal, key: bytes) -> Row:
        return self._row(self._reads, principal, key)

    def row_to_change(self, principal: Principal, key: bytes) -> Row:
        return self._row(self._database, principal, key)

    def _row(self, rows: Selecting, principal: Principal, key: bytes) -> Row:
        # The row repeats whom and what it was asked for: a connection that lost its place would show another's image.
        who = whose(principal)
        asked = (who.asked, key)
        found = rows.select(
            row_statement(who),
            (key, key, *who.args),
            belongs=lambda rows: all(row[:2] == asked for row in rows),
        )
        if not found:
            raise nobody(principal)
        owner_id, owner_version, map_version, *columns = found[0][2:]
        image = None if columns[0] is None else image_of(columns)
        return Row(Owner(owner_id, owner_version), map_version, image)

    def owner(self, principal: Principal) -> Owner:
        return self.row(principal, b"").owner

    def page(self, principal: Principal, after: bytes | None, limit: int) -> list[Image]:
        return [image_of(columns) for columns in self._lists.rows(principal, behind(COLUMNS, after or b"", limit))]

    def keys(self, principal: Principal) -> list[bytes]:
        return [key for (key,) in self._lists.rows(principal, behind("i.image_key", b""))]

    def by_object_keys(self, object_keys: Sequence[str]) -> list[Image]:
        if not object_keys:
            return []
        asked = set(object_keys)
        found = self._reads.select(
            f"SELECT {COLUMNS} FROM images i WHERE i.object_key IN %s",
            (tuple(asked),),
            belongs=lambda rows: all(len(row) == COLUMN_COUNT and row[2] in asked for row in rows),
        )
        return [image_of(columns) for columns in found]

    def announce(self, intent: Job) -> None:
        def work(transaction: Transaction) -> None:
            if not transaction.select("SELECT 1 FROM jobs WHERE id = %s", (intent.id,)):
                insert_jobs(transaction, [intent], INTENT_SECONDS)

        self._database.transaction(work)

    def abandon(self, intent_id: bytes) -> None:
        self._database.transaction(
            lambda transaction: transaction.change(
                "UPDATE jobs SET due_at = UTC_TIMESTAMP(6) WHERE id = %s", (intent_id,)
            )
        )

    def put(
        self,
        principal: Principal,
        draft: Draft,
        intent_id: bytes,
        precondition: Precondition,
        note: Note[Written] | None = None,
    ) -> Written:
        def work(transaction: Transaction) -> Written:
            return write_draft(transaction, locked_owner(transaction, principal), draft, intent_id, precondition, note)

        return self._database.transaction(work)

    def delete(
        self, principal: Principal, key: bytes, job_id: bytes, precondition: Precondition
    ) -> tuple[bytes, ...] | None:
        def work(transaction: Transaction) -> tuple[bytes, ...] | None:
            owner = locked_owner(transaction, principal)
            if transaction.select("SELECT 1 FROM jobs WHERE id = %s", (job_id,)):
                return (job_id,)  # committed, its answer was lost
            before = image_under(transaction, owner, key)
            if before is None:
                return None
            precondition(before)
            return drop_images(transaction, owner, [before], job_id)

        return self._database.transaction(work)

    def delete_all(self, principal: Principal, job_id: bytes) -> tuple[int, tuple[bytes, ...]]:
        answer: tuple[int, tuple[bytes, ...]] = (0, ())

        def work(transaction: Transaction) -> tuple[int, tuple[bytes, ...]]:
            nonlocal answer
            owner = locked_owner(transaction, principal)
            if answer[1] and transaction.select("SELECT 1 FROM jobs WHERE id = %s", (answer[1][0],)):
                return answer  # committed, its answer was lost
            images = [image_of(columns) for columns in transaction.select(_OF_OWNER, (owner.id,))]
            trashed = [image_of(columns) for columns in transaction.select(_IN_TRASH, (owner.id,))]
            freed = all_deleted(transaction, owner, [*images, *trashed])
            transaction.change("DELETE FROM images WHERE owner_id = %s", (owner.id,))
            transaction.change("DELETE FROM trashed_images WHERE owner_id = %s", (owner.id,))
            forget_all(transaction, owner.id)
            spend(transaction, owner, -freed.bytes, -len(images))
            due = owe_removals(transaction, freed.removals, job_id)
            bump(transaction, owner)
            answer = (len(images) + len(trashed), due)
            return answer

        return self._database.transaction(work, patience_seconds=DELETE_ALL_SECONDS)


def images_before(transaction: Transaction, owner: Owner, moment: datetime, limit: int) -> list[Image]:
    """At most `limit` images of a locked owner's that were stored before that moment of the database's."""
    found = transaction.select(f"{_OF_OWNER} AND i.created_at < %s LIMIT %s FOR UPDATE", (owner.id, moment, limit))
    return [image_of(columns) for columns in found]


def drop_images(
    transaction: Transaction, owner: Owner, images: Sequence[Image], job_id: bytes, more: Sequence[Removal] = ()
) -> tuple[bytes, ...]:
    """Removes the rows of a locked owner's, and makes the removal due of their objects, and of `more`; those jobs.

    The first of them is the job of that id.
    """
    freed = [deleted(transaction, image) for image in images]
    if images:
        transaction.change(
            "DELETE FROM images WHERE owner_id = %s AND image_key IN %s",
            (owner.id, tuple(image.key for image in images)),
        )
        spend(transaction, owner, -sum(one.bytes for one in freed), -len(images))
    removals = [removal for one in freed for removal in one.removals]
    due = owe_removals(transaction, [*removals, *more], job_id)
    if due:
        index(transaction, owner.id, [image.key for image in images])
        bump(transaction, owner)
    return due


def images_under(transaction: Transaction, owner: Owner, keys: Sequence[bytes]) -> list[Image]:
    """The images of a locked owner's that are under these keys, in the order of the keys, their rows locked."""
    found: dict[bytes, Image] = {}
    for start in range(0, len(keys), _STATEMENT_KEYS):
        some = tuple(keys[start : start + _STATEMENT_KEYS])
        rows = transaction.select(f"{_OF_OWNER} AND i.image_key IN %s FOR UPDATE", (owner.id, some))
        found.update((image.key, image) for image in map(image_of, rows))
    return [found[key] for key in dict.fromkeys(keys) if key in found]


def write_draft(
    transaction: Transaction,
    owner: Owner,
    draft: Draft,
    intent_id: bytes,
    precondition: Precondition,
    note: Note[Written] | None = None,
) -> Written:
    """What ImageRows.put does, within a transaction that has locked the owner's row."""
    removal_id, render_id = derived_id(intent_id, 0), derived_id(intent_id, 2)  # 1 is the upload's own
    if not transaction.change("DELETE FROM jobs WHERE id = %s AND claimed_at IS NULL", (intent_id,)):
        return _written_before(transaction, owner, draft, removal_id, render_id)
    before = image_under(transaction, owner, draft.key)
    precondition(before)
    if draft.if_taken is IfTaken.REFUSE and before is not None:
        raise PreconditionError(TAKEN)
    refuse_if_blocked(transaction)
    twin = twin_of(transaction, owner, draft)
    same = before is not None and before.sha256 == draft.sha256
    if draft.if_taken is IfTaken.KEEP_BOTH and before is not None:
        there = before if same else twin and image_under(transaction, owner, twin)
        if there:
            written = _left_out(transaction, owner, draft, there, removal_id)
            return _noted(transaction, owner, written, note)
        draft, before = replace(draft, key=free_key(transaction, owner, draft.key)), None
    freed = replaced(transaction, before) if before else Freed([], 0)
    spend(transaction, owner, draft.size - freed.bytes, images=0 if before else 1)
    _write_image(transaction, owner, draft, new=before is None)
    due_jobs = [jobs.removal_job(removal_id, freed.removals)] if before else []
    due_jobs.append(arrived(transaction, owner, draft, render_id))
    insert_jobs(transaction, due_jobs)
    index(transaction, owner.id, [draft.key])
    bump(transaction, owner)
    after = image_under(transaction, owner, draft.key)
    if after is None:
        raise AssertionError("an image written in this transaction is there")
    duplicate_of = twin or (draft.key if same else None)
    written = Written(after, before is None, tuple(job.id for job in due_jobs), duplicate_of)
    return _noted(transaction, owner, written, note)


def _noted(transaction: Transaction, owner: Owner, written: Written, note: Note[Written] | None) -> Written:
    if note is not None:
        keep_answer(transaction, owner.id, note.asked, note.answer_of(written))
    return written


def _left_out(transaction: Transaction, owner: Owner, draft: Draft, there: Image, removal_id: bytes) -> Written:
    """Stores nothing, since `there` has the same bytes already; the draft's object is to go again."""
    removal = Removal(owner.id, draft.object_key, partition_of(draft.key))
    insert_jobs(transaction, [jobs.removal_job(removal_id, [removal])])
    return Written(there, created=False, jobs=(removal_id,), duplicate_of=there.key, stored=False)


def _written_before(
    transaction: Transaction, owner: Owner, draft: Draft, removal_id: bytes, render_id: bytes
) -> Written:
    """The outcome of the same write if it was committed and its answer lost. Raises RowsUnavailableError if not."""
    found = transaction.select(f"{_OF_OWNER} AND i.object_key = %s FOR UPDATE", (owner.id, draft.object_key))
    due = transaction.select("SELECT id FROM jobs WHERE id IN %s", ((removal_id, render_id),))
    ids, twin = tuple(job_id for (job_id,) in due), twin_of(transaction, owner, draft)
    if found:
        image = image_of(found[0])
        return Written(image, created=removal_id not in ids, jobs=ids, duplicate_of=None if twin == image.key else twin)
    if ids and draft.if_taken is IfTaken.KEEP_BOTH:  # such a write replaces nothing: what goes is its own object
        there = image_under(transaction, owner, draft.key)
        if there is None or there.sha256 != draft.sha256:
            there = image_under(transaction, owner, twin) if twin else None
        if there is not None:
            return Written(there, created=False, jobs=ids, duplicate_of=there.key, stored=False)
    raise RowsUnavailableError("The write took too long: it was given up, or replaced since. Try again.")


def locked_owner(transaction: Transaction, principal: Principal) -> Owner:
    """The owner that the principal is, its row locked. Raises what `nobody` says."""
    who = whose(principal, writing=True)
    found = transaction.select(f"SELECT o.id, o.version FROM {who.tables} WHERE {who.condition} FOR UPDATE", who.args)
    if not found:
        raise nobody(principal)
    return Owner(*found[0])


def image_under(transaction: Transaction, owner: Owner, key: bytes) -> Image | None:
    """The image under the key, its row locked."""
    found = transaction.select(f"{_OF_OWNER} AND i.image_key = %s FOR UPDATE", (owner.id, key))
    return image_of(found[0]) if found else None


def _write_image(transaction: Transaction, owner: Owner, draft: Draft, *, new: bool) -> None:
    facts = draft.facts
    values = (draft.object_key, draft.sha256, draft.size, facts.media_type, facts.width, facts.height, facts.frames)
    if new:
        transaction.change(
            "INSERT INTO images (object_key, sha256, size, media_type, width, height, frames, created_at, "
            "owner_id, image_key) VALUES (%s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6), %s, %s)",
            (*values, owner.id, draft.key),
        )
    else:
        transaction.change(
            "UPDATE images SET object_key = %s, sha256 = %s, size = %s, media_type = %s, width = %s, height = %s, "
            "frames = %s, created_at = UTC_TIMESTAMP(6) WHERE owner_id = %s AND image_key = %s",
            (*values, owner.id, draft.key),
        )


def bump(transaction: Transaction, owner: Owner) -> None:
    """Counts the owner's version up."""
    transaction.change("UPDATE owners SET version = version + 1 WHERE id = %s", (owner.id,))


def image_of(columns: Sequence[Any]) -> Image:
    """The image whose COLUMNS these are."""
    owner_id, key, object_key, sha256, size, media_type, width, height, frames, created_at = columns
    facts = ImageFacts(media_type, width, height, frames)
    at: datetime = created_at
    return Image(owner_id, key, object_key, sha256, size, facts, at.replace(tzinfo=UTC))
