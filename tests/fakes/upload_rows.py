"""UploadRows in memory."""

import hashlib
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import (
    DoneBeforeError,
    PreconditionError,
    QuotaError,
    UnknownUploadError,
    UploadsClosedError,
)
from chalicelib.domain.idempotency import Note
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Removal
from chalicelib.domain.keys import TAKEN, IfTaken
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Draft
from chalicelib.domain.upload_ports import Ended
from chalicelib.domain.uploads import (
    FORM_SECONDS,
    UPLOAD_SECONDS,
    NewUpload,
    Upload,
    UploadState,
    coming_words,
    incoming_key_of,
)
from tests.fakes.answers import keep_answer
from tests.fakes.image_rows import MemoryImageRows
from tests.fakes.store import JobRow, MemoryStore

FORGET_SECONDS = 24 * 3600


class MemoryUploadRows:
    """UploadRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def begin(self, principal: Principal, new: NewUpload, note: Note[Upload] | None = None) -> Upload:
        with self._store.steps.step("uploads.begin"), self._store.lock:
            owner_id, now = self._store.owner(principal, writing=True).id, self._store.clock.now()
            self._store.take(owner_id, 0)
            if new.if_taken is IfTaken.REFUSE and (owner_id, new.key) in self._store.images:
                raise PreconditionError(TAKEN)
            latest = now + timedelta(seconds=UPLOAD_SECONDS - FORM_SECONDS)
            coming = sum(
                one.size_limit
                for one in self._store.uploads.values()
                if one.owner_id == owner_id and one.state is UploadState.WAITING and one.ends_at > latest
            )
            quota = self._store.quotas.get(owner_id)
            if quota is not None and coming + new.size_limit > quota:
                raise QuotaError(coming_words(coming, new.size_limit, quota))
            upload = Upload(
                id=new.id,
                owner_id=owner_id,
                key=new.key,
                incoming_key=incoming_key_of(owner_id, new.id),
                media_type=new.media_type,
                size_limit=new.size_limit,
                if_taken=new.if_taken,
                state=UploadState.WAITING,
                created_at=now,
                ends_at=now + timedelta(seconds=UPLOAD_SECONDS),
            )
            if note is not None:
                keep_answer(self._store, owner_id, note.asked, note.answer_of(upload))
            for other in list(self._store.uploads.values()):
                if other.owner_id == owner_id and other.ends_at < now - timedelta(seconds=FORGET_SECONDS):
                    del self._store.uploads[other.id]
            self._store.uploads[new.id] = upload
            return upload

    def of(self, principal: Principal, upload_id: bytes, writing: bool = False) -> Upload | None:
        with self._store.steps.step("uploads.of"), self._store.lock:
            owner_id = self._store.owner(principal, writing).id
            upload = self._store.uploads.get(upload_id)
            return upload if upload is not None and upload.owner_id == owner_id else None

    def at(self, incoming_key: str) -> Upload | None:
        with self._store.steps.step("uploads.at"), self._store.lock:
            return next((one for one in self._store.uploads.values() if one.incoming_key == incoming_key), None)

    def finish(self, upload: Upload, draft: Draft, intent_id: bytes) -> Ended:
        with self._store.steps.step("uploads.finish"), self._store.lock:
            if not self._store.in_force(upload.owner_id):
                raise UploadsClosedError("Nothing is taken from this account.")
            if self._locked(upload).state is not UploadState.WAITING:
                raise DoneBeforeError("The upload has ended already.")
            name = next(name for name, owner in self._store.owners.items() if owner.id == upload.owner_id)
            written = MemoryImageRows(self._store).write_draft(Principal(name), draft, intent_id, _no_precondition)
            ended = replace(
                upload,
                state=UploadState.DONE,
                object_key=draft.object_key if written.stored else None,
                sha256=draft.sha256,
                duplicate_of=written.duplicate_of,
                stored_key=None if written.image.key == draft.key else written.image.key,
            )
            self._store.uploads[upload.id] = ended
            return Ended(ended, (*written.jobs, self._owe(hashlib.sha256(b"1" + intent_id).digest()[:16], upload)))

    def refuse(self, upload: Upload, refusal: str, job_id: bytes) -> Ended:
        with self._store.steps.step("uploads.refuse"), self._store.lock:
            now = self._locked(upload)
            if now.state is not UploadState.WAITING:
                return Ended(now, ())
            ended = replace(now, state=UploadState.REFUSED, refusal=refusal)
            self._store.uploads[upload.id] = ended
            return Ended(ended, (self._owe(job_id, upload),))

    def _locked(self, upload: Upload) -> Upload:
        if upload.id not in self._store.uploads:
            raise UnknownUploadError("There is no such upload, or it ended so long ago that it is forgotten.")
        return self._store.uploads[upload.id]

    def _owe(self, job_id: bytes, upload: Upload) -> bytes:
        removal = Removal(upload.owner_id, upload.incoming_key, partition_of(upload.key))
        self._store.jobs[job_id] = JobRow(jobs.removal_job(job_id, [removal]), self._store.clock.now())
        return job_id


def _no_precondition(image: Image | None) -> None:
    """What is wanted of an image that is there, the draft says."""
