"""What the application is given by the HTTP server of the local run, and what of its answers reaches the client."""

import json
import random
from collections.abc import Iterator

import pytest

from ops.local.http_server import LocalServer
from tests.chalice_sample import RawClient, make_sample, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with running_server(make_sample()) as running:
        yield running


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("/keys/a%20b%2Fc%25", "a%20b%2Fc%25"),
        ("/keys/a;b;c", "a%3Bb%3Bc"),
        ("/keys/\xc3\xa0\xc2\x85", "%C3%A0%C2%85"),
        ("/keys/a/", "a"),
        ("//keys/a", "a"),
        ("http://elsewhere/keys/a", "a"),
    ],
)
def test_path_parameters_arrive_as_they_were_encoded(server: LocalServer, target: str, key: str) -> None:
    with RawClient(server.server_port) as client:
        assert json.loads(client.get(target).body)["key"] == key


def test_query_and_repeated_headers(server: LocalServer) -> None:
    with RawClient(server.server_port) as client:
        query = json.loads(client.get("/keys/a?name=%C3%BC;+&name=&name=\xc3\xa0").body)
        assert query["names"] == ["ü; ", "", "à"]
        headers = json.loads(client.get("/headers", "X-Twice: first", "x-twice: last").body)
        assert headers["x-twice"] == "last"
        cookies = [value for name, value in client.get("/cookies").headers if name == "set-cookie"]
        assert cookies == ["a=1", "b=2"]


def test_binary_bodies_come_back_byte_for_byte(server: LocalServer) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    source = random.Random(seed)
    with RawClient(server.server_port) as client:
        for size in (1, 65_535, 65_536, 65_537, 999_999):
            body = source.randbytes(size)
            client.send(
                "POST /echo HTTP/1.1",
                "Host: t",
                "Accept: image/png",
                "Content-Type: image/png",
                f"Content-Length: {size}",
                body=body,
            )
            assert client.receive().body == body
