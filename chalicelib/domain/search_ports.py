"""What looking for images needs of the world."""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job
from chalicelib.domain.search import Query

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_CHARACTERS = 1500  # beyond the longest key's
_MOST_DIGITS = 17  # some thousand years


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended, newest first: the last image's time of upload (UTC, aware) and its key."""

    created_at: datetime
    key: bytes

    @property
    def text(self) -> str:
        """For addresses; `place_of` reads it again."""
        packed = f"{(self.created_at - _EPOCH) // _MICROSECOND}:".encode() + self.key
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def place_of(text: str) -> Place:
    """The place that `Place.text` wrote. Raises InvalidValueError."""
    try:
        packed = base64.b64decode(text[:_MOST_CHARACTERS] + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    microseconds, _, key = packed.partition(b":")
    if not (microseconds.isdigit() and len(microseconds) <= _MOST_DIGITS and key):
        raise InvalidValueError("cursor", "The cursor is not one that this list gave.")
    return Place(_EPOCH + int(microseconds) * _MICROSECOND, key)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A whole word or a tag of the owner's, and how many images have it."""

    text: str
    is_tag: bool
    images: int


class GallerySearch(Protocol):
    """Finds images by their terms. Every call raises RowsUnavailableError when the database does not answer."""

    def page(self, principal: Principal, query: Query, after: Place | None, limit: int) -> list[Image]:
        """At most `limit` images that the query finds, newest first, of one moment by their keys backwards."""

    def suggestions(self, principal: Principal, tag: str | None, word: str | None, limit: int) -> list[Suggestion]:
        """At most `limit` tags that begin like `tag` and then words that begin like `word`, those of most images first.

        None: no tags, no words. Both are in the spelling that tags and words are kept in.
        """


class IndexRows(Protocol):
    """The rows that searches go by. Every write of an image keeps them, in its own transaction."""

    def index(self, job: Job, limit: int) -> tuple[bytes, ...]:
        """Puts in the next `limit` images that the job names, and ends it; the job that goes on, if there are more."""
