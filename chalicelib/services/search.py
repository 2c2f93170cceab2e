"""Looking through images, newest first: all of them or those that a query finds."""

from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.images import Image
from chalicelib.domain.search import Query
from chalicelib.domain.search_completion import Completion, begun, completions
from chalicelib.domain.search_ports import GallerySearch, Place

MOST_SUGGESTIONS = 10


@dataclass(frozen=True, slots=True)
class Found:
    """One page of images; `next_after` is None on the last one."""

    images: list[Image]
    next_after: Place | None


@dataclass(frozen=True, slots=True)
class Search:
    """The use cases of searches. Every call may raise RowsUnavailableError."""

    rows: GallerySearch

    def page(self, principal: Principal, query: Query, after: Place | None, limit: int) -> Found:
        """At most `limit` images behind that place."""
        found = self.rows.page(principal, query, after, limit + 1)
        shown = found[:limit]
        more = len(found) > limit
        return Found(shown, Place(shown[-1].created_at, shown[-1].key) if more else None)

    def suggestions(self, principal: Principal, piece: str) -> list[Completion]:
        """What the piece of a query that is being written may become."""
        wanted = begun(piece)
        found = self.rows.suggestions(principal, wanted.tag, wanted.word, MOST_SUGGESTIONS)
        return completions(wanted, found, MOST_SUGGESTIONS)
