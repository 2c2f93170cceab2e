"""Which face a path belongs to, for errors that no view answers."""

from chalicelib.web.compat import failure
from chalicelib.web.http import Face
from chalicelib.web.pages import error_page
from chalicelib.web.problems import problem


def face_of(path: str) -> Face:
    """The face of a path; paths that nobody knows are a person's."""
    if path.startswith("/api/v1/") or path in ("/api/v1", "/api/openapi.json", "/health"):
        return problem
    if path.startswith("/api/"):
        return failure
    return error_page
