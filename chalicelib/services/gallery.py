"""The gallery's pages: images newest first, with what is made of them."""

from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.gallery import Cursor, GalleryPage, cursor_text, tile_of
from chalicelib.domain.gallery_ports import GalleryRows
from chalicelib.domain.images import Image
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.rendition_ports import RenditionRows
from chalicelib.domain.search import EVERYTHING, Query
from chalicelib.domain.search_completion import Completion, begun, completions

MOST_SUGGESTIONS = 10


@dataclass(frozen=True, slots=True)
class Gallery:
    """The use cases of looking at and for one's images. Raises RowsUnavailableError or OverloadedError."""

    rows: GalleryRows
    rendition_rows: RenditionRows

    def page(
        self, principal: Principal, after: Cursor | None, limit: int, query: Query = EVERYTHING
    ) -> tuple[GalleryPage, ListSource]:
        """At most `limit` tiles that the query finds behind the cursor, and who gave the list."""
        found, source = self.rows.page(principal, after, limit + 1, query)
        shown = found[:limit]
        made = self.rendition_rows.of_images(principal, [entry.image.key for entry in shown])
        tiles = tuple(tile_of(entry, made.get(entry.image.key, ())) for entry in shown)
        last = shown[-1].image if len(found) > limit else None
        return GalleryPage(tiles, cursor_text(Cursor(last.created_at, last.key)) if last else None), source

    def found(
        self, principal: Principal, after: Cursor | None, limit: int, query: Query
    ) -> tuple[list[Image], Cursor | None]:
        """At most `limit` images that the query finds behind the cursor; where the next page begins, if there is."""
        found, _ = self.rows.page(principal, after, limit + 1, query)
        images = [entry.image for entry in found[:limit]]
        return images, Cursor(images[-1].created_at, images[-1].key) if len(found) > limit else None

    def suggestions(self, principal: Principal, piece: str) -> list[Completion]:
        """What the piece of a query that is being written may become."""
        wanted = begun(piece)
        found = self.rows.suggestions(principal, wanted.tag, wanted.word, MOST_SUGGESTIONS)
        return completions(wanted, found, MOST_SUGGESTIONS)
