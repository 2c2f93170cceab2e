"""Forms that only the browser they were given to can send: a token bound to a cookie, against cross-site requests.

The signed double-submit pattern of OWASP's CSRF prevention page: HMAC(secret, visitor), where `visitor` is a random
cookie that scripts cannot read.
"""

import hashlib
import hmac
import secrets

from chalice.app import Request

from chalicelib.web.cookies import cookie, cookie_header
from chalicelib.web.refusals import ForgedFormError
from chalicelib.web.request_form import RequestForm

FIELD = "form_token"
_COOKIE, _VISITOR_BYTES = "visitor", 16


def token_of(visitor: str, secret_key: str) -> str:
    """The token of the forms given to a visitor."""
    return hmac.new(secret_key.encode(), visitor.encode(), hashlib.sha256).hexdigest()


def visitor_of(request: Request) -> str | None:
    """The visitor that the request's cookie names, if there is one."""
    return cookie(request, _COOKIE)


def new_visitor() -> str:
    """A visitor that nobody can guess."""
    return secrets.token_hex(_VISITOR_BYTES)


def cookie_of(request: Request, visitor: str) -> str:
    """The Set-Cookie value that makes the browser this visitor."""
    return cookie_header(request, _COOKIE, visitor)


def check(request: Request, form: RequestForm, secret_key: str) -> None:
    """Raises ForgedFormError unless the form carries the token of the browser that sends it."""
    if not fits(request, form.values.get(FIELD, b""), secret_key):
        raise ForgedFormError(
            "This form was not given to this browser, or its cookies are gone. Go back, reload, and send it again."
        )


def fits(request: Request, token: bytes, secret_key: str) -> bool:
    """Whether the token is that of the browser that sends it."""
    visitor = visitor_of(request)
    return visitor is not None and hmac.compare_digest(token, token_of(visitor, secret_key).encode())
