"""Which request the work at hand is part of: one id, from the API by way of the queue to the worker."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MOST_CHARACTERS = 64

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request that is being served; None outside of one."""
    return _request_id.get()


def request_id() -> str:
    """The id of the request that is being served, or a new one."""
    return _request_id.get() or uuid.uuid4().hex


@contextmanager
def traced(given: str | None) -> Iterator[str]:
    """Does the work inside as part of the request `given`, or of a new one if that is no id."""
    usable = given is not None and given.isascii() and given.isprintable() and 0 < len(given) <= MOST_CHARACTERS
    token = _request_id.set(given if usable else uuid.uuid4().hex)
    try:
        yield request_id()
    finally:
        _request_id.reset(token)
