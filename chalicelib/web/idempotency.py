"""The header Idempotency-Key: requests that a client may send again, and the answers kept for them."""

import json

from chalice.app import Request, Response

from chalicelib.domain.idempotency import HEADER, Asked, asked_by
from chalicelib.web.json_answers import json_answer


def asked_of(request: Request, *parts: bytes) -> Asked | None:
    """What the request asks for, by all that makes a difference; None if it carries no key.

    Raises InvalidValueError.
    """
    key = request.headers.get(HEADER.lower())
    return None if key is None else asked_by(key, *parts)


def to_text(response_body: object, headers: dict[str, str], status: int) -> str:
    """An answer in JSON, to be kept."""
    return json.dumps([status, headers, response_body], ensure_ascii=False)


def from_text(text: str) -> Response:
    """The answer that `to_text` kept."""
    status, headers, body = json.loads(text)
    return json_answer(body, headers, status)
