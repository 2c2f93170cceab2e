"""What an owner says of an image: its caption, and its key."""

import secrets
from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import NotFoundError
from chalicelib.domain.gallery_ports import DetailRows
from chalicelib.domain.image_details import caption_of
from chalicelib.domain.keys import key_from_text, text_of
from chalicelib.domain.ports import JobQueue, JobRows, Precondition
from chalicelib.services.images import no_precondition
from chalicelib.services.sending import send_now


@dataclass(frozen=True, slots=True)
class ImageDetails:
    """The use cases on details. Every call may raise RowsUnavailableError, NotFoundError or PreconditionError."""

    rows: DetailRows
    job_rows: JobRows
    queue: JobQueue

    def describe(
        self, principal: Principal, key: bytes, text: str, precondition: Precondition = no_precondition
    ) -> str:
        """Makes the text the image's caption; the caption, as it is kept. Raises InvalidValueError."""
        caption = caption_of(text)
        if not self.rows.describe(principal, key, caption, precondition):
            raise _no_image(key)
        return caption

    def rename(
        self, principal: Principal, key: bytes, text: str, precondition: Precondition = no_precondition
    ) -> bytes:
        """Gives the image the key that the text is; the key. Raises InvalidKeyError or KeyTakenError.

        Object keys stay as they are, so nothing is copied; the image belongs to its new key's partition from then on.
        """
        new_key = key_from_text(text)
        due = self.rows.rename(principal, key, new_key, secrets.token_bytes(16), precondition)
        if due is None:
            raise _no_image(key)
        send_now(self.queue, self.job_rows, due)
        return new_key


def _no_image(key: bytes) -> NotFoundError:
    return NotFoundError(f"There is no image with the key “{text_of(key)}”.")
