"""Albums: an owner's images in an order of the owner's. Pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.images import Image
from chalicelib.domain.stored_renditions import Rendition

MOST_TITLE_CHARACTERS = 200
MOST_ALBUMS, MOST_IMAGES = 500, 1000  # of one owner, of one album

T = TypeVar("T")

# Control characters, halves of pairs, and what breaks lines.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class AlbumImage:
    """An image in an album. `id` is random and names it to others; `place` grows in the album's order."""

    id: bytes
    place: int
    image: Image
    thumbnail: Rendition | None  # once it is ready


@dataclass(frozen=True, slots=True)
class Album:
    """An album as its owner sees it: `cover` is the image chosen for it, or else its first; None if it is empty."""

    id: bytes
    title: str
    count: int
    cover: AlbumImage | None
    created_at: datetime


def title_of(text: str, field: str = "title") -> str:
    """The title, without outer spaces, of 1 to 200 characters. Raises InvalidValueError."""
    title = text.strip()
    if not title:
        raise InvalidValueError(field, "A title needs at least one character.")
    return _shown(title, field)


def words_of(text: str, field: str = "title") -> str:
    """As title_of, but it may be empty. Raises InvalidValueError."""
    return _shown(text.strip(), field)


def moved(order: Sequence[T], one: T, position: int) -> list[T]:
    """The order with `one`, which is in it, at that position from 0, or at the end if it is not so long."""
    others = [each for each in order if each != one]
    at = max(0, position)
    return [*others[:at], one, *others[at:]]


def _shown(title: str, field: str) -> str:
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in title):
        raise InvalidValueError(field, "A title has no line breaks or other control characters.")
    if len(title) > MOST_TITLE_CHARACTERS:
        raise InvalidValueError(
            field, f"A title has at most {MOST_TITLE_CHARACTERS} characters; this one has {len(title)}."
        )
    return title
