"""Answers of /api/v1 as JSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from chalice.app import Response


def json_answer(body: object, headers: Mapping[str, str] | None = None, status: int = 200) -> Response:
    """The body as JSON."""
    return Response(
        json.dumps(body, ensure_ascii=False), {"Content-Type": "application/json", **(headers or {})}, status
    )


def instant(moment: datetime) -> str:
    """A moment as RFC 3339 has it, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def instant_or_none(unix_seconds: float | None) -> str | None:
    """As `instant`; None for 0 and None, which stand for never."""
    return instant(datetime.fromtimestamp(unix_seconds, UTC)) if unix_seconds else None
