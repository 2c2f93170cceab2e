"""Tags: short words on an image, an owner's own or found automatically."""

import re
import unicodedata

from chalicelib.domain.errors import InvalidValueError

MOST_CHARACTERS = 50

_SPACES = re.compile(r" {2,}")
# Control characters, halves of pairs, and what breaks lines or turns the direction of text.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def tag_of(text: str) -> str:
    """The tag that `text` stands for: without outer spaces, in lower case (casefold), NFC, of 1 to 50 characters.

    Raises InvalidValueError, with words for the person who wrote it. A tag is its own tag.
    """
    tag = folded(text)
    if not tag:
        raise InvalidValueError("tag", "A tag needs at least one character.")
    if any(map(is_refused, tag)):
        raise InvalidValueError("tag", "A tag has no commas, line breaks or other control characters.")
    if len(tag) > MOST_CHARACTERS:
        raise InvalidValueError("tag", f"A tag has at most {MOST_CHARACTERS} characters; this one has {len(tag)}.")
    return tag


def folded(text: str) -> str:
    """Stripped, spaces in a row made one, and of one spelling whatever its case and however its accents are stored."""
    decomposed = unicodedata.normalize("NFD", text.strip()).casefold()
    return _SPACES.sub(" ", unicodedata.normalize("NFC", decomposed)).strip()


def is_refused(character: str) -> bool:
    """Whether no tag may hold the character."""
    return character == "," or character in _DIRECTIONS or unicodedata.category(character) in _REFUSED_CATEGORIES
