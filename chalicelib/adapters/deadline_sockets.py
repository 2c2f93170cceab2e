"""Sockets that know by when a whole answer must be there, not only the next bytes of it.

A timeout of a socket starts anew with each byte, so that a server that drips them never runs into it, and the libraries
used here have no other. `within` sets a deadline for everything that this thread does on such sockets; what passes it
raises TimeoutError from connect, send or receive, as a timeout does, which every library knows how to tell.

    with within(1.5, bytes_per_second=10e6, most_seconds=10):
        ...  # 1.5 s, and 0.1 s more for each megabyte that has moved, 10 s in all at most
"""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_SEND_BYTES = 1 << 18  # a single sendall of many megabytes would have one timeout for all of them


class _Deadline:
    __slots__ = ("_latest", "_seconds_per_byte", "_until")

    def __init__(self, seconds: float, bytes_per_second: float, most_seconds: float) -> None:
        now = time.monotonic()
        self._until = now + seconds
        self._latest = now + max(seconds, most_seconds)
        self._seconds_per_byte = 1 / bytes_per_second

    def seconds_left(self) -> float:
        return self._until - time.monotonic()

    def moved(self, count: int) -> None:
        self._until = min(self._until + count * self._seconds_per_byte, self._latest)


_current: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float, *, bytes_per_second: float = float("inf"), most_seconds: float = 0.0) -> Iterator[None]:
    """Until the block ends, this thread's deadline sockets raise TimeoutError once the time is over.

    Each byte moved earns the time that it takes at `bytes_per_second`, up to `most_seconds` in all.
    """
    token = _current.set(_Deadline(seconds, bytes_per_second, most_seconds))
    try:
        yield
    finally:
        _current.reset(token)


def time_is_over() -> bool:
    """Whether the deadline that holds here has passed; False if none holds."""
    deadline = _current.get()
    return deadline is not None and deadline.seconds_left() <= 0


class _WithDeadline(socket.socket):
    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        self._arm()
        data = super().recv(bufsize, flags)
        self._moved(len(data))
        return data

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        self._arm()
        return self._moved(super().recv_into(buffer, nbytes or memoryview(buffer).nbytes, flags))

    def send(self, data: Any, flags: int = 0, /) -> int:
        self._arm()
        return self._moved(super().send(data, flags))

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        with memoryview(data) as view, view.cast("B") as whole:
            sent = 0
            while sent < len(whole):
                sent += self.send(whole[sent : sent + _SEND_BYTES], flags)

    def _arm(self) -> None:
        """Lets the next call take what is left of the time."""
        deadline = _current.get()
        if deadline is None:
            return
        left = deadline.seconds_left()
        if left <= 0:
            raise TimeoutError("timed out: the whole answer took too long")
        self.settimeout(left)

    def _moved(self, count: int) -> int:
        if (deadline := _current.get()) is not None:
            deadline.moved(count)
        return count


class DeadlineSocket(_WithDeadline):
    """A TCP socket that keeps to `within`."""


class DeadlineTlsSocket(_WithDeadline, ssl.SSLSocket):  # type: ignore[misc]  # names of parameters
    """What an SSLContext makes of a DeadlineSocket when this is its `sslsocket_class`."""

    def do_handshake(self, block: bool = False) -> None:
        self._arm()
        super().do_handshake(block)


def with_deadlines(connected: socket.socket) -> DeadlineSocket:
    """The same connection as a DeadlineSocket; the socket given is of no use afterwards."""
    timeout_seconds = connected.gettimeout()
    taken = DeadlineSocket(fileno=connected.detach())
    taken.settimeout(timeout_seconds)
    return taken


def connect(host: str, port: int, timeout_seconds: float) -> DeadlineSocket:
    """A connection without delay for small writes, checked now and then. Raises OSError."""
    deadline = _current.get()
    left = timeout_seconds if deadline is None else min(timeout_seconds, deadline.seconds_left())
    if left <= 0:
        raise TimeoutError("timed out: no time was left to connect")
    connected = with_deadlines(socket.create_connection((host, port), left))
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connected
