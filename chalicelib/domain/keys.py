"""What a key is: 1 to 255 characters of any Unicode but control characters, kept byte for byte."""

import unicodedata
from collections.abc import Iterator
from enum import Enum

from chalicelib.domain.errors import InvalidKeyError

MAX_CHARACTERS = 255
TAKEN = "There is an image of this name already, and it was asked that there be none."
_MOST_EXTENSION = 5


class IfTaken(Enum):
    """What is wanted of a write if its key is another image's already."""

    REPLACE = "replace"
    KEEP_BOTH = "keep-both"  # under the next free name; the same bytes are not stored again
    REFUSE = "refuse"


def key_from_text(text: str) -> bytes:
    """The key's exact UTF-8. Nothing is trimmed, folded or normalised: twins that look alike are two keys.

    Raises InvalidKeyError.
    """
    if not text:
        raise InvalidKeyError("A key is needed; this one is empty.")
    if len(text) > MAX_CHARACTERS:
        raise InvalidKeyError(f"The key has {len(text)} characters; at most {MAX_CHARACTERS} are kept.")
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise InvalidKeyError(
                f"Character {position} of the key is U+{ord(character):04X}, which is not allowed in a key: "
                "control characters are refused."
            )
    return text.encode("utf-8")


def key_from_bytes(raw: bytes) -> bytes:
    """As key_from_text, for bytes that claim to be UTF-8, such as a decoded path. Raises InvalidKeyError."""
    try:
        return key_from_text(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidKeyError("The key is not valid UTF-8.") from error


def text_of(key: bytes) -> str:
    """The text that a key was made from."""
    return key.decode("utf-8")


def names_for(key: bytes) -> Iterator[bytes]:
    """The names for an image whose key may be taken, best first: its own, then with a number before the extension."""
    yield key
    stem, extension = _parted(text_of(key))
    number = 2
    while True:
        mark = f" ({number})"
        yield (stem[: MAX_CHARACTERS - len(mark) - len(extension)] + mark + extension).encode()
        number += 1


def _parted(text: str) -> tuple[str, str]:
    stem, dot, extension = text.rpartition(".")
    if stem and dot and 1 <= len(extension) <= _MOST_EXTENSION and extension.isascii() and extension.isalnum():
        return stem, dot + extension
    return text, ""
