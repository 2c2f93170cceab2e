"""Deadlines for whole answers, over plain TCP and over TLS, against servers that drip."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from chalicelib.adapters import deadline_sockets
from chalicelib.adapters.deadline_sockets import DeadlineSocket, DeadlineTlsSocket, time_is_over, within

GENEROUS_SECONDS = 20.0
DRIPS = 200
Connect = Callable[[], socket.socket]


def drip(client: socket.socket) -> None:
    """4 s of single bytes."""
    for _ in range(DRIPS):
        client.sendall(b".")
        time.sleep(0.02)


def swallow(client: socket.socket) -> None:
    """Takes 4 MiB in a second, then says so."""
    left = 4 << 20
    while left and (taken := client.recv(min(left, 1 << 16))):
        left -= len(taken)
        time.sleep(1 / 64)
    client.sendall(b"!")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its key in one file."""
    made = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-keyout", str(made.with_name("key.pem")), "-out", str(made.with_name("certificate.pem"))]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    made.write_text(made.with_name("key.pem").read_text() + made.with_name("certificate.pem").read_text())
    return made


@pytest.fixture(params=["plain", "TLS"])
def connect_to(
    request: pytest.FixtureRequest, certificate: Path
) -> Iterator[Callable[[Callable[[socket.socket], None]], socket.socket]]:
    """Starts a server that treats its one client so, and connects to it."""
    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(treat: Callable[[socket.socket], None]) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)

        def serve() -> None:
            with suppress(OSError):  # the client went away, as it should
                client, _ = listener.accept()
                with client:
                    if request.param == "plain":
                        treat(client)
                        return
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(certificate)
                    with context.wrap_socket(client, server_side=True) as wrapped:
                        treat(wrapped)

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        connected: socket.socket = deadline_sockets.connect("127.0.0.1", listener.getsockname()[1], GENEROUS_SECONDS)
        if request.param == "TLS":
            context = ssl.create_default_context(cafile=str(certificate))
            context.sslsocket_class = DeadlineTlsSocket
            connected = context.wrap_socket(connected, server_hostname="localhost")
            assert isinstance(connected, DeadlineTlsSocket)
        opened.append(connected)
        return connected

    yield start
    for one in opened:
        one.close()
    for thread in threads:
        thread.join(GENEROUS_SECONDS)


@pytest.mark.parametrize("how", ["recv", "recv_into", "makefile"])
def test_bytes_that_drip_do_not_outlast_the_deadline(
    connect_to: Callable[[Callable[[socket.socket], None]], socket.socket], how: str
) -> None:
    client = connect_to(drip)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="timed out"), within(0.4):
        if how == "recv":
            while True:
                client.recv(100)
        elif how == "recv_into":
            while True:
                client.recv_into(bytearray(100))
        else:
            with client.makefile("rb") as file:
                file.read(DRIPS)
    assert 0.3 < time.monotonic() - started < 3


def test_bytes_that_move_earn_time_and_no_more_than_allowed(
    connect_to: Callable[[Callable[[socket.socket], None]], socket.socket],
) -> None:
    data = bytes(4 << 20)
    with pytest.raises(TimeoutError), within(0.2, bytes_per_second=2e6, most_seconds=0.4):
        client = connect_to(swallow)
        client.sendall(data)
        client.recv(1)
    client = connect_to(swallow)
    with within(0.2, bytes_per_second=1e5, most_seconds=GENEROUS_SECONDS):
        client.sendall(data)
        assert client.recv(1) == b"!"


def test_without_a_deadline_the_socket_s_own_timeout_holds() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        deadline_sockets.connect("127.0.0.1", listener.getsockname()[1], GENEROUS_SECONDS) as client,
    ):
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)
        assert not time_is_over()


def test_nothing_is_begun_once_the_time_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with deadline_sockets.connect("127.0.0.1", port, GENEROUS_SECONDS) as client, within(-1):
            assert isinstance(client, DeadlineSocket)
            assert time_is_over()
            with pytest.raises(TimeoutError):
                client.sendall(b"x")
            with pytest.raises(TimeoutError):
                deadline_sockets.connect("127.0.0.1", port, GENEROUS_SECONDS)
