"""The list of the gallery: an owner's images newest first, by keyset."""

from collections.abc import Sequence

from chalicelib.adapters.mysql.database import Selecting
from chalicelib.adapters.mysql.gallery_search import rarest_first, suggestions, wanted
from chalicelib.adapters.mysql.image_lists import ImageLists, Wanted
from chalicelib.adapters.mysql.image_rows import COLUMN_COUNT, COLUMNS, image_of
from chalicelib.adapters.mysql.principals import nobody, whose
from chalicelib.domain.accounts import Owner, Principal, Standing
from chalicelib.domain.gallery import Cursor, GalleryEntry
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.search import EVERYTHING, Query
from chalicelib.domain.search_completion import Suggestion

_DETAILS = "LEFT JOIN image_details d ON d.owner_id = i.owner_id AND d.image_key = i.image_key"
_COLUMNS = f"{COLUMNS}, d.caption, d.colour, d.seen_object_key"


class MySqlGalleryRows:
    """GalleryRows in MySQL. `reads` is where rows are looked at, `lists` where lists come from."""

    def __init__(self, reads: Selecting, lists: ImageLists) -> None:
        self._reads = reads
        self._lists = lists

    def page(
        self, principal: Principal, after: Cursor | None, limit: int, query: Query = EVERYTHING
    ) -> tuple[Sequence[GalleryEntry], ListSource]:
        terms = rarest_first(self._reads, principal, query.required)
        rows, source = self._lists.rows_and_source(principal, wanted_page(terms, query, after, limit))
        return [_entry(row) for row in rows], source

    def standing(self, principal: Principal) -> Standing:
        who = whose(principal)
        found = self._reads.select(
            f"SELECT {who.echo}, o.id, o.version, m.version FROM {who.tables} JOIN fleet_maps m ON m.id = 1 "
            f"WHERE {who.condition}",
            who.args,
            belongs=lambda rows: all(len(row) == 4 and row[0] == who.asked for row in rows),
        )
        if not found:
            raise nobody(principal)
        _, owner_id, version, map_version = found[0]
        return Standing(Owner(owner_id, version), map_version)

    def suggestions(self, principal: Principal, tag: str | None, word: str | None, limit: int) -> list[Suggestion]:
        return suggestions(self._reads, principal, tag, word, limit)


def wanted_page(terms: tuple[bytes, ...], query: Query, after: Cursor | None, limit: int) -> Wanted:
    """The list of a page: what the query finds, with what is known of each image."""
    return wanted(_COLUMNS, _DETAILS, terms, query, after, limit)


def _entry(columns: Sequence[object]) -> GalleryEntry:
    image = image_of(columns[:COLUMN_COUNT])
    caption, colour, seen_object_key = columns[COLUMN_COUNT:]
    present = seen_object_key == image.object_key
    return GalleryEntry(image, str(caption or ""), str(colour) if present and colour else None)
