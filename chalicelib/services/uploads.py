"""Uploads straight from the browser to the object store: begun here, stored there, then looked at and made images.

Two doors lead to the same ingest: the page says that it is done, and the object store's own event says that bytes have
arrived. Whichever comes first makes the image; the upload's row, changed under the owner's lock, lets it happen once.
"""

import hashlib
import logging
import secrets
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import (
    DoneBeforeError,
    NotArrivedError,
    RequestError,
    UnknownUploadError,
)
from chalicelib.domain.idempotency import Asked, Note
from chalicelib.domain.images import MEDIA_TYPES
from chalicelib.domain.keys import IfTaken
from chalicelib.domain.ports import Clock, Draft, ImageRows, Inspector, JobQueue, JobRows, Objects
from chalicelib.domain.upload_ports import AnswerRows, Ended, IncomingObjects, UploadRows
from chalicelib.domain.uploads import (
    FORM_SECONDS,
    NewUpload,
    Upload,
    UploadForm,
    UploadState,
    check_declared,
)
from chalicelib.services.announced_write import AnnouncedWrite, announced, new_object_key
from chalicelib.services.idempotency import once
from chalicelib.services.sending import send_now

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload, and the form that stores its bytes until `expires_at`."""

    upload: Upload
    form: UploadForm
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Uploads:
    """The use cases on uploads. Every call may raise RowsUnavailableError or ObjectsUnavailableError."""

    rows: UploadRows
    answers: AnswerRows
    image_rows: ImageRows
    job_rows: JobRows
    incoming: IncomingObjects
    objects: Objects
    inspector: Inspector
    queue: JobQueue
    clock: Clock
    most_bytes: int

    def begin(
        self,
        principal: Principal,
        key: bytes,
        media_type: str,
        size: int,
        asked: Asked | None = None,
        if_taken: IfTaken = IfTaken.REPLACE,
    ) -> Begun:
        """A new upload of a file that is said to be of that type and size (bytes).

        The same asked for again gives the same upload, with a form that is good again for FORM_SECONDS. Raises
        UnsupportedTypeError, TooLargeError, InvalidValueError, IdempotencyKeyReusedError or PreconditionError.
        """
        check_declared(media_type, size, self.most_bytes)
        new = NewUpload(secrets.token_bytes(16), key, media_type, size, if_taken)
        if asked is None:
            return self._with_form(self.rows.begin(principal, new))
        note: Note[Upload] = Note(asked, lambda upload: upload.id.hex())
        name = once(self.answers, principal, asked, lambda: self.rows.begin(principal, new, note).id.hex())
        return self._with_form(self._of(principal, bytes.fromhex(name), writing=True))

    def form_leading_to(self, upload: Upload, address: str) -> UploadForm:
        """The upload's form for a browser without script, which it leads on to the address."""
        return self.incoming.form(upload.incoming_key, upload.media_type, upload.size_limit, FORM_SECONDS, address)

    def form_address(self) -> str:
        """Where every form leads."""
        return self.incoming.form("", MEDIA_TYPES[0], 1, FORM_SECONDS).url

    def find(self, principal: Principal, upload_id: bytes) -> Upload:
        """The upload as it stands. Raises UnknownUploadError."""
        return self._of(principal, upload_id)

    def complete(self, principal: Principal, upload_id: bytes) -> Upload:
        """The upload once it has ended: the image is stored, or refused. The page's own call.

        Raises UnknownUploadError, NotArrivedError or OverloadedError.
        """
        upload = self._of(principal, upload_id, writing=True)
        ended = self._ingest(upload) if upload.state is UploadState.WAITING else upload
        if ended is None:
            raise NotArrivedError("The bytes have not arrived: post the file to the upload's form first.")
        return ended

    def arrived(self, incoming_key: str) -> None:
        """The same, told by the object store. Whatever it raises is temporary: the event is to come again."""
        upload = self.rows.at(incoming_key)
        if upload is None:  # begun days ago, or in a database that is not this one: it goes by itself
            logger.warning("bytes arrived for no upload that is known: %s", incoming_key)
            return
        if upload.state is not UploadState.WAITING:  # a form can be sent again, and so can an event
            self.objects.remove([upload.incoming_key])
            return
        try:
            if self._ingest(upload) is None:
                logger.warning("an event told of bytes that are not there: %s", incoming_key)
        except UnknownUploadError as error:
            logger.warning("%s: %s", incoming_key, error)

    def _with_form(self, upload: Upload) -> Begun:
        expires_at = self.clock.now() + timedelta(seconds=FORM_SECONDS)
        form = self.incoming.form(upload.incoming_key, upload.media_type, upload.size_limit, FORM_SECONDS)
        return Begun(upload, form, expires_at)

    def _of(self, principal: Principal, upload_id: bytes, *, writing: bool = False) -> Upload:
        upload = self.rows.of(principal, upload_id, writing)
        if upload is None:
            raise UnknownUploadError("There is no such upload, or it ended so long ago that it is forgotten.")
        return upload

    def _ingest(self, upload: Upload) -> Upload | None:
        """The upload once it has ended; None if there are no bytes. Any number of these may run at once."""
        try:
            ended = self._try(upload)
        except DoneBeforeError:
            return self._as_it_stands(upload)
        except UnknownUploadError:
            raise
        except RequestError as refusal:  # the same bytes would be refused again
            ended = self.rows.refuse(upload, str(refusal), secrets.token_bytes(16))
        if ended is None:  # another ingest may have ended it, and removed what came, since the row was read
            now = self._as_it_stands(upload)
            return now if now.state is not UploadState.WAITING else None
        send_now(self.queue, self.job_rows, ended.jobs)
        return ended.upload

    def _try(self, upload: Upload) -> Ended | None:
        data = self.incoming.fetch(upload.incoming_key, upload.size_limit)
        if data is None:
            return None
        facts = self.inspector.inspect(data)
        object_key = new_object_key(upload.owner_id)
        draft = Draft(upload.key, object_key, hashlib.sha256(data).digest(), len(data), facts, upload.if_taken)
        return announced(
            self.image_rows,
            self.objects,
            AnnouncedWrite(upload.owner_id, draft, data),
            lambda intent_id: self.rows.finish(upload, draft, intent_id),
            _NoStopwatch(),
        )

    def _as_it_stands(self, upload: Upload) -> Upload:
        now = self.rows.at(upload.incoming_key)
        if now is None:
            raise UnknownUploadError("The upload ended so long ago that it is forgotten.")
        return now


class _NoStopwatch:
    """An ingest is nobody's request."""

    def part(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()
