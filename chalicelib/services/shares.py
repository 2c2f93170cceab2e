"""Links to images and albums: what their owner does with them, and what whoever has one is given.

A link's token has 256 random bits and is kept as its SHA-256; it is told once, to its owner. Whether it is in force is
asked in the SELECT that finds what it leads to, each time.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.account_ports import AccountRows, Passwords
from chalicelib.domain.accounts import TOKEN_BYTES, TRIES_SECONDS, Principal, hash_of
from chalicelib.domain.albums import words_of
from chalicelib.domain.errors import (
    InvalidValueError,
    NotFoundError,
    ObjectsUnavailableError,
    ShareLockedError,
    TooManyTriesError,
    UnavailableError,
    UnknownShareError,
)
from chalicelib.domain.images import Image
from chalicelib.domain.keys import text_of
from chalicelib.domain.ports import JobQueue, JobRows, Stopwatch
from chalicelib.domain.shares import (
    MOST_SHARES,
    Opened,
    Share,
    SharedImage,
    ShareDraft,
    Target,
    best_of,
    kinds_for,
    password_of,
    seconds_of,
)
from chalicelib.domain.sharing_ports import ShareRows
from chalicelib.domain.stored_renditions import as_image
from chalicelib.services.accounts import ACCOUNT_TRIES, ADDRESS_TRIES
from chalicelib.services.albums import unknown_album
from chalicelib.services.images import READ_ATTEMPTS
from chalicelib.services.read_through import ReadThrough, Served
from chalicelib.services.sending import send_now

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an owner asks of a new link, as text. `days` "0": until it is revoked; `password` "": none."""

    title: str = ""
    password: str = ""
    downloads: bool = False
    days: str = ""


@dataclass(frozen=True, slots=True)
class SharedPage:
    """Some of what a link shares, in order; `next_after` is None at its end."""

    images: list[SharedImage]
    next_after: int | None


@dataclass(frozen=True, slots=True)
class Shares:
    """The use cases of links. Every call may raise RowsUnavailableError."""

    rows: ShareRows
    account_rows: AccountRows  # counts tries, as it does those of signing in
    passwords: Passwords
    read_through: ReadThrough
    queue: JobQueue
    job_rows: JobRows
    most_bytes: int  # of an answer

    def create(self, principal: Principal, target: Target, asked: Asked) -> tuple[bytes, str]:
        """Makes a link: its id, and its token, which is told this once.

        Raises InvalidValueError, UnknownAlbumError or NotFoundError.
        """
        title, password, seconds = words_of(asked.title), password_of(asked.password), seconds_of(asked.days)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        hashed = None if password is None else self.passwords.hashed(password)
        draft = ShareDraft(secrets.token_bytes(16), hash_of(token), target, title, hashed, asked.downloads, seconds)
        due = self.rows.create(principal, draft, MOST_SHARES)
        if due is None:
            if target.key is None:
                raise unknown_album()
            raise NotFoundError(f"There is no image with the key “{text_of(target.key)}”.")
        send_now(self.queue, self.job_rows, due)
        return draft.id, token

    def all(self, principal: Principal) -> list[Share]:
        """Every link of the owner's, newest first."""
        return self.rows.shares(principal)

    def revoke(self, principal: Principal, share_id: bytes) -> None:
        """Ends the link: it leads nowhere any more when this returns. Raises UnknownShareError."""
        if not self.rows.revoke(principal, share_id):
            raise UnknownShareError("You have no such link.")

    def opened(self, token: str) -> Opened:
        """The link. Raises UnknownShareError."""
        opened = self.rows.opened(hash_of(token))
        if opened is None:
            raise _over()
        return opened

    def unlock(self, token: str, password: str, address: str) -> Opened:
        """The link, if this is its password. Tries are counted as those of signing in are, before it is looked at.

        `address` is where the request comes from. Raises UnknownShareError, InvalidValueError or TooManyTriesError.
        """
        opened = self.opened(token)
        if opened.password_hash is None:
            return opened
        name = b"share:" + opened.id
        self._count(b"address:" + address.encode(), ADDRESS_TRIES)
        self._count(name, ACCOUNT_TRIES)
        if not self.passwords.fits(opened.password_hash, password):
            raise InvalidValueError("password", "This is not the password of this link.")
        self.account_rows.forget_tries(name)
        return opened

    def page(self, opened: Opened, after: int, limit: int) -> SharedPage:
        """At most `limit` of the images whose places lie behind `after`; -1: from the first."""
        found = self.rows.images(opened.token_hash, after, limit + 1)
        more = len(found) > limit
        return SharedPage(found[:limit], found[limit - 1].place if more else None)

    def image(self, opened: Opened, image_id: bytes) -> SharedImage:
        """One of the images. Raises UnknownShareError."""
        found = self.rows.image(opened.token_hash, image_id)
        if found is None:
            raise _not_in_it()
        return found

    def get(
        self,
        token: str,
        image_id: bytes,
        asked: str,
        lets_in: Callable[[Opened], bool],
        stopwatch: Stopwatch,
        wanted: Callable[[Image], bool] = lambda image: True,
    ) -> tuple[Image, Served | None]:
        """A rendition of a shared image, with its bytes if `wanted` says so of it.

        `asked` is thumbnail, preview or download; `lets_in` says whether whoever asks may see what the link shares.
        Raises UnknownShareError, ShareLockedError or ObjectsUnavailableError.
        """
        for _ in range(READ_ATTEMPTS):
            with stopwatch.part("row"):
                row = self.rows.row(hash_of(token), image_id, kinds_for(asked, True) or ("",))
            if row is None:
                raise _over()
            if not lets_in(row.opened):
                raise ShareLockedError("This link asks for a password. Open it again and give the password.")
            rendition = best_of(kinds_for(asked, row.opened.downloads), row.renditions, self.most_bytes)
            if row.image is None or rendition is None:
                raise _not_in_it()
            image = as_image(row.image, rendition)
            if not wanted(image):
                return image, None
            served = self.read_through.read(image, row.map_version, stopwatch)
            if served is not None:
                return image, served
        raise ObjectsUnavailableError("The bytes of this image cannot be found just now.")

    def count_view(self, opened: Opened) -> None:
        """Notes that somebody looked. That it cannot be noted keeps nobody from looking."""
        try:
            self.rows.count_view(opened.id)
        except UnavailableError as error:
            logger.warning("a view of a link was not counted: %s", error)

    def _count(self, name: bytes, limit: int) -> None:
        if not self.account_rows.tried(name[:300], limit, TRIES_SECONDS):
            raise TooManyTriesError("Too many tries. Wait some minutes and try again.")


def _over() -> UnknownShareError:
    return UnknownShareError("This link leads nowhere: it was mistyped, it has ended, or it was taken back.")


def _not_in_it() -> UnknownShareError:
    return UnknownShareError("There is no such image behind this link, or not yet, or not any more.")
