"""Addresses within the application, which on API Gateway lie under the stage's name and elsewhere do not."""

from collections.abc import Mapping

from chalice.app import Request

from chalicelib.web.cookies import over_tls


def root_of(request: Request) -> str:
    """What stands before the application's own paths: `/stage` on API Gateway's own address, otherwise nothing."""
    full: str = request.context.get("path", request.path)
    depth = request.path.rstrip("/").count("/")
    segments = full.rstrip("/").split("/")
    return "/".join(segments[: len(segments) - depth])


def rooted(request: Request, path: str) -> str:
    """The address of one of the application's own paths."""
    return root_of(request) + path


def site_of(request: Request, configured: str | None) -> str:
    """What links in mails begin with. The gateway and the local server take requests under their own names only."""
    scheme = "https" if over_tls(request) else "http"
    return configured or f"{scheme}://{request.headers.get('host', '')}{root_of(request)}"


def came_from(request: Request) -> str:
    """Where the request comes from, as whatever took it in says, not as the client does."""
    identity: Mapping[str, str] = request.context.get("identity") or {}
    return identity.get("sourceIp") or "unknown"
