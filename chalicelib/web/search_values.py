"""What the search box shows, as plain values for templates. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.search import Part, Query, query_of
from chalicelib.domain.search_completion import Completion, last_piece


@dataclass(frozen=True, slots=True)
class SearchAsked:
    """A search as it was written, and what it is: a query, or a problem in words."""

    written: str
    query: Query | None
    problem: str | None

    @classmethod
    def of(cls, written: str) -> Self:
        """Never raises."""
        try:
            return cls(written, query_of(written), None)
        except InvalidValueError as error:
            return cls(written, None, str(error))

    @property
    def head(self) -> str:
        """What stands before the last piece; a space if the last piece is whole."""
        return last_piece(self.written)[0]

    @property
    def piece(self) -> str:
        """The last piece, which suggestions complete."""
        return last_piece(self.written)[1]


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of the query: its words, and the query without it."""

    words: str
    text: str
    without: str
    excluded: bool


def search_values(asked: SearchAsked, offered: Iterable[Completion]) -> dict[str, object]:
    """`search` for templates: the text of the box, its problem, a chip for each part, and what may be completed.

    `tags` are the completions of a last word that are tags: whoever writes `beach` may well mean `tag:beach`.
    """
    query, completed = asked.query or Query(), list(offered)
    tags = [each for each in completed if asked.piece and ":" not in asked.piece and each.text.startswith("tag:")]
    return {
        "search": {
            "text": asked.written,
            "problem": asked.problem,
            "chips": [Chip(in_words(part), part.text, query.without(part).text, part.excluded) for part in query.parts],
            "suggestions": [{"text": f"{asked.head}{each.text}", "images": each.images} for each in completed],
            "tags": [{"text": f"{asked.head}{each.text}", "tag": each.text, "images": each.images} for each in tags],
        }
    }


def in_words(part: Part) -> str:
    """Such as “tag beach”, “not orientation portrait” or “a word that begins with “sun””."""
    if part.name == "uploaded":
        named = _uploaded(part.value)
    elif part.name:
        named = f"{part.name} {part.value}"
    else:
        named = f"a word that begins with “{part.value}”"
    return f"not {named}" if part.excluded else named


def _uploaded(value: str) -> str:
    first, dots, last = (each.strip() for each in value.partition(".."))
    if not dots:
        return f"uploaded in {first}" if len(first) < len("2026-11-20") else f"uploaded on {first}"
    if first and last:
        return f"uploaded from {first} to {last}"
    return f"uploaded since {first}" if first else f"uploaded up to {last}"
