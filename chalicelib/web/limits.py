"""How many entries a page of a list has."""

from chalicelib.domain.errors import InvalidValueError

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
MOST_ID = (1 << 63) - 1  # of a row


def limit_of(text: str) -> int:
    """How many entries are asked for. Raises InvalidValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) and 1 <= int(text) <= MAX_LIMIT):
        raise InvalidValueError("limit", f"limit must be a whole number from 1 to {MAX_LIMIT}.")
    return int(text)
