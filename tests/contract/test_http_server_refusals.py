"""What the HTTP server of the local run refuses, and that nothing refused is ever run."""

import select
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from ops.local.http_server import LOOPBACK_NAMES, LocalServer
from tests.chalice_sample import RawClient, Sample, make_sample, running_server

SMUGGLED = b"GET /large HTTP/1.1\r\nHost: t\r\n\r\n"


@pytest.fixture
def sample() -> Sample:
    return make_sample()


@pytest.fixture
def server(sample: Sample) -> Iterator[LocalServer]:
    with running_server(sample) as running:
        yield running


@pytest.fixture
def impatient_server(sample: Sample) -> Iterator[LocalServer]:
    with running_server(sample, request_timeout_seconds=0.5) as running:
        yield running


def assert_refused_and_closed(client: RawClient, sample: Sample, status: int) -> None:
    answer = client.receive()
    assert answer.status == status
    assert answer.header("connection") == "close"
    assert answer.body.startswith(b'{"message": "')
    assert client.ended()
    assert sample.calls == []


@pytest.mark.parametrize(
    ("version", "fields", "status"),
    [
        ("1.1", ["Transfer-Encoding: chunked"], 411),
        ("1.1", ["transfer-encoding:\tCHUNKED"], 411),
        ("1.1", ["Transfer-Encoding: identity"], 411),
        ("1.1", ["Transfer-Encoding: "], 411),
        ("1.1", ["Content-Length: 3", "Transfer-Encoding: chunked"], 411),
        ("1.1", ["Transfer-Encoding: x", "Content-Length: 3"], 411),
        ("1.0", ["Transfer-Encoding: chunked"], 411),
        ("1.1", ["Transfer-Encoding : chunked"], 400),
        ("1.1", [" Transfer-Encoding: chunked"], 400),
        ("1.1", ["X: y", " Transfer-Encoding: chunked"], 400),
    ],
)
def test_a_transfer_encoding_is_refused_and_what_follows_is_not_run(
    server: LocalServer, sample: Sample, version: str, fields: list[str], status: int
) -> None:
    with RawClient(server.server_port) as client:
        chunks = b"3\r\nabc\r\n0\r\n\r\n"
        client.send(f"POST /length HTTP/{version}", "Host: t", *fields, body=chunks + SMUGGLED)
        assert_refused_and_closed(client, sample, status)


@pytest.mark.parametrize(
    "length",
    ["abc", "-1", "+3", "1_0", "3 3", "0x3", "3.0", "", "3,3", "3;", "\xb2", "\xb9", "3\x00", "3\x0b", "NaN", "1e1"],
)
def test_a_content_length_that_is_no_plain_number_is_refused(server: LocalServer, sample: Sample, length: str) -> None:
    with RawClient(server.server_port) as client:
        client.send("POST /length HTTP/1.1", "Host: t", f"Content-Length: {length}", body=b"abc" + SMUGGLED)
        assert_refused_and_closed(client, sample, 400)


@pytest.mark.parametrize("second", ["4", "03", "", "3, 3"])
def test_two_different_content_lengths_are_refused(server: LocalServer, sample: Sample, second: str) -> None:
    with RawClient(server.server_port) as client:
        client.send(
            "POST /length HTTP/1.1", "Host: t", "Content-Length: 3", f"content-length: {second}", body=b"abc" + SMUGGLED
        )
        assert_refused_and_closed(client, sample, 400)


def test_a_content_length_repeated_alike_is_one(server: LocalServer) -> None:
    with RawClient(server.server_port) as client:
        client.send("POST /length HTTP/1.1", "Host: t", "Content-Length: 3", "Content-Length:  3 ", body=b"abc")
        assert client.receive().body == b'{"bytes":3}'


def test_a_body_cut_short_by_closing_is_refused(server: LocalServer, sample: Sample) -> None:
    with RawClient(server.server_port) as client:
        client.send("POST /length HTTP/1.1", "Host: t", "Content-Length: 10", body=b"abc")
        client.socket.shutdown(socket.SHUT_WR)
        assert_refused_and_closed(client, sample, 400)


def test_a_body_that_stalls_is_refused(impatient_server: LocalServer, sample: Sample) -> None:
    with RawClient(impatient_server.server_port) as client:
        client.send("POST /length HTTP/1.1", "Host: t", "Content-Length: 10", body=b"abc")
        assert_refused_and_closed(client, sample, 400)


def test_a_client_that_resets_half_way_does_no_harm(server: LocalServer, sample: Sample) -> None:
    with RawClient(server.server_port) as client:
        client.send("POST /length HTTP/1.1", "Host: t", "Content-Length: 10", body=b"abc")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with RawClient(server.server_port) as client:
        assert client.get("/").status == 200
    assert sample.calls == ["GET /"]


@pytest.mark.parametrize("length", ["1000001", "1" + "0" * 18, "1" + "0" * 5000], ids=["one over", "10^18", "10^5000"])
def test_a_body_too_large_is_refused_before_reading(server: LocalServer, sample: Sample, length: str) -> None:
    with RawClient(server.server_port) as client:
        client.send("POST /length HTTP/1.1", "Host: t", f"Content-Length: {length}")
        assert_refused_and_closed(client, sample, 413)


def test_a_sender_that_reads_only_at_the_end_still_finds_the_413(server: LocalServer, sample: Sample) -> None:
    size = 30_000_000
    with RawClient(server.server_port) as client:
        client.send("POST /length HTTP/1.1", "Host: t", f"Content-Length: {size}", body=bytes(size))
        assert_refused_and_closed(client, sample, 413)


def test_the_largest_body_allowed_is_taken(server: LocalServer) -> None:
    with RawClient(server.server_port) as client:
        client.send("POST /length HTTP/1.1", "Host: t", "Content-Length: 1000000", body=bytes(1_000_000))
        assert client.receive().body == b'{"bytes":1000000}'


@pytest.mark.parametrize("requests_before", [0, 1])
def test_an_idle_connection_is_closed(impatient_server: LocalServer, requests_before: int) -> None:
    with RawClient(impatient_server.server_port) as client:
        for _ in range(requests_before):
            client.get("/")
        assert client.ended()


def test_headers_that_drip_are_cut_off(impatient_server: LocalServer, sample: Sample) -> None:
    with RawClient(impatient_server.server_port) as client:
        client.socket.sendall(b"GET / HTTP/1.1\r\nHost: t\r\nX: ")
        dripping_until = time.monotonic() + 20
        while not select.select([client.socket], [], [], 0.05)[0]:
            assert time.monotonic() < dripping_until, "still waiting for the end of the headers"
            client.socket.sendall(b"a")
        assert_refused_and_closed(client, sample, 408)


def test_a_body_that_drips_is_cut_off(impatient_server: LocalServer, sample: Sample) -> None:
    with RawClient(impatient_server.server_port) as client:
        client.send("POST /length HTTP/1.1", "Host: t", "Content-Length: 10000")
        dripping_until = time.monotonic() + 20
        while not select.select([client.socket], [], [], 0.05)[0]:
            assert time.monotonic() < dripping_until, "still waiting for the body"
            client.socket.sendall(b"a")
        assert_refused_and_closed(client, sample, 400)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: t\r\n\r\n", 414),
        (b"G" * 9000, 414),
        (b"GET / HTTP/1.1\r\nHost: t\r\n" + b"X: y\r\n" * 100 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: t\r\nX: " + b"a" * 40_000, 431),
        (b"GET / HTTP/1.1\r\nHost: t\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: t\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: t\r\nX: a\rContent-Length: 3\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: t\r\nX: a\x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: t\r\nno colon\r\nContent-Length: 3\r\n\r\nabc", 400),
        (b"GET / HTTP/1.1\r\nHost: t\r\n: no name\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: t\r\n\r\n", 400),
        (b"GET / / HTTP/1.1\r\nHost: t\r\n\r\n", 400),
        (b"GET nowhere HTTP/1.1\r\nHost: t\r\n\r\n", 400),
        (b"GET /#part HTTP/1.1\r\nHost: t\r\n\r\n", 400),
        (b"GET /\x00 HTTP/1.1\r\nHost: t\r\n\r\n", 400),
        (b"GET / HTTP/1.x\r\nHost: t\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: t\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
def test_a_malformed_head_is_refused(server: LocalServer, sample: Sample, head: bytes, status: int) -> None:
    with RawClient(server.server_port) as client:
        client.socket.sendall(head + (SMUGGLED if head.endswith(b"\r\n\r\n") else b""))
        assert_refused_and_closed(client, sample, status)


def test_a_head_is_understood_however_it_is_cut(server: LocalServer) -> None:
    request = b"\r\nPOST /length HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
    for size in (1, 3, 7):
        with RawClient(server.server_port) as client:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(request), size):
                client.socket.sendall(request[start : start + size])
            assert client.receive().body == b'{"bytes":4}'


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:9", "LOCALHOST"])
def test_a_request_meant_for_this_machine_is_served(sample: Sample, host: str) -> None:
    with running_server(sample, host_names=LOOPBACK_NAMES) as server, RawClient(server.server_port) as client:
        client.send("GET / HTTP/1.1", f"Host: {host}")
        assert client.receive().status == 200


_LEADING_ELSEWHERE = [
    "evil.test\\@127.0.0.1",
    "evil.test@127.0.0.1:1",
    "127.0.0.1/.evil.test",
    "localhost#@evil.test",
    "127.0.0.1:x",
]


@pytest.mark.parametrize(
    "host",
    ["evil.test", "evil.test:8000", "127.0.0.1.evil.test", "localhost@evil.test", "[", "", *_LEADING_ELSEWHERE],
)
def test_a_request_meant_for_another_name_is_refused(sample: Sample, host: str) -> None:
    with running_server(sample, host_names=LOOPBACK_NAMES) as server, RawClient(server.server_port) as client:
        client.send("GET / HTTP/1.1", f"Host: {host}")
        assert client.receive().status == 403
    assert sample.calls == []


@pytest.mark.parametrize("query", ["key=%ff", "key=%ed%a0%80", "%fe=1", "key=%c3"])
def test_a_query_that_is_no_utf8_is_refused_before_it_becomes_another(
    server: LocalServer, sample: Sample, query: str
) -> None:
    with RawClient(server.server_port) as client:
        assert client.get(f"/?{query}").status == 400
    assert sample.calls == []
