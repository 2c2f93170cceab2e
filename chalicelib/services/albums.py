"""What people do with albums: make, name, fill, order and delete them, which leaves their images."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.albums import MOST_ALBUMS, MOST_IMAGES, Album, AlbumImage, title_of
from chalicelib.domain.errors import InvalidValueError, NotFoundError, UnknownAlbumError
from chalicelib.domain.keys import text_of
from chalicelib.domain.ports import JobQueue, JobRows
from chalicelib.domain.sharing_ports import AlbumRows, Most
from chalicelib.services.sending import send_now


@dataclass(frozen=True, slots=True)
class AlbumPage:
    """Some of an album's images, in its order; `next_after` is None at its end."""

    album: Album
    images: list[AlbumImage]
    next_after: int | None


@dataclass(frozen=True, slots=True)
class Albums:
    """The use cases of albums. Every call may raise RowsUnavailableError; those with an id, UnknownAlbumError."""

    rows: AlbumRows
    queue: JobQueue
    job_rows: JobRows

    def all(self, principal: Principal) -> list[Album]:
        """Every album of the owner's, newest first."""
        return self.rows.albums(principal)

    def holding(self, principal: Principal, key: bytes) -> list[Album]:
        """The albums that the image is in."""
        return self.rows.holding(principal, key)

    def find(self, principal: Principal, album_id: bytes) -> Album:
        """The album."""
        album = self.rows.album(principal, album_id)
        if album is None:
            raise unknown_album()
        return album

    def page(self, principal: Principal, album_id: bytes, after: int, limit: int) -> AlbumPage:
        """At most `limit` images of the album's whose places lie behind `after`; -1: from the first."""
        album = self.find(principal, album_id)
        found = self.rows.images(principal, album_id, after, limit + 1)
        more = len(found) > limit
        return AlbumPage(album, found[:limit], found[limit - 1].place if more else None)

    def create(self, principal: Principal, title: str) -> bytes:
        """Makes an album; its id. Raises InvalidValueError."""
        album_id = secrets.token_bytes(16)
        self.rows.create(principal, album_id, title_of(title), MOST_ALBUMS)
        return album_id

    def create_with(self, principal: Principal, title: str, keys: Sequence[bytes]) -> tuple[bytes, int]:
        """Makes an album of these images, or none: its id, and how many they are.

        Raises NotFoundError or InvalidValueError.
        """
        _refuse_none(keys)
        album_id, job_id, most = secrets.token_bytes(16), secrets.token_bytes(16), Most(MOST_ALBUMS, MOST_IMAGES)
        added = self.rows.create_with(principal, album_id, title_of(title), keys, job_id, most)
        send_now(self.queue, self.job_rows, added.jobs)
        return album_id, added.count

    def rename(self, principal: Principal, album_id: bytes, title: str) -> None:
        """Gives the album another title. Raises InvalidValueError."""
        if not self.rows.rename(principal, album_id, title_of(title)):
            raise unknown_album()

    def delete(self, principal: Principal, album_id: bytes) -> None:
        """Deletes the album and the links to it; its images stay."""
        if not self.rows.delete(principal, album_id):
            raise unknown_album()

    def add(self, principal: Principal, album_id: bytes, keys: Sequence[bytes]) -> int:
        """Puts the images at the end of the album; how many were not in it. All of them, or none.

        Raises NotFoundError or InvalidValueError.
        """
        _refuse_none(keys)
        added = self.rows.add(principal, album_id, keys, secrets.token_bytes(16), MOST_IMAGES)
        if added is None:
            raise unknown_album()
        send_now(self.queue, self.job_rows, added.jobs)
        return added.count

    def remove(self, principal: Principal, album_id: bytes, key: bytes) -> None:
        """Takes the image out of the album; the image stays. Raises NotFoundError."""
        self._changed(principal, album_id, key, self.rows.remove(principal, album_id, key))

    def move(self, principal: Principal, album_id: bytes, key: bytes, to: Callable[[int], int]) -> None:
        """Puts the image where `to` says, given its position from 0 in the album's order. Raises NotFoundError."""
        self._changed(principal, album_id, key, self.rows.move(principal, album_id, key, to))

    def choose_cover(self, principal: Principal, album_id: bytes, key: bytes) -> None:
        """Makes the image the album's cover. Raises NotFoundError."""
        self._changed(principal, album_id, key, self.rows.choose_cover(principal, album_id, key))

    def _changed(self, principal: Principal, album_id: bytes, key: bytes, changed: bool) -> None:
        if not changed:
            self.find(principal, album_id)
            raise NotFoundError(f"There is no image with the key “{text_of(key)}” in this album.")


def _refuse_none(keys: Sequence[bytes]) -> None:
    if not keys:
        raise InvalidValueError("key", "Choose at least one image.")


def unknown_album() -> UnknownAlbumError:
    """What is raised for an album that the owner has not got."""
    return UnknownAlbumError("You have no such album.")
