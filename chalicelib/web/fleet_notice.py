"""Tells each browser once that the cache was resized: the number of nodes now, beside what this browser saw last."""

import threading
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie

from chalice.app import Request

from chalicelib.domain.errors import UnavailableError
from chalicelib.domain.partitions import PARTITIONS
from chalicelib.web.cookies import over_tls

KEPT_SECONDS = 5.0  # how old the number may be, so that pages do not cost a SELECT each


def in_words(before: int | None, now: int) -> str | None:
    """What to tell somebody who saw `before` nodes; None if there is nothing to tell."""
    if before is None or before == now:
        return None
    nodes = "node" if now == 1 else "nodes"
    if now == 0:
        return "The cache has no nodes just now; images come from the origin."
    return f"The cache {'grew' if now > before else 'shrank'} from {before} to {now} {nodes}."


def seen_by(request: Request) -> int | None:
    """How many nodes the browser saw last, as its cookie says."""
    cookies = SimpleCookie()
    try:
        cookies.load(request.headers.get("cookie", ""))
    except CookieError:
        return None
    morsel = cookies.get(_cookie_name(request))
    text = "" if morsel is None else morsel.value
    known = text.isascii() and text.isdigit() and len(text) <= len(str(PARTITIONS)) and int(text) <= PARTITIONS
    return int(text) if known else None


def cookie_of(request: Request, nodes: int) -> str:
    """The Set-Cookie value by which the browser keeps what it saw."""
    secure = "; Secure" if over_tls(request) else ""
    return f"{_cookie_name(request)}={nodes}; Path=/; HttpOnly; SameSite=Lax{secure}"


def _cookie_name(request: Request) -> str:
    return "__Host-nodes" if over_tls(request) else "nodes"


class ServingNodes:
    """How many nodes serve, asked for at most every KEPT_SECONDS in this process."""

    def __init__(self, count: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._count = count
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: int | None = None
        self._asked_at: float | None = None

    def now(self) -> int | None:
        """The number; None while it cannot be had. Never makes a page fail or wait for another's asking."""
        if self._asked_at is not None and self._monotonic() - self._asked_at < KEPT_SECONDS:
            return self._kept
        if not self._lock.acquire(blocking=False):
            return self._kept
        try:
            self._kept = self._count()
        except UnavailableError:
            self._kept = None  # the page's own reads say so, if it needs any
        finally:
            self._asked_at = self._monotonic()
            self._lock.release()
        return self._kept
