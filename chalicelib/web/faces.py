"""Which face a path belongs to, for its errors. What a face needs is imported when there is an error to tell."""

from collections.abc import Callable
from functools import partial

from chalice.app import Response

from chalicelib.web.http import SECURITY_HEADERS, ErrorAnswer, Face, status_answer
from chalicelib.web.looks import Looks, looks_in

DEEPER = ("/manager/", "/account/", "/admin/", "/album/", "/shares/", "/trash/", "/downloads/")
_PLAIN = ("/api/v1", "/api/openapi.json", "/health", "/healthz", "/readyz")


def face_of(path: str, looks: Callable[[], Looks]) -> Face:
    """The face of a path; paths that nobody knows are a person's, whose looks are asked for with an error only."""
    if path.startswith("/api/v1/") or path in _PLAIN:
        return _problem
    if path == "/api" or path.startswith("/api/"):
        return _compatible
    if path.startswith("/share/"):
        return _shared(path.count("/") - 1)
    return _page(looks, deeper=path.startswith(DEEPER))


def gateway_answer(status: int, message: str, path: str, cookies: str) -> tuple[dict[str, str], bytes]:
    """Headers and body for what a server refuses before it asks the application, as the path's face has it.

    `cookies` is the request's header, empty if there is none.
    """
    response = face_of(path, partial(looks_in, cookies))(status_answer(status, message))
    body = response.body if isinstance(response.body, bytes) else response.body.encode()
    return {**SECURITY_HEADERS, **{name: str(value) for name, value in response.headers.items()}}, body


def _problem(answer: ErrorAnswer) -> Response:
    from chalicelib.web.problems import problem

    return problem(answer)


def _compatible(answer: ErrorAnswer) -> Response:
    from chalicelib.web.compat import failure

    return failure(answer)


def _page(looks: Callable[[], Looks], *, deeper: bool) -> Face:
    def told(answer: ErrorAnswer) -> Response:
        from chalicelib.web.page_frame import deeper_error_page, error_page

        return deeper_error_page(answer, looks()) if deeper else error_page(answer, looks())

    return told


def _shared(depth: int) -> Face:
    def told(answer: ErrorAnswer) -> Response:
        from chalicelib.web.shared_frame import shared_error_page

        return shared_error_page(answer, "/".join([".."] * depth))

    return told
