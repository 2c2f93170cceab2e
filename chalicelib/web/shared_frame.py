"""What every answer to a link has: nothing of its owner's, nothing that is kept, no script, no way to be found."""

from collections.abc import Mapping

from chalice.app import Request, Response

from chalicelib.domain.shares import Opened
from chalicelib.web.cookies import cookie, cookie_header
from chalicelib.web.http import ErrorAnswer
from chalicelib.web.rendering import page

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Referrer-Policy": "no-referrer",  # the address is the secret
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


def shared_page(template: str, root: str, values: Mapping[str, object], status: int = 200) -> Response:
    """The template as an answer to whoever has a link."""
    answer = page(template, root, values, status)
    answer.headers.update({**HEADERS, "Content-Security-Policy": CONTENT_POLICY})
    return answer


def shared_error_page(answer: ErrorAnswer, root: str) -> Response:
    """The error as a page, for whoever has a link."""
    return shared_page("shared_error.html", root, {"answer": answer}, answer.status)


def pass_shown(request: Request, opened: Opened) -> str | None:
    """What the browser shows for having given the link's password."""
    return cookie(request, _name(opened))


def pass_kept(request: Request, opened: Opened, given: str) -> str:
    """The Set-Cookie value that makes the browser keep the pass."""
    return cookie_header(request, _name(opened), given)


def _name(opened: Opened) -> str:
    return f"share-{opened.id.hex()[:16]}"
