"""What the piece of a query that somebody is writing may become."""

from dataclasses import dataclass

from chalicelib.domain.colour_names import NAMED_COLOURS
from chalicelib.domain.search import MOST_CHARACTERS, ORIENTATIONS, Part
from chalicelib.domain.tags import folded
from chalicelib.domain.words import words_of

_KNOWN = (*(("orientation", each) for each in ORIENTATIONS), *(("colour", each) for each in NAMED_COLOURS))
_TAG = "tag:"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A whole word or a tag of the owner's, and how many images have it."""

    text: str
    is_tag: bool
    images: int


@dataclass(frozen=True, slots=True)
class Begun:
    """How the tags and words begin that would complete the piece, None for none of them; `known` parts would too."""

    minus: bool
    tag: str | None
    word: str | None
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole piece of a query, and how many images it finds if that is counted."""

    text: str
    images: int | None


def last_piece(text: str) -> tuple[str, str]:
    """The text up to the piece that is being written, and that piece; it may be an open quotation."""
    text = text[:MOST_CHARACTERS]
    start, quoted = 0, False
    for position, character in enumerate(text):
        quoted ^= character == '"'
        if character.isspace() and not quoted:
            start = position + 1
    return text[:start], text[start:]


def begun(piece: str) -> Begun:
    """What the piece is the beginning of. The empty piece may become any tag."""
    minus, rest = piece.startswith("-"), piece.removeprefix("-")
    lower = rest.lower()
    if lower.startswith(_TAG):
        return Begun(minus, folded(rest[len(_TAG) :].replace('"', "")), None, ())
    text = folded(rest.replace('"', ""))
    words = words_of(text)
    known = tuple(Part(*each, minus).text for each in _KNOWN if lower and ":".join(each).startswith(lower))
    return Begun(minus, None if ":" in text else text, words[0] if len(words) == 1 else None, known)


def completions(piece: Begun, found: list[Suggestion], limit: int) -> list[Completion]:
    """At most `limit`: what the owner has, then what is always there."""
    texts = {Part("tag" if each.is_tag else "", each.text, piece.minus).text: each.images for each in found}
    return [Completion(text, texts.get(text)) for text in dict.fromkeys([*texts, *piece.known])][:limit]
