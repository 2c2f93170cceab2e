"""The rows of uploads. An upload ends in the transaction that makes it an image, under its owner's lock."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.due_jobs import derived_id, insert_jobs, owe_removals
from chalicelib.adapters.mysql.idempotency_rows import keep_answer
from chalicelib.adapters.mysql.image_rows import image_under, write_draft
from chalicelib.adapters.mysql.principals import OWNER_IN_FORCE, nobody, whose
from chalicelib.adapters.mysql.spending import refuse_if_blocked, refuse_if_too_much_comes
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.errors import DoneBeforeError, PreconditionError, UnknownUploadError, UploadsClosedError
from chalicelib.domain.idempotency import Note
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job, Removal
from chalicelib.domain.keys import TAKEN, IfTaken
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Draft
from chalicelib.domain.upload_ports import Ended
from chalicelib.domain.uploads import UPLOAD_SECONDS, NewUpload, Upload, UploadState, incoming_key_of

_FORGET = 1000  # rows at once
_FORGET_SECONDS = 24 * 3600  # after the end
COLUMNS = (
    "u.id, u.owner_id, u.image_key, u.incoming_key, u.media_type, u.size_limit, u.state, u.created_at, u.ends_at, "
    "u.if_taken, u.stored_key, u.refusal, u.object_key, u.sha256, u.duplicate_of"
)


class MySqlUploadRows:
    """UploadRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, principal: Principal, new: NewUpload, note: Note[Upload] | None = None) -> Upload:
        def work(transaction: Transaction) -> Upload:
            who = whose(principal, writing=True)
            found = transaction.select(f"SELECT o.id FROM {who.tables} WHERE {who.condition} FOR UPDATE", who.args)
            if not found:
                raise nobody(principal)
            ((owner_id,),) = found
            if transaction.select("SELECT 1 FROM uploads WHERE id = %s", (new.id,)):
                return _locked(transaction, new.id)  # committed, its answer was lost
            refuse_if_blocked(transaction)
            if new.if_taken is IfTaken.REFUSE and image_under(transaction, Owner(owner_id, 0), new.key):
                raise PreconditionError(TAKEN)
            refuse_if_too_much_comes(transaction, owner_id, new.size_limit)
            _forget(transaction, owner_id)
            transaction.change(
                "INSERT INTO uploads (id, owner_id, image_key, incoming_key, media_type, size_limit, if_taken, state, "
                "created_at, ends_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6), "
                "UTC_TIMESTAMP(6) + INTERVAL %s SECOND)",
                (
                    *(new.id, owner_id, new.key, incoming_key_of(owner_id, new.id), new.media_type, new.size_limit),
                    *(new.if_taken.value, UploadState.WAITING.value, UPLOAD_SECONDS),
                ),
            )
            upload = _locked(transaction, new.id)
            if note is not None:
                keep_answer(transaction, owner_id, note.asked, note.answer_of(upload))
            return upload

        return self._database.transaction(work)

    def of(self, principal: Principal, upload_id: bytes, writing: bool = False) -> Upload | None:
        who = whose(principal, writing)
        asked = (who.asked, upload_id)
        found = self._database.select(
            f"SELECT {who.echo}, %s, {COLUMNS} FROM {who.tables} "
            f"LEFT JOIN uploads u ON u.owner_id = o.id AND u.id = %s WHERE {who.condition}",
            (upload_id, upload_id, *who.args),
            belongs=lambda rows: all(row[:2] == asked for row in rows),
        )
        if not found:
            raise nobody(principal)
        columns = found[0][2:]
        return None if columns[0] is None else upload_of(columns)

    def at(self, incoming_key: str) -> Upload | None:
        found = self._database.select(
            f"SELECT {COLUMNS} FROM uploads u WHERE u.incoming_key = %s",
            (incoming_key,),
            belongs=lambda rows: all(row[3] == incoming_key for row in rows),
        )
        return upload_of(found[0]) if found else None

    def finish(self, upload: Upload, draft: Draft, intent_id: bytes) -> Ended:
        removal_id = derived_id(intent_id, 1)

        def work(transaction: Transaction) -> Ended:
            owner = _locked_owner(transaction, upload.owner_id)
            now = _locked(transaction, upload.id)
            if now.object_key == draft.object_key:  # committed, its answer was lost; the schedule sends its jobs
                return Ended(now, ())
            if now.state is not UploadState.WAITING:
                raise DoneBeforeError("The upload has ended already.")
            written = write_draft(transaction, owner, draft, intent_id, _no_precondition)
            key = written.image.key
            transaction.change(
                "UPDATE uploads SET state = %s, object_key = %s, sha256 = %s, duplicate_of = %s, stored_key = %s "
                "WHERE id = %s",
                (
                    *(UploadState.DONE.value, draft.object_key if written.stored else None, draft.sha256),
                    *(written.duplicate_of, None if key == draft.key else key, upload.id),
                ),
            )
            insert_jobs(transaction, [_removal_of(removal_id, upload)])
            return Ended(_locked(transaction, upload.id), (*written.jobs, removal_id))

        return self._database.transaction(work)

    def refuse(self, upload: Upload, refusal: str, job_id: bytes) -> Ended:
        def work(transaction: Transaction) -> Ended:
            now = _locked(transaction, upload.id)
            if now.state is not UploadState.WAITING:  # also after a commit whose answer was lost
                return Ended(now, ())
            transaction.change(
                "UPDATE uploads SET state = %s, refusal = %s WHERE id = %s",
                (UploadState.REFUSED.value, refusal, upload.id),
            )
            insert_jobs(transaction, [_removal_of(job_id, upload)])
            return Ended(_locked(transaction, upload.id), (job_id,))

        return self._database.transaction(work)


def end_uploads(transaction: Transaction, owner_ids: Sequence[bytes], refusal: str, job_id: bytes) -> None:
    """Ends every upload of these owners' that waits.

    If there were any, the job of that id removes what has come of them, with further ones if they are many.
    """
    found = transaction.select(
        f"SELECT {COLUMNS} FROM uploads u WHERE u.owner_id IN %s AND u.state = %s FOR UPDATE",
        (tuple(owner_ids), UploadState.WAITING.value),
    )
    waiting = [upload_of(columns) for columns in found]
    if waiting:
        transaction.change(
            "UPDATE uploads SET state = %s, refusal = %s WHERE id IN %s",
            (UploadState.REFUSED.value, refusal, tuple(upload.id for upload in waiting)),
        )
        owe_removals(transaction, [_removal(upload) for upload in waiting], job_id)


def _no_precondition(image: Image | None) -> None:
    """What is wanted of an image that is there, the draft says."""


def _locked_owner(transaction: Transaction, owner_id: bytes) -> Owner:
    """The owner, unless the account is closed or gone; built-in owners have none. Raises UploadsClosedError."""
    found = transaction.select(
        "SELECT o.id, o.version FROM owners o LEFT JOIN accounts a ON a.owner_id = o.id "
        f"WHERE o.id = %s AND {OWNER_IN_FORCE} FOR UPDATE",
        (owner_id,),
    )
    if not found:
        raise UploadsClosedError("Nothing is taken from this account.")
    return Owner(*found[0])


def _locked(transaction: Transaction, upload_id: bytes) -> Upload:
    found = transaction.select(f"SELECT {COLUMNS} FROM uploads u WHERE u.id = %s FOR UPDATE", (upload_id,))
    if not found:
        raise UnknownUploadError("There is no such upload, or it ended so long ago that it is forgotten.")
    return upload_of(found[0])


def _forget(transaction: Transaction, owner_id: bytes) -> None:
    transaction.change(
        f"DELETE FROM uploads WHERE owner_id = %s AND ends_at < UTC_TIMESTAMP(6) - INTERVAL %s SECOND LIMIT {_FORGET}",
        (owner_id, _FORGET_SECONDS),
    )


def _removal_of(job_id: bytes, upload: Upload) -> Job:
    return jobs.removal_job(job_id, [_removal(upload)])


def _removal(upload: Upload) -> Removal:
    return Removal(upload.owner_id, upload.incoming_key, partition_of(upload.key))


def upload_of(columns: Sequence[Any]) -> Upload:
    """The upload whose COLUMNS these are."""
    upload_id, owner_id, key, incoming_key, media_type, size_limit, state, created_at, ends_at, *more = columns
    if_taken, stored_key, refusal, object_key, sha256, duplicate_of = more
    began: datetime = created_at
    ends: datetime = ends_at
    return Upload(
        *(upload_id, owner_id, key, incoming_key, media_type, size_limit, UploadState(state)),
        began.replace(tzinfo=UTC),
        ends.replace(tzinfo=UTC),
        *(refusal, object_key, sha256, duplicate_of, IfTaken(if_taken), stored_key),
    )
