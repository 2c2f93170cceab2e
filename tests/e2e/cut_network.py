"""A proxy between a browser and all that it asks, whose connection is lost after so many bytes to the object store."""

import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_CHUNK = 16 * 1024
_SECONDS = 30
_RESET = struct.pack("ii", 1, 0)  # closing sends RST at once
_FILE_NAME = re.compile(rb'name="file"; filename="([^"]+)"')
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


@dataclass
class Sent:
    """A file posted to the object store: its name, and how many of the request's bytes got through."""

    name: str = ""
    length: int = 0
    passed: int = 0

    @property
    def whole(self) -> bool:
        return self.passed >= self.length > 0


class CutNetwork:
    """Passes requests on. Once `cut_after` bytes of files went to `object_store` it is lost, in the middle of a file.

    Lost means for every request to every host, until `mend` is called. One connection carries one request.
    """

    def __init__(self, object_store: str, cut_after: int) -> None:
        self._store = urlsplit(object_store).netloc
        self._cut_after = cut_after
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.lost = threading.Event()
        self.sent: list[Sent] = []

    @property
    def address(self) -> str:
        """What a browser is told as its proxy."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def passed(self) -> int:
        """The bytes that went to the object store so far."""
        return sum(one.passed for one in self.sent)

    def mend(self) -> None:
        """The connection is back, for good."""
        with self._lock:
            self._cut_after = 1 << 62
            self.lost.clear()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def serve(self) -> None:
        """Takes connections until it is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            client.settimeout(_SECONDS)
            if self.lost.is_set():
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return
            head, rest = _head_of(client)
            if not head:
                return
            line, _, fields = head.partition(b"\r\n")
            method, target, _ = line.split(b" ", 2)
            where = urlsplit(target.decode())
            path = (where.path or "/") + (f"?{where.query}" if where.query else "")
            kept = b"\r\n".join(
                one for one in fields.split(b"\r\n") if not one.lower().startswith((b"proxy-", b"connec"))
            )
            with socket.create_connection((where.hostname or "", where.port or 80), _SECONDS) as server:
                server.sendall(b"%s %s HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n" % (method, path.encode(), kept))
                found = _LENGTH.search(b"\r\n" + fields)
                length = 0 if found is None else int(found[1])
                counted = where.netloc == self._store and method == b"POST"
                if self._body(client, server, rest, length, Sent(length=length) if counted else None):
                    while data := server.recv(_CHUNK):
                        client.sendall(data)

    def _body(self, client: socket.socket, server: socket.socket, data: bytes, length: int, sent: Sent | None) -> bool:
        """Passes the request's body on; whether it was not cut."""
        if sent is not None:
            with self._lock:
                self.sent.append(sent)
        done = 0
        while done < length or data:
            if not data:
                data = client.recv(_CHUNK)
                if not data:
                    return False
            if sent is not None and not sent.name and (name := _FILE_NAME.search(data)):
                sent.name = name[1].decode()
            done += len(data)
            if self._lost_with(sent, done):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return False
            server.sendall(data)
            data = b""
        return True

    def _lost_with(self, sent: Sent | None, done: int) -> bool:
        """Counts what is about to go on; whether it does not."""
        with self._lock:
            if sent is not None and not self.lost.is_set():
                if self.passed >= self._cut_after and sent.length // 4 < done < sent.length:
                    self.lost.set()
                else:
                    sent.passed = done
            return self.lost.is_set()


def _head_of(client: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(_CHUNK)
        if not more:
            return b"", b""
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


@contextmanager
def cut_network(object_store: str, cut_after: int) -> Iterator[CutNetwork]:
    """One that is serving."""
    network = CutNetwork(object_store, cut_after)
    thread = threading.Thread(target=network.serve, daemon=True)
    thread.start()
    yield network
    network.close()
    thread.join()
