"""Forms that only the browser they were given to can send: a token bound to a cookie, against cross-site requests.

The signed double-submit pattern of OWASP's CSRF prevention page: HMAC(secret, visitor), where `visitor` is a random
cookie that scripts cannot read.
"""

import hashlib
import hmac
import secrets
from http.cookies import CookieError, SimpleCookie

from chalice.app import Request

from chalicelib.web.refusals import ForgedFormError
from chalicelib.web.request_form import RequestForm

FIELD = "form_token"
_VISITOR_BYTES = 16


def token_of(visitor: str, secret_key: str) -> str:
    """The token of the forms given to a visitor."""
    return hmac.new(secret_key.encode(), visitor.encode(), hashlib.sha256).hexdigest()


def visitor_of(request: Request) -> str | None:
    """The visitor that the request's cookie names, if there is one."""
    cookies = SimpleCookie()
    try:
        cookies.load(request.headers.get("cookie", ""))
    except CookieError:
        return None
    morsel = cookies.get(_cookie_name(request))
    return morsel.value if morsel is not None and morsel.value else None


def new_visitor() -> str:
    """A visitor that nobody can guess."""
    return secrets.token_hex(_VISITOR_BYTES)


def cookie_of(request: Request, visitor: str) -> str:
    """The Set-Cookie value that makes the browser this visitor."""
    secure = "; Secure" if over_tls(request) else ""
    return f"{_cookie_name(request)}={visitor}; Path=/; HttpOnly; SameSite=Lax{secure}"


def check(request: Request, form: RequestForm, secret_key: str) -> None:
    """Raises ForgedFormError unless the form carries the token of the browser that sends it."""
    visitor = visitor_of(request)
    given = form.values.get(FIELD, b"")
    if visitor is None or not hmac.compare_digest(given, token_of(visitor, secret_key).encode()):
        raise ForgedFormError(
            "This form was not given to this browser, or its cookies are gone. Go back, reload, and send it again."
        )


def _cookie_name(request: Request) -> str:
    return "__Host-visitor" if over_tls(request) else "visitor"  # the prefix needs TLS, which loopback has not


def over_tls(request: Request) -> bool:
    """Whether the browser came by TLS, as the gateway tells."""
    return request.headers.get("x-forwarded-proto") == "https"
