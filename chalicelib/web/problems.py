"""Errors as RFC 9457 problem documents, for /api/v1."""

import json

from chalice.app import Response

from chalicelib.web.http import ErrorAnswer

MEDIA_TYPE = "application/problem+json"


def problem(answer: ErrorAnswer) -> Response:
    """The error as a problem document. Its `type` is stable; `errors` names the fields that are wrong."""
    body = {
        "type": f"urn:elastic-images:problem:{answer.slug}",
        "title": answer.title,
        "status": answer.status,
        "detail": answer.detail,
        "errors": [] if answer.field is None else [{"field": answer.field, "detail": answer.detail}],
        "request_id": answer.request_id,
    }
    return Response(json.dumps(body, ensure_ascii=False), {"Content-Type": MEDIA_TYPE}, answer.status)
