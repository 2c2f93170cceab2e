"""What a key is: 1 to 255 characters of any Unicode but control characters, kept byte for byte."""

import unicodedata

from chalicelib.domain.errors import InvalidKeyError

MAX_CHARACTERS = 255


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
