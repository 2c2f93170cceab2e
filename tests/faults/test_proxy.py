"""The fault proxy itself, in front of a server that answers each line with the same line, in capitals."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.fault import PASS, Fault, Kind
from tests.faults.proxy import FaultProxy
from tests.local_cloud import until

SECONDS = 20.0
BRIEFLY_SECONDS = 0.3


@pytest.fixture
def echo_port() -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            while line := connection.recv(65536):
                connection.sendall(line.upper())

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            taken.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(SECONDS)
    assert until(lambda: all(connection.fileno() < 0 for connection in taken), timeout_seconds=SECONDS)


@pytest.fixture
def proxy(echo_port: int) -> Iterator[FaultProxy]:
    made = FaultProxy("127.0.0.1", echo_port)
    yield made
    made.close()
    assert made.open_connections == 0


def connected(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS)


def answer(client: socket.socket, question: bytes, size: int | None = None) -> bytes:
    """The answer, until it has that many bytes or has ended."""
    client.sendall(question)
    wanted, got = size or len(question), b""
    while len(got) < wanted and (more := client.recv(wanted - len(got))):
        got += more
    return got


def test_without_a_fault_everything_passes_and_is_counted(proxy: FaultProxy) -> None:
    long = b"x" * 300_000
    with connected(proxy) as client:
        assert [answer(client, b"one\n"), answer(client, b"two\n")] == [b"ONE\n", b"TWO\n"]
        assert (proxy.accepted, proxy.questions) == (1, 2)
        assert answer(client, long) == long.upper()


def test_hang_takes_connections_answers_nothing_and_delivers_late(proxy: FaultProxy) -> None:
    with connected(proxy) as before:
        assert answer(before, b"one\n") == b"ONE\n"
        proxy.fault = Fault(Kind.HANG)
        with connected(proxy) as after:
            for client in (before, after):
                client.settimeout(BRIEFLY_SECONDS)
                with pytest.raises(TimeoutError):
                    answer(client, b"late\n")
            proxy.fault = PASS
            for client in (before, after):
                client.settimeout(SECONDS)
                assert client.recv(100) == b"LATE\n"


def test_refuse_resets_what_is_open_and_refuses_until_it_is_over(proxy: FaultProxy) -> None:
    with connected(proxy) as client:
        assert answer(client, b"one\n") == b"ONE\n"
        proxy.fault = Fault(Kind.REFUSE)
        with pytest.raises(ConnectionResetError):
            client.recv(100)
        with pytest.raises(ConnectionRefusedError):
            connected(proxy)
    proxy.fault = PASS
    with connected(proxy) as client:
        assert answer(client, b"two\n") == b"TWO\n"


def test_down_takes_and_closes(proxy: FaultProxy) -> None:
    with connected(proxy) as before:
        assert answer(before, b"one\n") == b"ONE\n"
        proxy.fault = Fault(Kind.DOWN)
        assert before.recv(100) == b""
        with connected(proxy) as after:
            assert after.recv(100) == b""


def test_latency_delays_each_answer(proxy: FaultProxy) -> None:
    proxy.fault = Fault(Kind.LATENCY, delay_seconds=0.2)
    with connected(proxy) as client:
        for _ in range(2):
            started = time.monotonic()
            assert answer(client, b"one\n") == b"ONE\n"
            assert time.monotonic() - started >= 0.2


def test_slow_drips_and_lets_go_when_it_is_over(proxy: FaultProxy) -> None:
    proxy.fault = Fault(Kind.SLOW, delay_seconds=0.1, drip_bytes=2)
    with connected(proxy) as client:
        started = time.monotonic()
        client.sendall(b"abcdef" + b"g" * 10_000)
        assert client.recv(100) == b"AB"
        assert client.recv(100) == b"CD"
        assert time.monotonic() - started >= 0.1
        proxy.fault = PASS
        assert len(answer(client, b"", 9_000)) == 9_000


def test_reset_breaks_off_in_the_middle_of_an_answer(proxy: FaultProxy) -> None:
    proxy.fault = Fault(Kind.RESET)
    with connected(proxy) as client, pytest.raises(ConnectionResetError):
        client.sendall(b"abcdef")
        while client.recv(100) != b"":
            pass


def test_truncate_closes_after_half_an_answer(proxy: FaultProxy) -> None:
    proxy.fault = Fault(Kind.TRUNCATE)
    with connected(proxy) as client:
        assert answer(client, b"abcdef", 100) == b"ABC"


def test_garbage_is_not_the_answer(proxy: FaultProxy) -> None:
    proxy.fault = Fault(Kind.GARBAGE)
    with connected(proxy) as client:
        assert answer(client, b"a" * 100) not in (b"A" * 100, b"")


def test_out_of_step_gives_each_question_the_answer_before(proxy: FaultProxy) -> None:
    with connected(proxy) as client:
        assert answer(client, b"zero\n") == b"ZERO\n"
        proxy.fault = Fault(Kind.OUT_OF_STEP)
        assert answer(client, b"one\n") == b"ONE\n"  # the first has none before it
        assert answer(client, b"two\n", 4) == b"ONE\n"
        assert answer(client, b"six\n", 4) == b"TWO\n"


def test_a_server_that_is_gone_ends_the_connection(proxy: FaultProxy, echo_port: int) -> None:
    nowhere = FaultProxy("127.0.0.1", 1)
    with connected(nowhere) as client:
        assert client.recv(100) == b""
    nowhere.close()
