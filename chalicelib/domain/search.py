"""What images are looked for: a query that is read from text, and that is written back into an address.

    beach -winter tag:"old town" taken:2026-05 uploaded:2026-11-01..2026-11-20 orientation:portrait colour:blue

An image is found if everything holds. A word holds if a word of the key or caption begins with it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.colour_names import NAMED_COLOURS
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.search_terms import tag_term, word_term, year_term
from chalicelib.domain.tags import tag_of
from chalicelib.domain.upload_dates import Span, span_of
from chalicelib.domain.words import words_of

MOST_CHARACTERS = 500
MOST_PARTS = 8  # each is looked up for each image that the others leave
ORIENTATIONS = ("landscape", "portrait", "square")

_WORD, _TAG, _TAKEN, _UPLOADED, _ORIENTATION, _COLOUR = "", "tag", "taken", "uploaded", "orientation", "colour"
_SAME_AS = {"color": _COLOUR}
_PIECE = re.compile(r'(?P<minus>-?)(?:(?P<name>[A-Za-z]+):)?(?:"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^\s"]*))(?=\s|$)')
_SPACES = re.compile(r"\s*")
_QUOTED = re.compile(r'[\s"]')  # what holds one of these must be
_TAKEN_FORM = re.compile(r"(19|20)\d\d(-(0[1-9]|1[0-2]))?")


@dataclass(frozen=True, slots=True)
class Part:
    """One condition: the filter's name ("" for a word), its value in the one spelling it has, whether it is refused."""

    name: str
    value: str
    excluded: bool = False

    @property
    def text(self) -> str:
        """As it is written; `query_of` reads the same part again."""
        minus, name = "-" if self.excluded else "", f"{self.name}:" if self.name else ""
        quoted = '"' + self.value.replace('"', '""') + '"'
        return minus + name + (quoted if _QUOTED.search(self.value) else self.value)

    @property
    def term(self) -> bytes | None:
        """The term that images must have for it, or must not; None for a span of time."""
        if self.name == _UPLOADED:
            return None
        if self.name == _WORD:
            return word_term(self.value)
        return year_term(self.value) if self.name == _TAKEN and len(self.value) == 4 else tag_term(self.value)


@dataclass(frozen=True, slots=True)
class Query:
    """Parts that all must hold, none twice. The empty query finds every image."""

    parts: tuple[Part, ...] = ()

    @property
    def text(self) -> str:
        """The one way to write it; `query_of` of it is the same query."""
        return " ".join(part.text for part in self.parts)

    @property
    def required(self) -> tuple[bytes, ...]:
        """The terms that an image must have."""
        return self._terms(excluded=False)

    @property
    def excluded(self) -> tuple[bytes, ...]:
        """The terms that it must not have."""
        return self._terms(excluded=True)

    @property
    def since(self) -> datetime | None:
        """The moment from which on it must have been uploaded."""
        return max((each.since for each in self._spans() if each.since), default=None)

    @property
    def before(self) -> datetime | None:
        """The moment before which it must have been uploaded."""
        return min((each.before for each in self._spans() if each.before), default=None)

    def without(self, part: Part) -> "Query":
        """The query less that part."""
        return Query(tuple(each for each in self.parts if each != part))

    def _terms(self, *, excluded: bool) -> tuple[bytes, ...]:
        found = (part.term for part in self.parts if part.excluded is excluded)
        return tuple(dict.fromkeys(term for term in found if term is not None))

    def _spans(self) -> Iterator[Span]:
        return (span_of(part.value) for part in self.parts if part.name == _UPLOADED)


EVERYTHING = Query()


def query_of(text: str) -> Query:
    """The query that is written there. Raises InvalidValueError, with words for the person who wrote it."""
    if len(text) > MOST_CHARACTERS:
        raise _wrong(f"A search has at most {MOST_CHARACTERS} characters; this one has {len(text)}.")
    parts = tuple(dict.fromkeys(_parts(text)))
    if len(parts) > MOST_PARTS:
        raise _wrong(f"A search has at most {MOST_PARTS} words and filters; this one has {len(parts)}.")
    return Query(parts)


def _parts(text: str) -> Iterator[Part]:
    position = len(_SPACES.match(text)[0])  # type: ignore[index]  # it matches nothing too
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            raise _wrong('A quotation mark (") is not closed, or does not end its word.')
        name, quoted = piece["name"], piece["quoted"]
        value = piece["plain"] if quoted is None else quoted.replace('""', '"')
        yield from _read(name, value, bool(piece["minus"]), piece[0])
        position = _SPACES.match(text, piece.end()).end()  # type: ignore[union-attr]


def _read(written_name: str | None, value: str, excluded: bool, written: str) -> Iterator[Part]:
    if written_name is None:
        words = words_of(value)
        if not words:
            raise _wrong(f"“{written}” has no letter and no digit to look for.")
        yield from (Part(_WORD, word, excluded) for word in words)
        return
    name = _SAME_AS.get(written_name.lower(), written_name.lower())
    if name not in _READERS:
        raise _wrong(
            f"There is no filter “{written_name}:”. There are {', '.join(f'{each}:' for each in FILTERS)}. "
            f'To look for the words, put them in quotation marks: "{written_name}:{value}".'
        )
    if not value.strip():
        raise _wrong(f"“{name}:” needs a value right behind the colon, such as {FILTERS[name]}.")
    if excluded and name == _UPLOADED:
        raise _wrong("“-uploaded:” is not understood: say from when to when, such as uploaded:..2026-10-31.")
    yield Part(name, _READERS[name](value), excluded)


def _tag(value: str) -> str:
    try:
        return tag_of(value)
    except InvalidValueError as error:
        raise _wrong(str(error)) from error


def _taken(value: str) -> str:
    if not _TAKEN_FORM.fullmatch(value.strip()):
        raise _wrong(f"“taken:{value}” is not understood: give a month or a year, such as taken:2026-05 or taken:2026.")
    return value.strip()


def _uploaded(value: str) -> str:
    span_of(value)
    return value.strip()


def _one_of(name: str, known: tuple[str, ...]) -> Callable[[str], str]:
    def read(value: str) -> str:
        found = {"gray": "grey"}.get(value.strip().lower(), value.strip().lower())
        if found not in known:
            raise _wrong(f"“{name}:{value}” is not known. There are {', '.join(known)}.")
        return found

    return read


_READERS: dict[str, Callable[[str], str]] = {
    _TAG: _tag,
    _TAKEN: _taken,
    _UPLOADED: _uploaded,
    _ORIENTATION: _one_of(_ORIENTATION, ORIENTATIONS),
    _COLOUR: _one_of(_COLOUR, NAMED_COLOURS),
}
FILTERS = {  # each with an example
    _TAG: "tag:beach",
    _TAKEN: "taken:2026-05",
    _UPLOADED: "uploaded:2026-11-01..2026-11-20",
    _ORIENTATION: "orientation:portrait",
    _COLOUR: "colour:blue",
}


def _wrong(words: str) -> InvalidValueError:
    return InvalidValueError("q", words)
