"""What the services need of the rows of albums and of links, as narrow protocols."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.accounts import Principal
from chalicelib.domain.albums import Album, AlbumImage
from chalicelib.domain.shares import Opened, Share, SharedImage, ShareDraft, SharedRow


@dataclass(frozen=True, slots=True)
class Added:
    """How many of the images were not in the album before, and the jobs that are due."""

    count: int
    jobs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Most:
    """How many albums an owner may have, and images an album."""

    albums: int
    images: int


class AlbumRows(Protocol):
    """Albums as their owner sees them. Every call may raise RowsUnavailableError or NotSignedInError."""

    def albums(self, principal: Principal) -> list[Album]:
        """Every album of the owner's, newest first."""

    def album(self, principal: Principal, album_id: bytes) -> Album | None: ...

    def images(self, principal: Principal, album_id: bytes, after: int, limit: int) -> list[AlbumImage]:
        """At most `limit` images of the album's whose places lie behind `after` (-1: from the first), in its order."""

    def holding(self, principal: Principal, key: bytes) -> list[Album]:
        """The albums that the image is in, newest first."""

    def create(self, principal: Principal, album_id: bytes, title: str, most: int) -> None:
        """Makes an album. Raises InvalidValueError if the owner would have more than `most`."""

    def create_with(
        self, principal: Principal, album_id: bytes, title: str, keys: Sequence[bytes], job_id: bytes, most: Most
    ) -> Added:
        """Makes an album of these images, or none. Raises as `create` and `add` do."""

    def rename(self, principal: Principal, album_id: bytes, title: str) -> bool:
        """Whether the owner has such an album."""

    def delete(self, principal: Principal, album_id: bytes) -> bool:
        """Deletes the album and its links, and none of its images; whether the owner had it."""

    def add(
        self, principal: Principal, album_id: bytes, keys: Sequence[bytes], job_id: bytes, most: int
    ) -> Added | None:
        """Puts the images at the album's end, those that are not in it; None if there is no such album.

        If a link lets others download the album, the renditions for that are made due. Raises NotFoundError for a key
        without an image, or InvalidValueError if the album would have more than `most`; nothing is added then.
        """

    def remove(self, principal: Principal, album_id: bytes, key: bytes) -> bool:
        """Takes the image out of the album, whose images stay; whether it was in it."""

    def move(self, principal: Principal, album_id: bytes, key: bytes, to: Callable[[int], int]) -> bool:
        """Puts the image where `to` says, given its position from 0 in the album's order; whether it is in it."""

    def choose_cover(self, principal: Principal, album_id: bytes, key: bytes) -> bool:
        """Makes the image the album's cover; whether it is in it."""


class ShareRows(Protocol):
    """Links to images and albums. What decides is read at the primary only: a replica may not know of a revocation.

    Every call may raise RowsUnavailableError, those with a principal NotSignedInError.
    """

    def create(self, principal: Principal, draft: ShareDraft, most: int) -> tuple[bytes, ...] | None:
        """Makes the link, and makes due the renditions that it lets others download: the jobs.

        None if there is no such album or image. Raises InvalidValueError if the owner would have more than `most`.
        """

    def shares(self, principal: Principal) -> list[Share]:
        """Every link of the owner's, newest first, those too that have ended by themselves."""

    def revoke(self, principal: Principal, share_id: bytes) -> bool:
        """Ends the link for whatever begins afterwards; whether the owner had it."""

    def opened(self, token_hash: bytes) -> Opened | None:
        """The link, if it is in force: it was made, has not ended, was not revoked, and its owner is not disabled."""

    def images(self, token_hash: bytes, after: int, limit: int) -> list[SharedImage]:
        """Of the link, if it is in force: at most `limit` images whose places lie behind `after`, in order."""

    def image(self, token_hash: bytes, image_id: bytes) -> SharedImage | None:
        """One of the images of the link, if it is in force."""

    def row(self, token_hash: bytes, image_id: bytes, kinds: Sequence[str]) -> SharedRow | None:
        """One autocommitted SELECT: the link, if it is in force, its image of that id, and what is ready of `kinds`."""

    def count_view(self, share_id: bytes) -> None: ...
