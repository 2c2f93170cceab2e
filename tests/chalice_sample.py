"""A small Chalice application for tests of the HTTP server, and a client that speaks raw HTTP to it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chalice.app import Chalice, Response

from ops.local.http_answers import GatewayAnswer
from ops.local.http_server import LocalServer, build_server

# A little over 64 KiB: sent in several pieces, the last of them small.
LARGE_BODY = bytes(range(256)) * 274


@dataclass
class Sample:
    """`calls` holds "METHOD path" of every request that reached a view."""

    app: Chalice
    calls: list[str] = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)


def make_sample() -> Sample:
    app = Chalice("sample")
    app.api.binary_types = ["image/png", "application/octet-stream"]
    sample = Sample(app)

    def called() -> Any:
        request = app.current_request
        assert request is not None
        sample.calls.append(f"{request.method} {request.context['path']}")
        return request

    @app.route("/", methods=["GET", "HEAD"])
    def index() -> Any:
        called()
        return {"hello": "world"}

    @app.route("/large")
    def large() -> Any:
        called()
        return Response(LARGE_BODY, {"Content-Type": "application/octet-stream"})

    @app.route("/keys/{key}")
    def one_key(key: str) -> Any:
        query = called().query_params
        return {"key": key, "names": query.getlist("name") if query else None}

    @app.route("/length", methods=["POST"], content_types=["*/*"])
    def length() -> Any:
        return {"bytes": len(called().raw_body)}

    @app.route("/echo", methods=["POST"], content_types=["*/*"])
    def echo() -> Any:
        return Response(called().raw_body, {"Content-Type": "image/png"})

    @app.route("/headers")
    def headers() -> Any:
        return dict(called().headers)

    @app.route("/status/{status}", methods=["GET", "HEAD"])
    def status(status: str) -> Any:
        called()
        return Response(b"a body", {"Content-Type": "text/plain"}, int(status))

    @app.route("/cookies")
    def cookies() -> Any:
        called()
        return Response({}, {"Set-Cookie": ["a=1", "b=2"]})

    @app.route("/text-where-bytes-are-due")
    def text_where_bytes_are_due() -> Any:
        called()
        return Response("secret detail", {"Content-Type": "image/png"})

    @app.route("/split-header")
    def split_header() -> Any:
        called()
        return Response({}, {"X-Split": ["a\r\nSet-Cookie: stolen=1"]})

    @app.route("/failing")
    def failing() -> Any:
        called()
        raise RuntimeError("secret detail")

    @app.route("/waiting")
    def waiting() -> Any:
        called()
        sample.entered.set()
        assert sample.release.wait(20)
        return {"waited": True}

    return sample


@contextlib.contextmanager
def running_server(
    sample: Sample,
    *,
    request_timeout_seconds: float = 10.0,
    max_body_bytes: int = 1_000_000,
    gateway_answer: GatewayAnswer | None = None,
    host_names: frozenset[str] | None = None,
) -> Iterator[LocalServer]:
    server = build_server(
        sample.app,
        "127.0.0.1",
        0,
        max_body_bytes=max_body_bytes,
        request_timeout_seconds=request_timeout_seconds,
        gateway_answer=gateway_answer,
        host_names=host_names,
    )
    with serving(server):
        yield server


@contextlib.contextmanager
def serving(server: LocalServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)
        assert not thread.is_alive()


@dataclass(frozen=True)
class Received:
    """An answer as it came: header names in lower case, values in order of arrival."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        values = [value for given, value in self.headers if given == name]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


class RawClient:
    """One connection; nothing is checked or repaired on the way out."""

    def __init__(self, port: int, timeout_seconds: float = 20.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_seconds)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def send(self, *lines: str, body: bytes = b"") -> None:
        """The lines as a head with its blank line, then `body`, in one piece."""
        self.socket.sendall("".join(line + "\r\n" for line in lines).encode("latin-1") + b"\r\n" + body)

    def receive(self, method: str = "GET") -> Received:
        status_line = self._file.readline().decode("latin-1")
        assert status_line.startswith("HTTP/1.1 "), f"no answer but {status_line!r}"
        status = int(status_line.split()[1])
        headers = []
        while (line := self._file.readline().decode("latin-1").rstrip("\r\n")) != "":
            name, _, value = line.partition(":")
            headers.append((name.lower(), value.strip()))
        received = Received(status, headers, b"")
        if method == "HEAD" or status in (100, 204, 304):
            return received
        length_bytes = int(received.header("content-length") or "")
        body = self._file.read(length_bytes)
        assert len(body) == length_bytes
        return Received(status, headers, body)

    def get(self, target: str, *headers: str, method: str = "GET") -> Received:
        self.send(f"{method} {target} HTTP/1.1", "Host: localhost", *headers)
        return self.receive(method)

    def ended(self) -> bool:
        """Waits until the server closes; False if more bytes come first."""
        return self._file.read(1) == b""
