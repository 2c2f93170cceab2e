"""A client of the running store, over real HTTP, for end-to-end tests."""

import http.client
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from tests.answer import Answer

SECONDS = 30


class StoreClient:
    """One connection after another to the store at an address."""

    def __init__(self, address: str) -> None:
        self._host = urlsplit(address).netloc

    def __call__(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection(self._host, timeout=SECONDS)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            answer = connection.getresponse()
            lowered = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, lowered, answer.read())
        finally:
            connection.close()

    def put(self, key: str | bytes, data: bytes) -> Answer:
        return self("PUT", image_path(key), data)

    def get(self, key: str | bytes) -> Answer:
        return self("GET", image_path(key))


def image_path(key: str | bytes) -> str:
    """The address of an image by its key."""
    return f"/api/v1/image?key={quote(key, safe='')}"
