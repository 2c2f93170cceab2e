"""Addresses within the application, which on API Gateway lie under the stage's name and elsewhere do not."""

from chalice.app import Request


def root_of(request: Request) -> str:
    """What stands before the application's own paths: `/stage` on API Gateway's own address, otherwise nothing."""
    full: str = request.context.get("path", request.path)
    depth = request.path.rstrip("/").count("/")
    segments = full.rstrip("/").split("/")
    return "/".join(segments[: len(segments) - depth])


def rooted(request: Request, path: str) -> str:
    """The address of one of the application's own paths."""
    return root_of(request) + path
