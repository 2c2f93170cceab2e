"""A TCP proxy that breaks what passes through it, for tests: between the application and one part it needs.

    proxy = FaultProxy(address, port)     # of the real part; proxy.port is the one to connect to
    proxy.fault = Fault(Kind.HANG)        # from now on, on open connections too
    proxy.fault = PASS

Works for any protocol in which the client asks and the server answers. Bytes are not interpreted: what comes from the
client until the next answer is a question, what comes from the server until it is quiet is an answer.
"""

import random
import selectors
import socket
import struct
import threading
import time
from contextlib import suppress

from tests.faults.fault import PASS, Fault, Kind

QUIET_SECONDS = 0.004  # an answer has ended when nothing more came for so long; far below what counts as slow
_TICK_SECONDS = 0.005
_CHUNK_BYTES = 65536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class FaultProxy:
    """Listens on a free port of 127.0.0.1 and passes everything on, until `fault` says otherwise."""

    def __init__(self, address: str, port: int, seed: int = 0) -> None:
        self._target = (address, port)
        self._fault = PASS
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._accepted = 0
        self._questions = 0
        self._closed = False
        self._listener: socket.socket | None = _listening(0)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name=f"fault proxy {self.port}", daemon=True)
        self._acceptor.start()

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        """From the return on, the new fault holds for new connections and open ones."""
        with self._lock:
            self._fault = fault
            if fault.kind is Kind.REFUSE and self._listener is not None:
                _stop_listening(self._listener)
                self._listener = None
            elif fault.kind is not Kind.REFUSE and self._listener is None:
                self._listener = _listening(self.port)
            open_now = list(self._connections)
        if fault.kind in (Kind.REFUSE, Kind.DOWN):
            for connection in open_now:
                connection.end(reset=fault.kind is Kind.REFUSE)

    @property
    def accepted(self) -> int:
        """Connections taken since the start; one that is refused is never seen."""
        return self._accepted

    @property
    def questions(self) -> int:
        """Questions that came since the start, answered or not."""
        return self._questions

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def asked(self) -> None:
        """Counts a question."""
        with self._lock:
            self._questions += 1

    def random_bytes(self, count: int) -> bytes:
        with self._lock:
            return self._random.randbytes(count)

    def forget(self, connection: "_Connection") -> None:
        with self._lock:
            self._connections.discard(connection)

    def close(self) -> None:
        """Ends every connection and every thread."""
        with self._lock:
            self._closed = True
            if self._listener is not None:
                _stop_listening(self._listener)
                self._listener = None
            open_now = list(self._connections)
        for connection in open_now:
            connection.end(reset=False)
        self._acceptor.join(10)
        for connection in open_now:
            connection.thread.join(10)

    def _accept(self) -> None:
        while not self._closed:
            listener = self._listener
            if listener is None:
                time.sleep(_TICK_SECONDS)
                continue
            try:
                client, _ = listener.accept()
            except OSError:  # the listener was closed, or nobody came for a while
                continue
            with self._lock:
                if self._closed or self._fault.kind in (Kind.DOWN, Kind.REFUSE):
                    self._accepted += 1
                    client.close()
                    continue
                self._accepted += 1
                connection = _Connection(self, client, self._target)
                self._connections.add(connection)
            connection.thread.start()


class _Connection:
    """One client's connection and its twin to the real part, served by one thread."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, target: tuple[str, int]) -> None:
        self._proxy = proxy
        self._client = client
        self._target = target
        self._ended = False
        self._reset = False
        self._answer_before: bytes | None = None
        self._asked = False  # and not yet answered
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def end(self, *, reset: bool) -> None:
        """Makes the thread close both sides soon."""
        self._reset = reset
        self._ended = True
        if reset:
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        else:
            _shut(self._client)

    def _serve(self) -> None:
        try:
            with socket.create_connection(self._target, timeout=10) as server:
                self._client.settimeout(10)
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while not self._ended and self._step(server):
                    pass
        except OSError:
            pass  # one of the two is gone, and so is the other
        finally:
            self._client.close()
            self._proxy.forget(self)

    def _step(self, server: socket.socket) -> bool:
        """Waits for bytes from either side and passes them on, or not; False once the connection is over."""
        if self._hangs():
            time.sleep(_TICK_SECONDS)
            return True
        for side in _ready(self._client, server, _TICK_SECONDS):
            came = side.recv(_CHUNK_BYTES)
            while self._hangs() and not self._ended:  # it hangs with this in its hand
                time.sleep(_TICK_SECONDS)
            if not came or not (self._question(server, came) if side is self._client else self._answer(server, came)):
                return False
        return True

    def _hangs(self) -> bool:
        return self._proxy.fault.kind is Kind.HANG

    def _question(self, server: socket.socket, question: bytes) -> bool:
        if not self._asked:
            self._asked = True
            self._proxy.asked()
        server.sendall(question)
        return True

    def _answer(self, server: socket.socket, answer: bytes) -> bool:
        self._asked = False
        fault = self._proxy.fault
        if self._answer_before is not None:  # what has lost its place does not find it again by itself
            return self._answer_late(server, answer)
        match fault.kind:
            case Kind.LATENCY:
                self._pause(fault.delay_seconds)
            case Kind.SLOW:
                return self._drip(answer, fault)
            case Kind.RESET:
                self._client.sendall(answer[: len(answer) // 2])
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                return False
            case Kind.TRUNCATE:
                self._client.sendall(answer[: len(answer) // 2])
                return False
            case Kind.GARBAGE:
                answer = self._proxy.random_bytes(max(len(_whole(server, answer)), 64))
            case Kind.OUT_OF_STEP:
                return self._answer_late(server, answer)
        self._client.sendall(answer)
        return True

    def _answer_late(self, server: socket.socket, answer: bytes) -> bool:
        whole = _whole(server, answer)
        self._client.sendall(self._answer_before or whole)
        self._answer_before = whole
        return True

    def _drip(self, answer: bytes, fault: Fault) -> bool:
        for start in range(0, len(answer), fault.drip_bytes):
            if self._ended or self._proxy.fault.kind in (Kind.REFUSE, Kind.DOWN):
                return False
            if self._proxy.fault.kind is not Kind.SLOW:
                self._client.sendall(answer[start:])
                return True
            self._client.sendall(answer[start : start + fault.drip_bytes])
            self._pause(fault.delay_seconds)
        return True

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._ended and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))


def _whole(server: socket.socket, answer: bytes) -> bytes:
    """The answer with what follows of it, until the server is quiet."""
    pieces = [answer]
    while _ready(server, None, QUIET_SECONDS) and (more := server.recv(_CHUNK_BYTES)):
        pieces.append(more)
    return b"".join(pieces)


def _ready(one: socket.socket, other: socket.socket | None, wait_seconds: float) -> list[socket.socket]:
    """Those of the two from which something can be read, after waiting for the first."""
    with selectors.PollSelector() as selector:
        for side in (one, other):
            if side is not None:
                selector.register(side, selectors.EVENT_READ, side)
        return [key.data for key, _ in selector.select(wait_seconds)]


def _listening(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    listener.settimeout(0.2)
    return listener


def _stop_listening(listener: socket.socket) -> None:
    _shut(listener)
    listener.close()


def _shut(side: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        side.shutdown(socket.SHUT_RDWR)
