"""The HTTP server of the local run: Chalice's own, made fit for people.

    python -m ops.local.http_server --port 8000

serves the Chalice object `app` of the project's app.py as stage "local" until SIGTERM or SIGINT. If app.py has a
function `gateway_answer(status, message, path, cookies) -> (headers, body)`, it renders the server's own errors.
"""

import argparse
import errno
import functools
import importlib
import logging
import os
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import LocalChalice, LocalDevServer, ThreadedHTTPServer

from chalicelib.domain.images import MAX_BYTES
from ops.local.http_answers import Answer, GatewayAnswer, json_gateway_answer
from ops.local.http_connections import Connections
from ops.local.http_handler import HandlerSettings, StrictRequestHandler, error_log
from ops.local.mail_folder import MailFolder
from ops.local.mail_keeper import MailKeeper, Source, ses_mails
from ops.local.notice_mails import NoticeMails

# The largest image that is kept, and what a form puts around it.
DEFAULT_MAX_BODY_BYTES = MAX_BYTES + 64 * 1024
# A page of another site can have its own name resolve to loopback; it cannot make the browser send these.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# How long a request that is being answered may still take when the server ends.
GRACE_SECONDS = 5.0

_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_ROOT = Path(__file__).resolve().parents[2]


class LocalServer(ThreadedHTTPServer):
    """One thread a connection. `server_close` ends open connections too, within GRACE_SECONDS."""

    # Chalice's 5 left 49 of 200 simultaneous new connections unanswered.
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], handler: Callable[..., object], *, connections: Connections) -> None:
        self._connections = connections
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without asking the name service for the host's full name, as HTTPServer does: that may hang."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def server_close(self) -> None:
        """Stop listening; idle connections end at once, busy ones after their answer. Call after `shutdown`."""
        super().server_close()
        self._connections.close(GRACE_SECONDS)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log what ended a connection's thread; a client that left needs no traceback."""
        error = sys.exception()
        if isinstance(error, OSError):
            error_log.info("a connection from %s ended: %r", client_address, error)
        else:
            error_log.exception("a connection from %s failed", client_address)


def build_server(
    app: Chalice,
    host: str,
    port: int,
    *,
    max_body_bytes: int,
    request_timeout_seconds: float = 15.0,
    gateway_answer: GatewayAnswer | None = None,
    host_names: frozenset[str] | None = None,
    own_pages: Callable[[str], Answer | None] | None = None,
) -> LocalServer:
    """A server that is bound and listening; port 0 picks a free one (`server_port` tells which).

    `request_timeout_seconds` bounds the wait for a next request, for a request's whole head, and for progress of a
    body in either direction. `gateway_answer` renders the errors the server itself answers; None: JSON. `own_pages`
    answers GETs of paths that are the local run's own, for callers on this machine.
    Sets `app.debug` to False, because Chalice's debug mode answers with tracebacks, and makes `app.current_request`
    the thread's own. Raises OSError when the address cannot be bound.
    """
    app.debug = False
    if not isinstance(app, LocalChalice):
        # What chalice.local.create_local_server does, but with a class for this app alone: that function changes
        # the bases of one class shared by all, and so fails when it is called twice.
        app.__class__ = type("ThreadedApp", (LocalChalice, app.__class__), {})
    connections = Connections()
    settings = HandlerSettings(
        max_body_bytes,
        request_timeout_seconds,
        gateway_answer or json_gateway_answer,
        connections,
        host_names,
        own_pages,
    )
    chalice_server = LocalDevServer(
        app,
        Config.create(chalice_stage="local", chalice_app=app, project_dir=str(_ROOT)),
        host,
        port,
        handler_cls=functools.partial(StrictRequestHandler, settings=settings),
        server_cls=functools.partial(LocalServer, connections=connections),
    )
    server = chalice_server.server
    assert isinstance(server, LocalServer)  # noqa: S101 (for the type checker: it is what server_cls makes)
    return server


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Exit status: 0 ended as asked, 1 could not start."""
    parser = argparse.ArgumentParser(prog="python -m ops.local.http_server", description="Serve app.py over HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=8000)
    parser.add_argument("--mail", type=Path, help="the folder that mail is kept in and shown from")
    parser.add_argument("--max-body-bytes", type=int, default=DEFAULT_MAX_BODY_BYTES)
    options = parser.parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s.%(msecs)03d %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"
    )
    logging.getLogger("botocore").setLevel(logging.WARNING)
    # A signal before the server is up must end the program as well.
    signals, signals_writer = _signals_as_bytes()
    if str(_ROOT) not in sys.path:
        sys.path.insert(0, str(_ROOT))
    try:
        module = importlib.import_module("app")
    except ModuleNotFoundError as error:
        if error.name != "app":
            raise
        print(f"There is no app.py in {_ROOT}.", file=sys.stderr)
        return 1
    mail = None if options.mail is None else _mail_keeper(options.mail)
    try:
        server = build_server(
            module.app,
            options.host,
            options.port,
            max_body_bytes=options.max_body_bytes,
            gateway_answer=getattr(module, "gateway_answer", None),
            host_names=LOOPBACK_NAMES,
            own_pages=None if mail is None else mail.answer,
        )
    except OSError as error:
        print(_cannot_listen(error, options.host, options.port), file=sys.stderr)
        return 1
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="accept")
    serving.start()
    if mail is not None:
        mail.start()
    print(f"Serving on http://{options.host}:{server.server_port}", flush=True)
    while signals.recv(1)[0] not in _ENDING_SIGNALS:
        pass
    server.shutdown()
    server.server_close()
    if mail is not None:
        mail.stop()
    signal.set_wakeup_fd(-1)
    signals_writer.close()
    return 0


def _mail_keeper(folder: Path) -> MailKeeper:
    """Keeps what the stand-ins of AWS_ENDPOINT_URL are told to send, if there are any."""
    endpoint, topic_arn = os.environ.get("AWS_ENDPOINT_URL"), os.environ.get("NOTICE_TOPIC_ARN")
    sources: list[Source] = []
    if endpoint:
        sources.append(lambda: ses_mails(endpoint))
    if endpoint and topic_arn:
        sources.append(NoticeMails(endpoint, topic_arn))
    return MailKeeper(MailFolder(folder), sources)


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is not a port (0 to 65535)")
    return number


def _cannot_listen(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program: stop it, or choose another port with --port."
    return f"Cannot listen on {host} port {port}: {error.strerror or error}."


def _signals_as_bytes() -> tuple[socket.socket, socket.socket]:
    """A reader that receives each signal's number as a byte, and the writer that must stay open for it.

    A handler that raised or took a lock would do so in the middle of whatever runs; this one does nothing.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    for number in _ENDING_SIGNALS:
        signal.signal(number, _do_nothing)
    return reader, writer


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """In place of the default, which would end the process."""


if __name__ == "__main__":
    sys.exit(main())
