"""Places in the list of what is in the trash, as cursors. Pure."""

import base64
import binascii
from datetime import UTC, datetime

from chalicelib.domain.errors import InvalidValueError
from chalicelib.web.ids import id_of


def cursor_of(behind: tuple[datetime, bytes] | None) -> str | None:
    """The cursor of a place: a moment and an id."""
    if behind is None:
        return None
    moment, trash_id = behind
    text = f"{moment.astimezone(UTC).isoformat()} {trash_id.hex()}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def behind_of(cursor: str) -> tuple[datetime, bytes] | None:
    """The place that a cursor stands for; the beginning if it is empty. Raises InvalidValueError."""
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        moment, _, trash_id = text.partition(" ")
        at, found = datetime.fromisoformat(moment).astimezone(UTC), id_of(trash_id)
    except (binascii.Error, ValueError, OverflowError):
        at, found = None, None
    if at is None or found is None:
        raise InvalidValueError("cursor", "The cursor is not one that this list gave.")
    return at, found
