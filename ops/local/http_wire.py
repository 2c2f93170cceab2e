"""One client connection: reads with deadlines, writes, and an ending that lets the last answer arrive."""

import contextlib
import socket
import time

from ops.local.http_parsing import HeadSearch, RequestRefusedError

_RECEIVE_BYTES = 256 * 1024
_SEND_BYTES = 64 * 1024
# A body may take as long as its size needs at this rate: a slow sender is served, a dripping one is not.
MIN_BODY_BYTES_PER_SECOND = 16 * 1024
# What may still arrive after a refusal is read and dropped, so that the sender finds the answer and not a reset.
LINGER_SECONDS = 5.0
LINGER_BYTES = 512 * 1024 * 1024


class Wire:
    """Every read and write gives up after `stall_seconds` without progress."""

    def __init__(self, connection: socket.socket, stall_seconds: float) -> None:
        self._connection = connection
        self._stall_seconds = stall_seconds
        self._buffer = bytearray()

    def await_request(self) -> bool:
        """True when the first byte of a request is there; False when the client left or stayed idle too long."""
        deadline = time.monotonic() + self._stall_seconds
        while True:
            # RFC 9112 2.2: empty lines before a request are skipped.
            while self._buffer.startswith((b"\r", b"\n")):
                del self._buffer[:1]
            if self._buffer:
                return True
            try:
                received = self._receive(deadline)
            except (TimeoutError, ConnectionError):
                return False
            if not received:
                return False
            self._buffer += received

    def read_head(self) -> list[bytes]:
        """The lines of the head, without line ends. The whole head must arrive within `stall_seconds`.

        Raises RequestRefusedError: 408 too slow, 400 the client closed half-way, and what HeadSearch refuses.
        """
        deadline = time.monotonic() + self._stall_seconds
        search = HeadSearch()
        while (end := search.end(self._buffer)) is None:
            try:
                received = self._receive(deadline)
            except TimeoutError:
                raise RequestRefusedError(408, "The headers took too long to arrive.") from None
            if not received:
                raise RequestRefusedError(400, "The request ended before its headers did.")
            self._buffer += received
        head = bytes(self._buffer[: end - 4])
        del self._buffer[:end]
        return head.split(b"\r\n")

    def read_body(self, length_bytes: int, *, keep: bool) -> bytes:
        """Exactly `length_bytes`, or b"" if not `keep` (read all the same, so that the next request starts right).

        Raises RequestRefusedError (400) when the client closes or stalls before that.
        """
        deadline = time.monotonic() + self._stall_seconds + length_bytes / MIN_BODY_BYTES_PER_SECOND
        body = bytearray()
        missing_bytes = length_bytes
        while missing_bytes:
            if not self._buffer:
                try:
                    self._buffer += self._receive(min(deadline, time.monotonic() + self._stall_seconds))
                except TimeoutError:
                    raise RequestRefusedError(400, "The body stopped arriving before its Content-Length.") from None
                if not self._buffer:
                    raise RequestRefusedError(400, "The body ended before its Content-Length.")
            if keep:
                body += self._buffer[:missing_bytes]
            taken_bytes = min(missing_bytes, len(self._buffer))
            missing_bytes -= taken_bytes
            del self._buffer[:taken_bytes]
        return bytes(body)

    def _receive(self, deadline: float) -> bytes:
        """b"" when the client has closed its side. Raises TimeoutError at `deadline` (monotonic seconds)."""
        left_seconds = deadline - time.monotonic()
        if left_seconds <= 0:
            raise TimeoutError
        self._connection.settimeout(left_seconds)
        return self._connection.recv(_RECEIVE_BYTES)

    def send(self, *parts: bytes) -> None:
        """Raises OSError when the client has left or takes nothing for `stall_seconds`."""
        if sum(len(part) for part in parts) <= _SEND_BYTES:
            parts = (b"".join(parts),)
        self._connection.settimeout(self._stall_seconds)
        for part in parts:
            # In pieces, because sendall's timeout is for all it is given, however long that is.
            view = memoryview(part)
            for start in range(0, len(view), _SEND_BYTES):
                self._connection.sendall(view[start : start + _SEND_BYTES])

    def linger(self) -> None:
        """Say that nothing more comes, then drop what the client still sends, until it closes or a bound is met."""
        deadline = time.monotonic() + LINGER_SECONDS
        dropped_bytes = 0
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            while dropped_bytes < LINGER_BYTES and (received := self._receive(deadline)):
                dropped_bytes += len(received)
