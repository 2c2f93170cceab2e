"""What the gallery's services need of the rows, as narrow protocols."""

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.accounts import Principal, Standing
from chalicelib.domain.gallery import Cursor, GalleryEntry
from chalicelib.domain.jobs import Job
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.ports import Precondition
from chalicelib.domain.search import EVERYTHING, Query
from chalicelib.domain.search_completion import Suggestion


class GalleryRows(Protocol):
    """The list of the gallery, and what is offered to whoever searches it. Raises RowsUnavailableError or
    OverloadedError."""

    def page(
        self, principal: Principal, after: Cursor | None, limit: int, query: Query = EVERYTHING
    ) -> tuple[Sequence[GalleryEntry], ListSource]:
        """At most `limit` images that the query finds behind the cursor.

        Newest first, equal moments by key from last to first.
        """

    def standing(self, principal: Principal) -> Standing:
        """Whose page it is, and the owner's version, by one SELECT by unique keys.

        Raises what is raised for nobody's principal.
        """

    def suggestions(self, principal: Principal, tag: str | None, word: str | None, limit: int) -> list[Suggestion]:
        """At most `limit` tags that begin like `tag` and then words that begin like `word`, those of most images first.

        None: no tags, no words. Both are in the spelling that tags and words are kept in.
        """


class IndexRows(Protocol):
    """The rows that searches go by. Every write of an image keeps them, in its own transaction."""

    def index(self, job: Job, limit: int) -> tuple[bytes, ...]:
        """Puts in the next `limit` images that the job names, and ends it; the job that goes on, if there are more."""


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
