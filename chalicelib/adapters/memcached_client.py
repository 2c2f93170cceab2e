"""pymemcache's client, with a deadline for whole calls, and values that are read into the place where they stay.

pymemcache reads a value in pieces of 4 KB and copies it twice; of 100 KB that is a third of a cached request's time.
"""

import socket
from collections.abc import Sequence

from pymemcache.client.base import Client, _readline
from pymemcache.exceptions import MemcacheUnexpectedCloseError, MemcacheUnknownError

from chalicelib.adapters.deadline_sockets import with_deadlines

MOST_BYTES = 1 << 27  # beyond any value of ours: no memory is set aside because garbage looks like a size
_END = b"\r\nEND\r\n"
_STORED = (b"STORED", b"EXISTS", b"NOT_FOUND", b"NOT_STORED")
_REFUSALS = (b"SERVER_ERROR", b"CLIENT_ERROR")


def _check_stored(line: bytes, rest: bytes) -> None:
    if line not in _STORED or rest:
        raise MemcacheUnknownError(line[:32])


class NodeClient(Client):  # type: ignore[misc]  # pymemcache has no types
    """One connection to a node. It is closed by whatever goes wrong in it."""

    sock: socket.socket

    def value(self, wire_key: bytes, before: Sequence[bytes] = ()) -> bytearray | None:
        """The value under the key, or None. Raises MemcacheError, OSError or ValueError.

        `before` are whole commands, each answered by one line, that go the same way first; the node may refuse them.
        """
        try:
            if self.sock is None:
                self._connect()
            self.sock.sendall(b"%sget %s\r\n" % (b"".join(before), wire_key))
            rest = b""
            for _ in before:
                rest = self._read_done(rest)
            return self._read_value(wire_key, rest)
        except BaseException:
            self.close()
            raise

    def fill(
        self, wire_key: bytes, value: bytes | bytearray, token: bytes, flags: int, before: Sequence[bytes]
    ) -> None:
        """Stores the value if the key still is at the token. Raises MemcacheError, OSError or ValueError.

        `before` are whole commands, each answered by one line, that go the same way first; the node may refuse them.
        """
        try:
            if self.sock is None:
                self._connect()
            head = b"%scas %s %d 0 %d %s\r\n" % (b"".join(before), wire_key, flags, len(value), token)
            self.sock.sendall(b"".join((head, value, b"\r\n")))
            rest = b""
            for _ in before:
                rest = self._read_done(rest)
            rest, line = _readline(self.sock, rest)
            self._raise_errors(line, b"cas")
            _check_stored(line, rest)
        except BaseException:
            self.close()
            raise

    def _read_done(self, rest: bytes) -> bytes:
        rest, line = _readline(self.sock, rest)
        if line != b"HD" and not line.startswith(_REFUSALS):
            raise MemcacheUnknownError(line[:32])
        return rest

    def _read_value(self, wire_key: bytes, rest: bytes) -> bytearray | None:
        rest, line = _readline(self.sock, rest)
        self._raise_errors(line, b"get")
        if line == b"END" and not rest:
            return None
        word, key, _, size_text = line.split()
        size = int(size_text)
        if word != b"VALUE" or key != wire_key or not 0 <= size <= MOST_BYTES or len(rest) > size + len(_END):
            raise MemcacheUnknownError(line[:32])
        whole = bytearray(size + len(_END))
        whole[: len(rest)] = rest
        self._receive(memoryview(whole)[len(rest) :])
        if not whole.endswith(_END):
            raise MemcacheUnknownError(bytes(whole[-32:]))
        del whole[size:]
        return whole

    def _receive(self, room: memoryview) -> None:
        """Fills the room."""
        while room:
            received = self.sock.recv_into(room)
            if not received:
                raise MemcacheUnexpectedCloseError
            room = room[received:]

    def _connect(self) -> None:
        super()._connect()
        self.sock = with_deadlines(self.sock)  # pymemcache's own timeout starts anew at each byte
