"""What the gallery's services need of the rows, as narrow protocols."""

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.accounts import Principal
from chalicelib.domain.gallery import Cursor, GalleryEntry
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.ports import Precondition


class GalleryRows(Protocol):
    """The list of the gallery. Raises RowsUnavailableError or OverloadedError."""

    def page(self, principal: Principal, after: Cursor | None, limit: int) -> tuple[Sequence[GalleryEntry], ListSource]:
        """At most `limit` images behind the cursor, newest first, equal moments by key from last to first."""


class DetailRows(Protocol):
    """What an owner says of an image. Every call may raise RowsUnavailableError, NotSignedInError or what
    the precondition raises."""

    def describe(self, principal: Principal, key: bytes, caption: str, precondition: Precondition) -> bool:
        """Makes that the image's caption; False if there is no such image."""

    def rename(
        self, principal: Principal, key: bytes, new_key: bytes, job_id: bytes, precondition: Precondition
    ) -> tuple[bytes, ...] | None:
        """Gives the image, its renditions, tags and details the new key, in one transaction.

        Renditions that are due are owed by a new job, under the new key. The answer is the jobs that are due, or None
        if there is no such image. Raises KeyTakenError if another image has the new key.
        """
