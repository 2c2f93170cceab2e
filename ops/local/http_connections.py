"""The open connections of one server, so that it can end: idle ones at once, busy ones after their answer."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Connections:
    """Safe to use from every thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy: dict[socket.socket, bool] = {}
        self._closing = False

    @property
    def closing(self) -> bool:
        return self._closing

    @contextlib.contextmanager
    def open(self, connection: socket.socket) -> Iterator[bool]:
        """Hold `connection` as open; yields False when the server is ending and takes no more."""
        with self._changed:
            accepted = not self._closing
            if accepted:
                self._busy[connection] = False
        try:
            yield accepted
        finally:
            with self._changed:
                self._busy.pop(connection, None)
                self._changed.notify_all()

    @contextlib.contextmanager
    def busy(self, connection: socket.socket) -> Iterator[None]:
        """Between a request's first byte and its answer."""
        with self._changed:
            self._busy[connection] = True
        try:
            yield
        finally:
            with self._changed:
                self._busy[connection] = False
                if self._closing:
                    _end_reading(connection)
                self._changed.notify_all()

    def close(self, grace_seconds: float) -> None:
        """End all: idle connections now, busy ones when answered, at the latest after `grace_seconds`."""
        with self._changed:
            self._closing = True
            for connection, is_busy in self._busy.items():
                if not is_busy:
                    _end_reading(connection)
            self._changed.wait_for(lambda: not any(self._busy.values()), timeout=grace_seconds)
            for connection in self._busy:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _end_reading(connection: socket.socket) -> None:
    # Reading alone: an answer on its way still goes out.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
