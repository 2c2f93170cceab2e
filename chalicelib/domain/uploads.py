"""What an upload straight to the object store is, and under which name its bytes wait."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from chalicelib.domain.errors import InvalidValueError, TooLargeError, UnsupportedTypeError
from chalicelib.domain.images import MEDIA_TYPES
from chalicelib.domain.keys import IfTaken

INCOMING = "incoming/"  # what lies below it has not been looked at, and goes by itself after a day
FORM_SECONDS = 300
UPLOAD_SECONDS = 24 * 3600  # how long an upload that never arrived is waited for

ACCOUNT_GONE = "The account that this upload was begun by is deleted."

_INCOMING_KEY = re.compile(INCOMING + r"[0-9a-f]{32}/[0-9a-f]{32}")


class UploadState(Enum):
    """What became of an upload. It changes once, from WAITING."""

    WAITING = "waiting"  # for the bytes, or for somebody to look at them
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class NewUpload:
    """An upload about to be begun. `size_limit` in bytes."""

    id: bytes  # 16 random bytes
    key: bytes
    media_type: str
    size_limit: int
    if_taken: IfTaken = IfTaken.REPLACE


@dataclass(frozen=True, slots=True)
class Upload:
    """One row. Of those that may be None, `refusal` says why it was REFUSED; the others are of one that is DONE.

    One that is DONE without an `object_key` stored nothing: `stored_key` is that of an image with the same bytes.
    """

    id: bytes
    owner_id: bytes
    key: bytes
    incoming_key: str
    media_type: str  # as it was declared; the bytes decide what the image is
    size_limit: int
    state: UploadState
    created_at: datetime
    ends_at: datetime
    refusal: str | None = None
    object_key: str | None = None
    sha256: bytes | None = None
    duplicate_of: bytes | None = None  # the key of an image that had the same bytes before; this key if no other has
    if_taken: IfTaken = IfTaken.REPLACE
    stored_key: bytes | None = None  # of the image that it is, if it has another key than `key`

    @property
    def image_key(self) -> bytes:
        """The key of the image that it is, or is to be."""
        return self.stored_key or self.key


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where a browser posts the file, and the fields that go before it."""

    url: str
    fields: Mapping[str, str]


def incoming_key_of(owner_id: bytes, upload_id: bytes) -> str:
    """The name that the bytes of the upload wait under; used for nothing else."""
    return f"{INCOMING}{owner_id.hex()}/{upload_id.hex()}"


def is_incoming_key(text: str) -> bool:
    """Whether `incoming_key_of` could have made it."""
    return _INCOMING_KEY.fullmatch(text) is not None


def _not_taken(media_type: str) -> str:
    kind, _, name = media_type.partition("/")
    named = f"{name.upper()} images are" if kind == "image" and name.isalnum() else f"“{media_type}” is"
    return f"{named} not taken. Images are JPEG, PNG, GIF or WebP."


def check_declared(media_type: str, size: int, most_bytes: int) -> None:
    """Raises UnsupportedTypeError, TooLargeError or InvalidValueError for what would be refused once it is here."""
    if media_type not in MEDIA_TYPES:
        raise UnsupportedTypeError(_not_taken(media_type))
    if size < 1:
        raise InvalidValueError("size", "The file is empty.")
    if size > most_bytes:
        raise TooLargeError(f"The file has {size} bytes; at most {most_bytes} are taken.")


def coming_words(coming: int, size: int, quota: int) -> str:
    """What an owner is told whose uploads would bring more than all that they may have."""
    return (
        f"You may have {quota:,} bytes of images in all; {coming:,} are on their way, and {size:,} more are too many. "
        "Wait until those are stored."
        if coming
        else f"The file has {size:,} bytes, and you may have {quota:,} bytes of images in all."
    )
