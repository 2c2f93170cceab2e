"""The HTTP server of the local run serves people well: over real sockets, with a small Chalice application."""

import concurrent.futures
import json
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from ops.local.http_server import LocalServer, build_server
from tests.chalice_sample import LARGE_BODY, RawClient, Sample, make_sample, running_server, serving


@pytest.fixture
def sample() -> Sample:
    return make_sample()


@pytest.fixture
def server(sample: Sample) -> Iterator[LocalServer]:
    with running_server(sample) as running:
        yield running


def test_many_requests_on_one_connection_do_not_stall(server: LocalServer) -> None:
    started = time.monotonic()
    with RawClient(server.server_port) as client:
        for _ in range(200):
            assert client.get("/").status == 200
            assert client.get("/large", "Accept: application/octet-stream").body == LARGE_BODY
            client.socket.sendall(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n" * 2)
            assert [client.receive().status for _ in range(2)] == [200, 200]
    # Small pieces held back for the client's delayed ACK (some 40 ms) would make it 15 s.
    assert time.monotonic() - started < 7


def test_expect_100_continue_is_answered_before_the_body(server: LocalServer) -> None:
    with RawClient(server.server_port) as client:
        client.send("POST /length HTTP/1.1", "Host: t", "Content-Length: 5", "Expect: 100-continue")
        assert client.receive().status == 100
        client.socket.sendall(b"12345")
        assert client.receive().body == b'{"bytes":5}'
        assert client.get("/").status == 200


@pytest.mark.parametrize(
    ("target", "length", "status"), [("/length", 2_000_000, 413), ("/nowhere", 5, 404), ("/", 5, 405)]
)
def test_what_will_be_refused_is_not_asked_to_continue(
    server: LocalServer, target: str, length: int, status: int
) -> None:
    with RawClient(server.server_port) as client:
        client.send(f"POST {target} HTTP/1.1", "Host: t", f"Content-Length: {length}", "Expect: 100-continue")
        answer = client.receive()
        assert (answer.status, answer.header("connection")) == (status, "close")
        assert client.ended()


def test_an_unknown_expectation_is_refused(server: LocalServer) -> None:
    with RawClient(server.server_port) as client:
        assert client.get("/", "Expect: a-miracle").status == 417


def test_200_connections_waiting_at_once_are_all_answered(sample: Sample) -> None:
    server = build_server(sample.app, "127.0.0.1", 0, max_body_bytes=1000)
    clients = []
    try:
        # Nothing accepts yet: all 200 stand in the backlog.
        for _ in range(200):
            clients.append(RawClient(server.server_port, timeout_seconds=20))
            clients[-1].send("GET / HTTP/1.1", "Host: t")
        with serving(server):
            assert [client.receive().status for client in clients] == [200] * 200
    finally:
        for client in clients:
            client.__exit__()


def test_requests_at_the_same_time_each_see_their_own(server: LocalServer) -> None:
    def ask(number: int) -> bool:
        with RawClient(server.server_port) as client:
            for turn in range(20):
                answer = json.loads(client.get(f"/keys/{number}-{turn}?name={number}").body)
                if answer != {"key": f"{number}-{turn}", "names": [str(number)]}:
                    return False
        return True

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(32)))


def test_pipelined_requests_are_answered_in_order(server: LocalServer) -> None:
    post = b"POST /length HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc"
    get = b"GET /keys/%d HTTP/1.1\r\nHost: t\r\n\r\n"
    with RawClient(server.server_port) as client:
        client.socket.sendall(get % 1 + post + b"\r\n" + get % 2)
        bodies = [json.loads(client.receive().body) for _ in range(3)]
    assert bodies == [{"key": "1", "names": None}, {"bytes": 3}, {"key": "2", "names": None}]


def test_http_1_0_is_closed_unless_it_asks_to_stay(server: LocalServer) -> None:
    with RawClient(server.server_port) as client:
        client.send("GET / HTTP/1.0", "Connection: keep-alive")
        assert client.receive().header("connection") == "keep-alive"
        client.send("GET / HTTP/1.0")
        answer = client.receive()
        assert (answer.status, answer.header("connection")) == (200, "close")
        assert client.ended()


def test_connection_close_is_obeyed(server: LocalServer) -> None:
    with RawClient(server.server_port) as client:
        assert client.get("/", "Connection: foo, Close").header("connection") == "close"
        assert client.ended()


@pytest.mark.parametrize(
    ("method", "target", "status", "length"),
    [
        ("HEAD", "/", 200, "17"),
        ("HEAD", "/status/200", 200, "6"),
        ("HEAD", "/nowhere", 404, "46"),
        ("GET", "/status/204", 204, None),
        ("GET", "/status/304", 304, None),
    ],
)
def test_answers_without_a_body_leave_the_connection_in_step(
    server: LocalServer, method: str, target: str, status: int, length: str | None
) -> None:
    with RawClient(server.server_port) as client:
        for _ in range(3):
            answer = client.get(target, "Accept: image/png", method=method)
            assert (answer.status, answer.header("content-length")) == (status, length)
            assert client.get("/keys/next").body == b'{"key":"next","names":null}'


@pytest.mark.parametrize("target", ["/text-where-bytes-are-due", "/split-header", "/failing"])
def test_a_failing_application_gives_500_in_json_and_no_traceback(
    server: LocalServer, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    with RawClient(server.server_port) as client:
        answer = client.get(target, "Accept: image/png")
        assert answer.status == 500
        assert answer.header("content-type") == "application/json"
        assert answer.header("set-cookie") is None
        assert b"secret" not in answer.body
        assert b"Traceback" not in answer.body
        assert client.get("/").status == 200
    if target != "/failing":  # That one Chalice itself catches, and logs to standard output.
        assert any(record.name == "ops.local.http.error" and record.exc_info for record in caplog.records)


def test_debug_mode_does_not_show_tracebacks(sample: Sample) -> None:
    sample.app.debug = True
    with running_server(sample) as server, RawClient(server.server_port) as client:
        assert b"secret" not in client.get("/failing").body


def test_own_errors_are_small_json(server: LocalServer) -> None:
    with RawClient(server.server_port) as client:
        # Authorization makes Chalice's own local gateway quote it in a 403, and fail on characters beyond ASCII.
        unknown = client.get("/nowhere", "Authorization: \xfc")
        assert (unknown.status, json.loads(unknown.body)) == (404, {"message": "Nothing is served at this path."})
        assert unknown.header("content-type") == "application/json"
        assert unknown.header("x-content-type-options") == "nosniff"
        wrong = client.get("/", method="DELETE")
        assert (wrong.status, wrong.header("allow")) == (405, "GET, HEAD")
        assert "DELETE" in json.loads(wrong.body)["message"]
        assert client.get("/", method="OPTIONS").status == 405
        strange = client.get("/", method="BREW")
        assert (strange.status, "BREW" in json.loads(strange.body)["message"]) == (501, True)


def test_a_body_sent_to_a_wrong_place_is_read_and_dropped(server: LocalServer, sample: Sample) -> None:
    with RawClient(server.server_port) as client:
        for target, status in (("/nowhere", 404), ("/", 405)):
            body = b"GET /large HTTP/1.1\r\nHost: t\r\n\r\n"
            client.send(f"POST {target} HTTP/1.1", "Host: t", f"Content-Length: {len(body)}", body=body)
            assert client.receive().status == status
        assert client.get("/").status == 200
    assert sample.calls == ["GET /"]


def test_the_application_renders_the_servers_errors_by_path(sample: Sample) -> None:
    def render(status: int, message: str, path: str, cookies: str) -> tuple[dict[str, str], bytes]:
        if path.startswith("/broken"):
            raise RuntimeError("secret detail")
        return {"Content-Type": "text/plain", "X-Frame-Options": "DENY"}, f"{status} {path} {message}{cookies}".encode()

    with running_server(sample, gateway_answer=render) as server, RawClient(server.server_port) as client:
        answer = client.get("/pages/x?y=1")
        assert answer.header("content-type") == "text/plain"
        assert answer.header("x-frame-options") == "DENY"
        assert answer.body == b"404 /pages/x Nothing is served at this path."
        client.send("GET /themed HTTP/1.1", "Host: t", "Cookie: theme=dark")
        assert client.receive().body == b"404 /themed Nothing is served at this path.theme=dark"
        broken = client.get("/broken")
        assert (broken.status, broken.header("content-type")) == (404, "application/json")
        assert client.get("/", method="BREW").body.startswith(b"501 / ")
        client.send("nonsense")
        assert client.receive().body == b"400  The request line is malformed."


def test_one_access_line_per_request(sample: Sample, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ops.local.http.access")
    with running_server(sample) as server, RawClient(server.server_port) as client:
        client.get("/keys/\xc2\x9b31m%0a?name=secret")
        client.get("/nowhere")
        client.send("GET /\x1b[31m HTTP/1.1")
        client.receive()
    lines = [record.getMessage() for record in caplog.records if record.name == "ops.local.http.access"]
    assert [line.rpartition(" ")[0] for line in lines] == [
        "GET /keys/%C2%9B31m%0a 200 41",
        "GET /nowhere 404 46",
        "- - 400 45",
    ]
    assert all(float(line.rpartition(" ")[2].removesuffix("ms")) >= 0 for line in lines)


def test_the_end_waits_for_a_request_and_not_for_idle_connections(sample: Sample) -> None:
    server = build_server(sample.app, "127.0.0.1", 0, max_body_bytes=1000, request_timeout_seconds=60)
    accepting = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    accepting.start()
    with RawClient(server.server_port) as idle, RawClient(server.server_port) as busy:
        idle.get("/")
        busy.send("GET /waiting HTTP/1.1", "Host: t")
        assert sample.entered.wait(20)
        server.shutdown()
        closing = threading.Thread(target=server.server_close)
        closing.start()
        assert idle.ended()
        sample.release.set()
        answer = busy.receive()
        assert (answer.status, answer.header("connection")) == (200, "close")
        assert busy.ended()
        closing.join(20)
        assert not closing.is_alive()
    accepting.join(20)
    assert not accepting.is_alive()


def test_one_application_can_be_served_twice(sample: Sample) -> None:
    for _ in range(2):
        with running_server(sample) as server, RawClient(server.server_port) as client:
            assert client.get("/").status == 200
