"""Chalice's request handler, with its reading and answering of HTTP made strict."""

import email.utils
import ipaddress
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import ChaliceRequestHandler, LocalGatewayException, RouteMatcher

from ops.local.http_answers import (
    Answer,
    GatewayAnswer,
    answer_from_gateway,
    answer_from_lambda,
    json_gateway_answer,
    wire_parts,
)
from ops.local.http_connections import Connections
from ops.local.http_parsing import (
    Fields,
    RequestLine,
    RequestRefusedError,
    check_host,
    parse_fields,
    parse_framing,
    parse_request_line,
)
from ops.local.http_wire import Wire

access_log = logging.getLogger("ops.local.http.access")
error_log = logging.getLogger("ops.local.http.error")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_UNREAD = RequestLine("-", "", 1)


@dataclass(frozen=True)
class HandlerSettings:
    """What all requests of one server share."""

    max_body_bytes: int
    request_timeout_seconds: float
    gateway_answer: GatewayAnswer
    connections: Connections
    host_names: frozenset[str] | None = None  # that requests may be meant for; None: any
    # Answers a GET of a path that is not the application's; None for all others. Asked for callers on loopback only.
    own_pages: Callable[[str], Answer | None] | None = None


@dataclass
class _Exchange:
    """How far one request got: what is known of it, and whether the bytes after it are the next request."""

    line: RequestLine = _UNREAD
    cookies: str = ""
    keep_alive: bool = False
    started: float = field(default_factory=time.monotonic)


class StrictRequestHandler(ChaliceRequestHandler):
    """One connection. Routing, events and authorizers are Chalice's LocalGateway; everything on the wire is ours."""

    # Without it, an answer in two packets waits for the client's delayed ACK: 44 ms a request on keep-alive.
    disable_nagle_algorithm = True

    connection: socket.socket

    def __init__(
        self,
        request: socket.socket,
        client_address: tuple[str, int],
        server: object,
        app_object: Chalice,
        config: Config,
        settings: HandlerSettings,
    ) -> None:
        self._app = app_object
        self._settings = settings
        self._router = RouteMatcher(list(app_object.routes))
        # Chalice's annotations of request and server are those of neither class it builds on.
        super().__init__(request, client_address, server, app_object=app_object, config=config)  # type: ignore[arg-type]

    def handle(self) -> None:
        """Serve requests one after the other until either side ends the connection."""
        wire = Wire(self.connection, self._settings.request_timeout_seconds)
        with self._settings.connections.open(self.connection) as opened:
            while opened and wire.await_request():
                with self._settings.connections.busy(self.connection):
                    keep_alive = self._serve(wire)
                if not keep_alive:
                    wire.linger()
                    return

    def _serve(self, wire: Wire) -> bool:
        """Answer one request; True if the next one may follow on this connection."""
        exchange = _Exchange()
        try:
            try:
                answer = self._answer(wire, exchange)
            except RequestRefusedError as refusal:
                answer = self._refuse(refusal, exchange)
            exchange.keep_alive = exchange.keep_alive and not self._settings.connections.closing
            head, body = wire_parts(
                answer,
                method=exchange.line.method,
                minor=exchange.line.minor,
                keep_alive=exchange.keep_alive,
                date=email.utils.formatdate(usegmt=True),
            )
            wire.send(head, body)
        except OSError as error:
            # The client left or stopped reading: nobody is there to be told.
            self._log(exchange, f"- - ({type(error).__name__})")
            return False
        self._log(exchange, f"{answer.status} {len(body)}")
        return exchange.keep_alive

    def _answer(self, wire: Wire, exchange: _Exchange) -> Answer:
        first_line, *field_lines = wire.read_head()
        line = exchange.line = parse_request_line(first_line)
        fields = parse_fields(field_lines)
        exchange.cookies = next((value for name, value in fields if name.lower() == "cookie"), "")
        framing = parse_framing(fields, line.minor, self._settings.max_body_bytes)
        check_host(fields, self._settings.host_names)
        if (own := self._own_page(line)) is not None:
            wire.read_body(framing.length_bytes, keep=False)
            exchange.keep_alive = framing.keep_alive and not framing.expects_continue
            return own
        refusal = self._routing_refusal(line)
        if framing.expects_continue and framing.length_bytes:
            if refusal:
                # Whether the body still follows is the client's choice, so the connection ends here.
                raise refusal
            wire.send(_CONTINUE)
        body = wire.read_body(framing.length_bytes, keep=refusal is None)
        exchange.keep_alive = framing.keep_alive
        if refusal:
            raise refusal
        return self._call_application(line, fields, body)

    def _own_page(self, line: RequestLine) -> Answer | None:
        """A page of the local run itself, whatever the application's routes are."""
        own_pages = self._settings.own_pages
        if own_pages is None or line.method not in ("GET", "HEAD"):
            return None
        return own_pages(line.path) if ipaddress.ip_address(self.client_address[0]).is_loopback else None

    def _routing_refusal(self, line: RequestLine) -> RequestRefusedError | None:
        if line.method not in _METHODS:
            return RequestRefusedError(501, f"The method {line.method[:20]} is not known here.")
        try:
            route = self._router.match_route(line.target).route
        except ValueError:
            return RequestRefusedError(404, "Nothing is served at this path.")
        entries = self._app.routes[route]
        if line.method in entries or (line.method == "OPTIONS" and any(entry.cors for entry in entries.values())):
            return None
        allowed = ", ".join(sorted(entries))
        message = f"The method {line.method} is not allowed at this path; allowed: {allowed}."
        return RequestRefusedError(405, message, [("Allow", allowed)])

    def _call_application(self, line: RequestLine, fields: Fields, body: bytes) -> Answer:
        try:
            # Of a header given twice API Gateway hands on the last value, and so does dict().
            response = self.local_gateway.handle_request(line.method, line.target, dict(fields), body or None)
            return answer_from_lambda(response)
        except LocalGatewayException as refused:
            words = {401: "Unauthorized", 403: "You may not use this address."}
            raise RequestRefusedError(refused.CODE, words.get(refused.CODE, "Internal server error")) from None
        except Exception:  # noqa: BLE001
            # The outermost edge of the application: whatever failed is logged whole, and the client told no detail.
            error_log.exception("%s %s failed", line.method, line.path)
            raise RequestRefusedError(500, "Internal server error") from None

    def _refuse(self, refusal: RequestRefusedError, exchange: _Exchange) -> Answer:
        status, message, headers = refusal.status, refusal.message, refusal.headers
        path, cookies = exchange.line.path, exchange.cookies
        try:
            return answer_from_gateway(status, message, path, cookies, headers, self._settings.gateway_answer)
        except Exception:  # noqa: BLE001 (logged whole; the client still gets its answer)
            error_log.exception("rendering the answer %d for %s failed", status, path)
            return answer_from_gateway(status, message, path, cookies, headers, json_gateway_answer)

    def _log(self, exchange: _Exchange, outcome: str) -> None:
        # The query is left out: it may carry keys and tokens. Line and target are ASCII without control characters.
        elapsed_ms = (time.monotonic() - exchange.started) * 1000
        access_log.info("%s %s %s %.1fms", exchange.line.method, exchange.line.path or "-", outcome, elapsed_ms)
