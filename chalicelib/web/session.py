"""Who a request comes from: by a session's cookie, by a token, or by the setting that names everybody's owner.

Who it says it comes from is noted here; whether that is so is asked of the database: at the door, or, where the route
says so, in the very SELECT that finds the image.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from chalice.app import Request

from chalicelib.domain.accounts import Principal, Way, hash_of
from chalicelib.domain.errors import NotSignedInError
from chalicelib.services.accounts import Accounts
from chalicelib.web import form_token
from chalicelib.web.access import Access, access_to, may_change
from chalicelib.web.cookies import cookie, cookie_header
from chalicelib.web.refusals import ForgedFormError, NotAllowedError

_PRINCIPAL = "store.principal"
_COOKIE = "session"
_BEARER = "bearer "
CSRF_HEADER = "x-csrf-token"


class OpenTo(Enum):
    """For what the setting SIGNED_IN_AS signs everybody in."""

    COMPATIBLE_API = "compatible-api"  # the course's /api/..., without a token
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Door:
    """What decides who is let in."""

    accounts: Accounts
    signed_in_as: str | None
    open_to: OpenTo
    form_key: Callable[[], str]


def admit(request: Request, door: Door) -> None:
    """Lets the request through, and notes who it comes from.

    Raises NotSignedInError, NotAllowedError, ForgedFormError or RowsUnavailableError.
    """
    access = access_to(request.path, request.method)
    if access is None:
        raise NotAllowedError("Nobody may do this here.")
    if access is Access.ANYONE:
        return
    principal = _claimed(request, door)
    sends = request.method not in ("GET", "HEAD")  # what a page of another site could have sent; scopes are finer
    if principal.way is Way.SESSION and sends and request.path.startswith("/api"):
        _check_header(request, door.form_key())  # forms carry it in a field, which their pages check
    if principal.way is not Way.NAME and access is not Access.BY_ROW:
        account = door.accounts.of(principal)
        changes = may_change(request.path, request.method)
        if changes and principal.way is Way.TOKEN and not door.accounts.may_write(principal):
            raise NotAllowedError("This token may read, and change nothing.")
        principal = replace(principal, name=account.email, admin=account.admin, standing=account.standing)
    if access is Access.ADMIN and not principal.admin:
        raise NotAllowedError("Only an admin may do this.")
    request.context[_PRINCIPAL] = principal


def principal_of(request: Request) -> Principal:
    """Who the request comes from. Only for routes that `admit` let through as a principal's."""
    principal: Principal = request.context[_PRINCIPAL]  # a KeyError is a route open to anyone that must not be
    return principal


def visitor_seen(request: Request) -> Principal | None:
    """Who the request comes from, if it was asked."""
    principal: Principal | None = request.context.get(_PRINCIPAL)
    return principal


def token_of(request: Request) -> str | None:
    """The secret of the session that the browser says it has."""
    return cookie(request, _COOKIE)


def begun(request: Request, token: str) -> str:
    """The Set-Cookie value that the browser keeps the session by. The database ends it, whatever the browser keeps."""
    return cookie_header(request, _COOKIE, token)


def ended(request: Request) -> str:
    """The Set-Cookie value that makes the browser forget its session."""
    return f"{cookie_header(request, _COOKIE, '')}; Max-Age=0"


def _claimed(request: Request, door: Door) -> Principal:
    authorization = request.headers.get("authorization")
    if authorization is not None:
        if not authorization.lower().startswith(_BEARER) or not request.path.startswith("/api"):
            raise NotSignedInError("The Authorization header is for the API, and holds “Bearer” and a token.")
        return Principal("", way=Way.TOKEN, token_hash=hash_of(authorization[len(_BEARER) :].strip()))
    token = token_of(request)
    if token is not None:
        return Principal("", way=Way.SESSION, token_hash=hash_of(token))
    if door.signed_in_as is not None and (door.open_to is OpenTo.EVERYTHING or _is_compatible(request.path)):
        return Principal(door.signed_in_as, admin=True)
    raise NotSignedInError("You are not signed in.")


def _is_compatible(path: str) -> bool:
    return path.startswith("/api/") and not path.startswith("/api/v1/")


def _check_header(request: Request, secret_key: str) -> None:
    if not form_token.fits(request, request.headers.get(CSRF_HEADER, "").encode(), secret_key):
        raise ForgedFormError("With a session, a change by the API needs the page's token in X-CSRF-Token.")
