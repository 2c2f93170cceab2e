"""What uploads straight to the object store need of the world."""

from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.accounts import Principal
from chalicelib.domain.idempotency import Asked, Note
from chalicelib.domain.ports import Draft
from chalicelib.domain.uploads import NewUpload, Upload, UploadForm


@dataclass(frozen=True, slots=True)
class Ended:
    """An upload that has ended, and the jobs that became due with it."""

    upload: Upload
    jobs: tuple[bytes, ...]


class UploadRows(Protocol):
    """The rows of uploads, read and written at the primary. Every call may raise RowsUnavailableError.

    Those that are told the principal raise NotSignedInError when it is nobody any more.
    """

    def begin(self, principal: Principal, new: NewUpload, note: Note[Upload] | None = None) -> Upload:
        """Writes the row, and the note with it. Forgets what of the owner's ended more than a day ago.

        Raises DoneBeforeError or IdempotencyKeyReusedError as the note has it; PreconditionError if the key is taken
        already and the upload says that it must not be.
        """

    def of(self, principal: Principal, upload_id: bytes, writing: bool = False) -> Upload | None:
        """The owner's upload; for writing, a token must let its holder write."""

    def at(self, incoming_key: str) -> Upload | None:
        """The upload, of any owner, whose bytes wait there."""

    def finish(self, upload: Upload, draft: Draft, intent_id: bytes) -> Ended:
        """In one transaction under the owner's lock: what ImageRows.put does, the upload's end, the removal due.

        What is done if the key is taken, draft and upload say alike.

        Raises DoneBeforeError if it has ended already, UnknownUploadError if it is gone, UploadsClosedError if the
        owner's account is closed, RowsUnavailableError when the intent was already acted on.
        """

    def refuse(self, upload: Upload, refusal: str, job_id: bytes) -> Ended:
        """Ends the upload if it has not ended, and makes the removal of what came due, as the job of that id.

        Raises UnknownUploadError.
        """


class AnswerRows(Protocol):
    """The answers kept for requests that may be sent again."""

    def kept(self, principal: Principal, asked: Asked) -> str | None:
        """The answer, if the request was done in the last KEPT_SECONDS.

        Raises IdempotencyKeyReusedError if another request was done under the same key, NotSignedInError or
        RowsUnavailableError.
        """


class IncomingObjects(Protocol):
    """Bytes that a browser stores by itself. Raises ObjectsUnavailableError."""

    def form(
        self, object_key: str, media_type: str, most_bytes: int, seconds: int, leads_to: str | None = None
    ) -> UploadForm:
        """A form that stores 1 to `most_bytes` bytes of exactly this type under exactly this key, for that long.

        Once they are stored, it leads the browser on to the address, to whose query the object store adds.
        """

    def fetch(self, object_key: str, most_bytes: int) -> bytes | None:
        """The bytes, or None if there are none. Raises TooLargeError, without reading them, if they are more."""
