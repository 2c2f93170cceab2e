"""The gallery's pages: images newest first, with what is made of them."""

import json
from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.fleet import Node
from chalicelib.domain.gallery import Cursor, GalleryPage, cursor_text, page_from_plain, tile_of
from chalicelib.domain.gallery_ports import GalleryRows
from chalicelib.domain.images import Image
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.ports import Stopwatch
from chalicelib.domain.rendition_ports import RenditionRows
from chalicelib.domain.search import EVERYTHING, Query
from chalicelib.domain.search_completion import Completion, begun, completions
from chalicelib.services.page_cache import PageCache, PagePlace
from chalicelib.services.staleness import Staleness

MOST_SUGGESTIONS = 10


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The page, and who gave it: cache, primary or replica; of the cache, the node and the partition."""

    page: GalleryPage
    source: str
    node: Node | None = None
    partition: int = 0


@dataclass(frozen=True, slots=True)
class Gallery:
    """The use cases of looking at and for one's images. Raises RowsUnavailableError or OverloadedError."""

    rows: GalleryRows
    rendition_rows: RenditionRows
    cache: PageCache
    staleness: Staleness

    def first_page(self, principal: Principal, limit: int, stopwatch: Stopwatch) -> FirstPage:
        """The first page of everything: from the fleet if it is there for the owner's present version.

        The version is read after the request began. What is selected is kept only if the version is the same after
        the rows were read as before: each change that a page shows counts the version up in its own transaction, so
        the rows are then that version's and no other's.
        """
        standing = principal.standing
        if standing is None:
            with stopwatch.part("row"):
                standing = self.rows.standing(principal)
        owner, selected = standing.owner, list[tuple[GalleryPage, ListSource]]()

        def select() -> bytes | None:
            with stopwatch.part("select"):
                selected.append(self.page(principal, None, limit))
                if self.staleness.noted or self.rows.standing(principal).owner != owner or self.staleness.noted:
                    return None
            return json.dumps(selected[0][0].plain(), separators=(",", ":")).encode()

        if self.staleness.noted:  # a replica said which version it is: it may be old
            page, source = self.page(principal, None, limit)
            return FirstPage(page, source.server)
        place = PagePlace(owner, f"first:{limit}", standing.map_version)
        kept = self.cache.read(place, stopwatch, select)
        if kept.data is not None and not selected:
            return FirstPage(page_from_plain(json.loads(kept.data)), "cache", kept.node, kept.partition)
        page, source = selected[0] if selected else self.page(principal, None, limit)
        return FirstPage(page, source.server)

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
