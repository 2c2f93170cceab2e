"""Whole numbers in requests, and how many entries a page of a list has."""

from chalicelib.domain.errors import InvalidValueError
from chalicelib.web.request_form import RequestForm

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
MOST_ID = (1 << 63) - 1  # of a row


def whole_in(form: RequestForm, name: str, low: int, high: int, default: int | None = None) -> int:
    """The field's whole number, from `low` to `high`; without a default it must be given. Raises InvalidValueError."""
    text = form.text(name, "" if default is None else str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(high)) and low <= int(text) <= high):
        raise InvalidValueError(name, f"{name} must be a whole number from {low} to {high}.")
    return int(text)


def limit_in(query: RequestForm) -> int:
    """How many entries are asked for. Raises InvalidValueError."""
    return whole_in(query, "limit", 1, MAX_LIMIT, DEFAULT_LIMIT)
