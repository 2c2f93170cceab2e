"""The words of a text, as images are found by them: one spelling whatever the case and the form of the letters."""

import re
import unicodedata

MOST_WORDS = 40
MOST_LETTERS = 20  # of a word; what is longer is cut, in texts and in queries alike

# Scripts without spaces: as Unicode's rules for words have it (UAX #29), each of these signs stands for itself.
_SIGN = re.compile("[\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def words_of(*texts: str) -> tuple[str, ...]:
    """The first MOST_WORDS different words, in their order: runs of letters, digits and the marks on them.

    NFKC and casefold; what stands between words, underscores too, is lost.
    """
    found: dict[str, None] = {}
    for text in texts:
        for word in _SIGN.sub(r" \g<0> ", _spaced(_folded(text))).split():
            found.setdefault(word[:MOST_LETTERS])
            if len(found) == MOST_WORDS:
                return tuple(found)
    return tuple(found)


def prefixes_of(word: str) -> tuple[str, ...]:
    """Every beginning of the word, itself too, the shortest first."""
    return tuple(word[:length] for length in range(1, len(word) + 1))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _spaced(text: str) -> str:
    """With a space for each character that is no part of a word. A mark belongs to the letter before it."""
    return "".join(each if each.isalnum() or unicodedata.category(each)[0] == "M" else " " for each in text)
