"""The list of the gallery: an owner's images newest first, by keyset."""

from collections.abc import Sequence
from datetime import UTC

from chalicelib.adapters.mysql.image_lists import ImageLists, Wanted
from chalicelib.adapters.mysql.image_rows import COLUMN_COUNT, COLUMNS, image_of
from chalicelib.domain.accounts import Principal
from chalicelib.domain.gallery import Cursor, GalleryEntry
from chalicelib.domain.list_sources import ListSource

_JOIN = "LEFT JOIN image_details d ON d.owner_id = i.owner_id AND d.image_key = i.image_key"
_COLUMNS = f"{COLUMNS}, d.caption, d.colour, d.seen_object_key"
_NEWEST_FIRST = "i.created_at DESC, i.image_key DESC"
# Written so that an index on the order begins at the place.
_BEHIND = "i.created_at <= %s AND (i.created_at < %s OR i.image_key < %s)"


class MySqlGalleryRows:
    """GalleryRows in MySQL."""

    def __init__(self, lists: ImageLists) -> None:
        self._lists = lists

    def page(self, principal: Principal, after: Cursor | None, limit: int) -> tuple[Sequence[GalleryEntry], ListSource]:
        wanted = Wanted(_COLUMNS, limit=limit, joins=_JOIN, behind="TRUE", behind_args=(), order=_NEWEST_FIRST)
        if after is not None:
            moment = after.created_at.astimezone(UTC).replace(tzinfo=None)
            wanted = Wanted(
                _COLUMNS,
                limit=limit,
                joins=_JOIN,
                behind=_BEHIND,
                behind_args=(moment, moment, after.key),
                order=_NEWEST_FIRST,
            )
        rows, source = self._lists.rows_and_source(principal, wanted)
        return [_entry(row) for row in rows], source


def _entry(columns: Sequence[object]) -> GalleryEntry:
    image = image_of(columns[:COLUMN_COUNT])
    caption, colour, seen_object_key = columns[COLUMN_COUNT:]
    present = seen_object_key == image.object_key
    return GalleryEntry(image, str(caption or ""), str(colour) if present and colour else None)
