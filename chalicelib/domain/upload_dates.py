"""Spans of time as people write them: a year, a month or a day, or from one to another. UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.domain.errors import InvalidValueError

_FORM = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` on and before `before`; None where it has no end."""

    since: datetime | None
    before: datetime | None


def span_of(text: str) -> Span:
    """The span; both ends of `2026-11-01..2026-11-20` belong to it, and either may be left out.

    Raises InvalidValueError, with words for the person who wrote it.
    """
    first, dots, last = (each.strip() for each in text.partition(".."))
    if dots and not (first or last):
        raise _wrong(text, "give at least one end")
    if not dots:
        last = first
    since = _ends(first, text)[0] if first else None
    before = _ends(last, text)[1] if last else None
    if since is not None and before is not None and since >= before:
        raise _wrong(text, "it ends before it begins")
    return Span(since, before)


def _ends(date: str, text: str) -> tuple[datetime, datetime]:
    """Where a year, month or day begins, and where the next one does."""
    found = _FORM.fullmatch(date)
    if not found or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
        raise _wrong(text, "give days, months or years, such as 2026-11-20, 2026-11 or 2026")
    year, month, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
    try:
        begins = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        raise _wrong(text, f"there is no {date}") from None
    if found[3]:
        return begins, begins + timedelta(days=1)
    if found[2]:
        return begins, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return begins, datetime(year + 1, 1, 1, tzinfo=UTC)


def _wrong(text: str, why: str) -> InvalidValueError:
    return InvalidValueError("q", f"“uploaded:{text}” is not understood: {why}.")
