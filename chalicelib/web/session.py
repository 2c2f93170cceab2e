"""Who a request comes from: the one place that knows, and the one that changes when accounts come."""

from chalice.app import Request

from chalicelib.domain.accounts import Principal

BUILT_IN = Principal("demo")


def principal_of(request: Request) -> Principal:
    """The principal of the request. Until there are accounts everyone is the built-in owner."""
    return BUILT_IN
