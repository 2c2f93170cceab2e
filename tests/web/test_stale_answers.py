"""Answers made from rows that may be old say so on every face, and nobody keeps them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from chalicelib.domain.accounts import Principal, Standing
from chalicelib.domain.gallery import Cursor, GalleryEntry
from chalicelib.domain.images import Image
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.ports import Row
from chalicelib.domain.search import EVERYTHING, Query
from chalicelib.services.staleness import Staleness
from tests.answer import Answer
from tests.fakes import MemoryParts, memory_app
from tests.fakes.gallery_rows import MemoryGalleryRows
from tests.fakes.image_rows import MemoryImageRows
from tests.fakes.parts import memory_config
from tests.fakes.store import MemoryStore
from tests.web.caller import JSON, Caller

NOTICE = "may be some seconds old"
IMAGE = "/api/v1/images/k1"


class RowsOfAReplica(MemoryImageRows):
    """The rows, noted as stale while the primary is said to be down."""

    primary_is_down = False
    staleness: Staleness

    def row(self, principal: Principal, key: bytes) -> Row:
        self._read()
        return super().row(principal, key)

    def row_to_change(self, principal: Principal, key: bytes) -> Row:
        return super().row(principal, key)

    def page(self, principal: Principal, after: bytes | None, limit: int) -> list[Image]:
        self._read()
        return super().page(principal, after, limit)

    def keys(self, principal: Principal) -> list[bytes]:
        self._read()
        return super().keys(principal)

    def _read(self) -> None:
        if self.primary_is_down:
            self.staleness.note()


class GalleryOfAReplica(MemoryGalleryRows):
    """The gallery's list, noted as stale while the primary is said to be down."""

    def __init__(self, store: MemoryStore, rows: RowsOfAReplica) -> None:
        super().__init__(store)
        self._rows = rows

    def page(
        self, principal: Principal, after: Cursor | None, limit: int, query: Query = EVERYTHING
    ) -> tuple[Sequence[GalleryEntry], ListSource]:
        self._rows._read()
        return super().page(principal, after, limit, query)

    def standing(self, principal: Principal) -> Standing:
        self._rows._read()
        return super().standing(principal)


class Case:
    """The application on such rows, with one image."""

    def __init__(self, inline_bytes: int = 1 << 20) -> None:
        parts = MemoryParts()
        self.rows = RowsOfAReplica(parts.store)
        gallery_rows = GalleryOfAReplica(parts.store, self.rows)
        services = parts.services(
            image_rows=self.rows, gallery_rows=gallery_rows, config=memory_config(inline_bytes=inline_bytes)
        )
        self.rows.staleness = services.images.staleness
        self.call = Caller(parts)
        self.call.app = memory_app(services)
        assert self.call("PUT", IMAGE, body=b"the bytes").status == 201

    @contextmanager
    def primary_down(self) -> Iterator[None]:
        self.rows.primary_is_down = True
        try:
            yield
        finally:
            self.rows.primary_is_down = False


@pytest.fixture
def case() -> Case:
    return Case()


def marks(answer: Answer) -> tuple[str | None, str, bool]:
    """X-Stale, Cache-Control, and whether Server-Timing names the replica."""
    headers = answer.headers
    return headers.get("x-stale"), headers["cache-control"], "replica" in headers.get("server-timing", "")


STALE = ("replica", "no-store", True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", IMAGE),
        ("GET", "/api/v1/images"),
        ("GET", "/api/v1/image/metadata?key=k1"),
        ("GET", "/api/key/k1"),
        ("POST", "/api/key/k1"),
        ("POST", "/api/list_keys"),
        ("GET", "/content?key=k1"),
        ("GET", "/"),
        ("GET", "/image?key=k1"),
        ("GET", "/keys"),
        ("GET", "/delete?key=k1"),
        ("GET", "/delete-all"),
    ],
)
def test_every_face_says_it_and_only_then(case: Case, method: str, path: str) -> None:
    fresh = case.call(method, path)
    with case.primary_down():
        stale = case.call(method, path)
    again = case.call(method, path)
    assert [answer.status for answer in (fresh, stale, again)] == [200] * 3
    assert marks(stale) == STALE
    assert marks(fresh) == marks(again) != STALE
    assert fresh.headers.get("x-stale") is None
    if stale.headers["content-type"].startswith("text/html"):
        assert [NOTICE in answer.body.decode() for answer in (fresh, stale, again)] == [False, True, False]
    else:
        assert stale.body == fresh.body


def test_where_the_bytes_came_from_is_still_told(case: Case) -> None:
    case.call("GET", IMAGE)
    with case.primary_down():
        timing = case.call("GET", IMAGE).headers["server-timing"]
    assert timing.startswith('rows;desc="replica, may be old", source;desc="node ')


def test_a_copy_is_not_confirmed_by_a_row_that_may_be_old(case: Case) -> None:
    known = {"If-None-Match": case.call("GET", IMAGE).headers["etag"]}
    assert case.call("GET", IMAGE, known).status == 304
    with case.primary_down():
        answer = case.call("GET", IMAGE, known)
    assert (answer.status, answer.body) == (200, b"the bytes")
    assert marks(answer) == STALE
    assert case.call("GET", IMAGE, known).status == 304


def test_a_redirect_is_not_kept_either() -> None:
    case = Case(inline_bytes=1)
    with case.primary_down():
        answer = case.call("GET", IMAGE, {"If-None-Match": "*"})
    assert (answer.status, *marks(answer)) == (302, *STALE)


@pytest.mark.parametrize("path", ["/api/v1/images/other", "/api/key/other", "/image?key=other", "/retrieve?key=other"])
def test_an_image_that_an_old_row_does_not_know_is_not_denied(case: Case, path: str) -> None:
    assert case.call("GET", path).status == 404
    with case.primary_down():
        answer = case.call("GET", path)
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert answer.headers["cache-control"] == "no-store"


def test_a_write_is_not_decided_by_a_row_that_may_be_old(case: Case) -> None:
    with case.primary_down():
        answer = case.call("PUT", IMAGE, body=b"other bytes")
    assert answer.status == 200
    assert answer.headers.get("x-stale") is None


def test_what_reads_no_rows_says_nothing(case: Case) -> None:
    with case.primary_down():
        case.call("GET", IMAGE)
        for path in ("/upload", "/api/openapi.json", "/nowhere"):
            assert case.call("GET", path).headers.get("x-stale") is None
        refused = case.call("POST", "/api/key", JSON, json.dumps({}).encode())
    assert (refused.status, refused.headers.get("x-stale")) == (400, None)
