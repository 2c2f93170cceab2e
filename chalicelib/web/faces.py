"""Which face a path belongs to, for errors that no view answers."""

from chalicelib.web.compat import failure
from chalicelib.web.http import SECURITY_HEADERS, Face, status_answer
from chalicelib.web.page_frame import deeper_error_page, error_page
from chalicelib.web.problems import problem


def face_of(path: str) -> Face:
    """The face of a path; paths that nobody knows are a person's."""
    if path.startswith("/api/v1/") or path in ("/api/v1", "/api/openapi.json", "/health"):
        return problem
    if path == "/api" or path.startswith("/api/"):
        return failure
    return deeper_error_page if path.startswith(("/manager/", "/account/", "/admin/")) else error_page


def gateway_answer(status: int, message: str, path: str) -> tuple[dict[str, str], bytes]:
    """Headers and body for what a server refuses before it asks the application, as the path's face has it."""
    response = face_of(path)(status_answer(status, message))
    body = response.body if isinstance(response.body, bytes) else response.body.encode()
    return {**SECURITY_HEADERS, **{name: str(value) for name, value in response.headers.items()}}, body
