"""Who a request comes from: the one place that knows, and the one that changes when accounts come.

Until there are accounts a setting may sign everyone in as a built-in owner, as the local run does. Without the setting
nobody is signed in, and only what is open to anyone answers.
"""

from chalice.app import Request

from chalicelib.domain.accounts import Principal
from chalicelib.web.access import Access, access_to
from chalicelib.web.refusals import NotAllowedError, NotSignedInError

_PRINCIPAL = "store.principal"


def admit(request: Request, signed_in_as: str | None) -> None:
    """Lets the request through, and notes who it comes from. Raises NotSignedInError or NotAllowedError."""
    access = access_to(request.path, request.method)
    if access is None:
        raise NotAllowedError("Nobody may do this here.")
    if access is Access.ANYONE:
        return
    if request.headers.get("authorization") is not None:  # no token is known yet, so each is a wrong one
        raise NotSignedInError("The token in the Authorization header is not valid.")
    if signed_in_as is None:
        raise NotSignedInError("You are not signed in, and signing in is not possible here yet.")
    principal = Principal(signed_in_as, admin=True)
    if access is Access.ADMIN and not principal.admin:
        raise NotAllowedError("Only an admin may do this.")
    request.context[_PRINCIPAL] = principal


def principal_of(request: Request) -> Principal:
    """Who the request comes from. Only for routes that `admit` let through as a principal's."""
    principal: Principal = request.context[_PRINCIPAL]  # a KeyError is a route open to anyone that must not be
    return principal
