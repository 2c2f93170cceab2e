"""A page of the gallery as one plain value, and the cursors between pages. Pure.

The value holds no addresses: those depend on where the application lies. It can be written as JSON and read back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.errors import InvalidKeyError, InvalidValueError
from chalicelib.domain.images import Image
from chalicelib.domain.keys import key_from_text, text_of
from chalicelib.domain.renditions import PREVIEW, THUMBNAIL
from chalicelib.domain.stored_renditions import Rendition, State

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two images, newest first: behind the image that was uploaded at that moment under that key."""

    created_at: datetime
    key: bytes


@dataclass(frozen=True, slots=True)
class GalleryEntry:
    """An image as the list of the gallery has it."""

    image: Image
    caption: str = ""
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class TileRendition:
    """A rendition of a tile's image; `state` is a State's value, sizes in pixels are 0 unless it is ready."""

    kind: str
    state: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Tile:
    """One image of the page. Width and height are those it is shown with, the right way up as far as is known."""

    key: str
    caption: str
    width: int
    height: int
    colour: str | None
    object_key: str
    bytes: int
    renditions: tuple[TileRendition, ...] = ()

    def ready(self, kind: str) -> TileRendition | None:
        """The rendition of that kind, if it is ready."""
        return next((one for one in self.renditions if one.kind == kind and one.state == State.READY.value), None)

    @property
    def state(self) -> str:
        """The state of what the grid shows, as a State's value: its thumbnail's, or failed if anything failed."""
        states = {one.kind: one.state for one in self.renditions}
        if State.FAILED.value in states.values():
            return State.FAILED.value
        return states.get(THUMBNAIL.name, State.READY.value)

    @property
    def edits(self) -> tuple[TileRendition, ...]:
        """What is made of the image beside its smaller copies, ready ones only."""
        smaller = (THUMBNAIL.name, PREVIEW.name)
        return tuple(one for one in self.renditions if one.kind not in smaller and one.state == State.READY.value)


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """Tiles newest first, and the cursor's text that the next page is asked for with; None on the last page."""

    tiles: tuple[Tile, ...]
    next_after: str | None

    def plain(self) -> dict[str, Any]:
        """The page of JSON's values alone."""
        return asdict(self)


def page_from_plain(values: Mapping[str, Any]) -> GalleryPage:
    """The page that `plain` gave, after JSON too."""
    return GalleryPage(tuple(map(_tile_from_plain, values["tiles"])), values["next_after"])


def tile_of(entry: GalleryEntry, renditions: Sequence[Rendition]) -> Tile:
    """The entry with its renditions as a tile."""
    facts = entry.image.facts
    made = tuple(TileRendition(one.kind, one.state.value, one.width, one.height) for one in renditions)
    upright = next((one for one in made if one.kind == THUMBNAIL.name and one.width and one.height), None)
    width, height = facts.width, facts.height
    if upright is not None and (upright.width > upright.height) != (width > height) and upright.width != upright.height:
        width, height = height, width  # EXIF turns it
    return Tile(
        key=text_of(entry.image.key),
        caption=entry.caption,
        width=width,
        height=height,
        colour=entry.colour,
        object_key=entry.image.object_key,
        bytes=entry.image.size,
        renditions=made,
    )


def cursor_text(cursor: Cursor) -> str:
    """The cursor for an address. Opaque to whoever reads it."""
    return f"{(cursor.created_at - _EPOCH) // _MICROSECOND:x}.{text_of(cursor.key)}"


def cursor_of(text: str, field: str = "after") -> Cursor:
    """The cursor that `cursor_text` wrote. Raises InvalidValueError."""
    moment, dot, key = text.partition(".")
    try:
        return Cursor(_EPOCH + int(moment if dot else "", 16) * _MICROSECOND, key_from_text(key))
    except (ValueError, OverflowError, InvalidKeyError):
        raise InvalidValueError(field, f"This address does not lead to a page: its “{field}” is not ours.") from None


def _tile_from_plain(values: Mapping[str, Any]) -> Tile:
    return Tile(**{**values, "renditions": tuple(TileRendition(**one) for one in values["renditions"])})
