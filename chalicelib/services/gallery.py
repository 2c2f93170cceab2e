"""The gallery's pages: images newest first, with what is made of them."""

from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.gallery import Cursor, GalleryPage, cursor_text, tile_of
from chalicelib.domain.gallery_ports import GalleryRows
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.rendition_ports import RenditionRows


@dataclass(frozen=True, slots=True)
class Gallery:
    """The use case of looking at one's images. Raises RowsUnavailableError or OverloadedError."""

    rows: GalleryRows
    rendition_rows: RenditionRows

    def page(self, principal: Principal, after: Cursor | None, limit: int) -> tuple[GalleryPage, ListSource]:
        """At most `limit` tiles behind the cursor, and who gave the list."""
        found, source = self.rows.page(principal, after, limit + 1)
        shown = found[:limit]
        made = self.rendition_rows.of_images(principal, [entry.image.key for entry in shown])
        tiles = tuple(tile_of(entry, made.get(entry.image.key, ())) for entry in shown)
        last = shown[-1].image if len(found) > limit else None
        return GalleryPage(tiles, cursor_text(Cursor(last.created_at, last.key)) if last else None), source
