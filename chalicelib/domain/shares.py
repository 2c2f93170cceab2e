"""Links by which an image or an album is shared, and what whoever has one is shown. Pure.

Nothing that is shown carries the image's key, its object's, its owner's name or what its bytes told besides pixels:
images are named by random ids, and only renditions are given, which have no metadata.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.accounts import MOST_PASSWORD_CHARACTERS
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.images import Image
from chalicelib.domain.renditions import FULL, PREVIEW, THUMBNAIL
from chalicelib.domain.stored_renditions import Rendition

LEAST_PASSWORD_CHARACTERS = 6
MOST_SHARES = 500  # of one owner
MOST_DAYS, DEFAULT_DAYS = 365, 7  # 0: until it is revoked
UNLOCKED_SECONDS = 12 * 3600
DOWNLOAD = "download"
SHOWN = (THUMBNAIL.name, PREVIEW.name)
_DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Target:
    """What is shared: an album by its id, or an image by its key. One of the two is None."""

    album_id: bytes | None = None
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class ShareDraft:
    """A link about to be made. `title` is for whoever opens it; `seconds` None: until it is revoked."""

    id: bytes
    token_hash: bytes
    target: Target
    title: str
    password_hash: str | None
    downloads: bool
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Share:
    """A link as its owner sees it. `name` is the album's title or the image's key as text."""

    id: bytes
    target: Target
    name: str
    title: str
    has_password: bool
    downloads: bool
    created_at: datetime
    ends_at: datetime | None
    ended: bool
    views: int
    viewed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A link in force, as the one SELECT that found it says. `title` is what its owner lets others read."""

    id: bytes
    token_hash: bytes
    title: str
    album: bool
    count: int  # of images
    password_hash: str | None
    downloads: bool
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class SharedImage:
    """An image by its random id, with its ready renditions by kind, and its neighbours in the album's order."""

    id: bytes
    place: int
    renditions: Mapping[str, Rendition]
    previous: bytes | None = None
    following: bytes | None = None


@dataclass(frozen=True, slots=True)
class SharedRow:
    """What one SELECT at the primary says of a link and one of its images: it decides what may be shown."""

    opened: Opened
    map_version: int
    image: Image | None
    renditions: Mapping[str, Rendition]  # those that are ready


def kinds_for(asked: str, downloads: bool) -> tuple[str, ...]:
    """The kinds of renditions that may be given for what was asked, best first; empty: none."""
    if asked in SHOWN:
        return (asked,)
    return (FULL.name, PREVIEW.name) if asked == DOWNLOAD and downloads else ()


def best_of(kinds: Sequence[str], ready: Mapping[str, Rendition], most_bytes: int) -> Rendition | None:
    """The first of the kinds that is ready and fits an answer.

    A signed address of the object store would name the owner and the object, so what does not fit is not given.
    """
    return next((ready[kind] for kind in kinds if kind in ready and ready[kind].size <= most_bytes), None)


def password_of(text: str) -> str | None:
    """The password that a link is to ask for; None if it is empty. Raises InvalidValueError."""
    if not text:
        return None
    if not LEAST_PASSWORD_CHARACTERS <= len(text) <= MOST_PASSWORD_CHARACTERS:
        raise InvalidValueError(
            "password",
            f"A link's password has {LEAST_PASSWORD_CHARACTERS} to {MOST_PASSWORD_CHARACTERS} characters.",
        )
    return text


def seconds_of(days: str) -> int | None:
    """How long a link is good for, from whole days as text; None, for 0: until it is revoked.

    Raises InvalidValueError.
    """
    if not (days.isascii() and days.isdigit() and len(days) <= len(str(MOST_DAYS)) and int(days) <= MOST_DAYS):
        raise InvalidValueError("days", f"days must be a whole number from 0 to {MOST_DAYS}; 0: until it is revoked.")
    return int(days) * _DAY_SECONDS or None


def pass_for(opened: Opened, now: datetime, secret_key: str) -> str:
    """What a browser keeps that has given the password: good for 12 hours, for this link and this password only."""
    until = int((now + timedelta(seconds=UNLOCKED_SECONDS)).timestamp())
    return f"{until}.{_seal(opened, until, secret_key)}"


def lets_in(opened: Opened, shown: str | None, now: datetime, secret_key: str) -> bool:
    """Whether the link asks for no password, or what the browser shows is a pass that is still good."""
    if opened.password_hash is None:
        return True
    until, _, seal = (shown or "").partition(".")
    if not (until.isascii() and until.isdigit() and len(until) <= 12):
        return False
    good = hmac.compare_digest(seal.encode(errors="replace"), _seal(opened, int(until), secret_key).encode())
    return good and now.timestamp() < int(until)


def _seal(opened: Opened, until: int, secret_key: str) -> str:
    told = b"share\0" + opened.token_hash + (opened.password_hash or "").encode() + str(until).encode()
    return hmac.new(secret_key.encode(), told, hashlib.sha256).hexdigest()
