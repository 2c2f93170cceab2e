"""The terms that an image is found by. Pure: the same words and tags give the same terms everywhere."""

import re
from collections.abc import Iterable

from chalicelib.domain.words import prefixes_of

_WORD, _TAG, _YEAR = "w", "t", "y"  # the first letter of a term says what it is
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def terms_of(words: Iterable[str], tags: Iterable[str]) -> set[bytes]:
    """Every term of an image that has those words (of `words_of`) and tags (of `tag_of`)."""
    found = {word_term(prefix) for word in words for prefix in prefixes_of(word)}
    for tag in tags:
        found.add(tag_term(tag))
        if month := _MONTH.fullmatch(tag):
            found.add(year_term(month[1]))
    return found


def whole_terms_of(words: Iterable[str], tags: Iterable[str]) -> set[bytes]:
    """Those of the terms that people are offered: whole words and tags."""
    return {*map(word_term, words), *map(tag_term, tags)}


def word_term(prefix: str) -> bytes:
    """The term of images that have a word which begins like that."""
    return (_WORD + prefix).encode()


def tag_term(tag: str) -> bytes:
    """The term of images that have the tag."""
    return (_TAG + tag).encode()


def year_term(year: str) -> bytes:
    """The term of images that have a tag for a month of that year."""
    return (_YEAR + year).encode()


def is_tag_term(term: bytes) -> bool:
    """Whether it is a tag's, and not a word's."""
    return term.startswith(_TAG.encode())


def text_of_term(term: bytes) -> str:
    """The word, tag or year that a term was made of."""
    return term[1:].decode()
