"""Pages of the local run itself stand beside the application's, for this machine alone."""

from collections.abc import Iterator

import pytest

from ops.local.http_answers import Answer
from ops.local.http_server import LOOPBACK_NAMES, LocalServer, build_server
from tests.chalice_sample import RawClient, Sample, make_sample, serving


def own_page(path: str) -> Answer | None:
    return Answer(200, (("Content-Type", "text/plain"),), b"own") if path == "/_local/page" else None


@pytest.fixture
def sample() -> Sample:
    return make_sample()


@pytest.fixture
def server(sample: Sample) -> Iterator[LocalServer]:
    made = build_server(sample.app, "127.0.0.1", 0, max_body_bytes=1000, host_names=LOOPBACK_NAMES, own_pages=own_page)
    with serving(made):
        yield made


def test_an_own_page_is_answered_before_the_application_and_the_connection_stays(
    server: LocalServer, sample: Sample
) -> None:
    with RawClient(server.server_port) as client:
        assert client.get("/_local/page?x=1").body == b"own"
        assert client.get("/_local/page", method="HEAD").status == 200
        assert client.get("/").body == b'{"hello":"world"}'
        assert client.get("/_local/other").status == 404
        assert client.get("/_local/page", "Content-Length: 0", method="POST").status == 404
    assert sample.calls == ["GET /"]


def test_an_own_page_is_not_answered_under_another_site_s_name(server: LocalServer) -> None:
    with RawClient(server.server_port) as client:
        client.send("GET /_local/page HTTP/1.1", "Host: evil.example")
        answer = client.receive()
        assert (answer.status, b"own" in answer.body) == (403, False)


def test_without_own_pages_their_paths_are_nothing(sample: Sample) -> None:
    with (
        serving(made := build_server(sample.app, "127.0.0.1", 0, max_body_bytes=1000)),
        RawClient(made.server_port) as client,
    ):
        assert client.get("/_local/page").status == 404
