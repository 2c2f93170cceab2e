"""/api/v1: statuses, conditional requests, pages of a list, redirects."""

import hashlib
import re
from urllib.parse import quote

import pytest

from chalicelib.domain.errors import RowsUnavailableError
from tests.answer import Answer
from tests.fakes import MemoryParts
from tests.fakes.parts import memory_app, memory_config
from tests.web.caller import MULTIPART, Caller, multipart

PICTURE = b"\x89PNG the inspector is a fake here"
ETAG = f'"{hashlib.sha256(PICTURE).hexdigest()}"'


@pytest.fixture
def call() -> Caller:
    return Caller()


def test_put_creates_then_replaces(call: Caller) -> None:
    created = call("PUT", "/api/v1/images/k1", body=PICTURE)
    assert (created.status, created.headers["etag"], created.json["partition"]) == (201, ETAG, 12)
    assert created.headers["location"] == "/api/v1/image?key=k1"
    replaced = call("PUT", "/api/v1/images/k1", body=b"other")
    assert (replaced.status, "location" in replaced.headers) == (200, False)
    assert call("GET", "/api/v1/images/k1").body == b"other"


def test_an_upload_by_form_is_the_same(call: Caller) -> None:
    assert call("POST", "/api/v1/images", MULTIPART, multipart(key="k1", file=PICTURE)).status == 201
    assert call("GET", "/api/v1/images/k1").body == PICTURE


def test_get_gives_the_bytes_their_type_and_where_they_came_from(call: Caller) -> None:
    call("PUT", "/api/v1/images/k1", body=PICTURE)
    first, second = call("GET", "/api/v1/images/k1"), call("GET", "/api/v1/images/k1")
    for answer in (first, second):
        assert (answer.status, answer.body, answer.headers["content-type"]) == (200, PICTURE, "image/png")
        assert answer.headers["etag"] == ETAG
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert 'source;desc="origin, partition 12"' in first.headers["server-timing"]
    assert 'source;desc="node node-b, partition 12"' in second.headers["server-timing"]
    assert re.search(r"row;dur=[\d.]+, cache;dur=[\d.]+, total;dur=[\d.]+$", second.headers["server-timing"])


def test_head_answers_as_get(call: Caller) -> None:
    call("PUT", "/api/v1/images/k1", body=PICTURE)
    answer = call("HEAD", "/api/v1/images/k1")
    assert (answer.status, answer.headers["etag"]) == (200, ETAG)


def test_known_bytes_are_not_sent_again(call: Caller) -> None:
    call("PUT", "/api/v1/images/k1", body=PICTURE)
    for known in (ETAG, f"W/{ETAG}", f'"x", {ETAG}', "*"):
        answer = call("GET", "/api/v1/images/k1", {"If-None-Match": known})
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", ETAG)
    assert call("GET", "/api/v1/images/k1", {"If-None-Match": '"x"'}).status == 200


@pytest.mark.parametrize(
    "key", ["a/b", "..", "100%", "%41", " a ", "שלום", "é", "e\u0301", "a;b", "a+b", "a&b=c", "<b>"]
)
def test_any_key_travels_in_the_query(call: Caller, key: str) -> None:
    path = f"/api/v1/image?key={quote(key, safe='')}"
    created = call("PUT", path, body=PICTURE)
    assert (created.status, created.json["key"]) == (201, key)
    assert call("GET", created.json["content"]).body == PICTURE
    assert call("GET", f"/api/v1/image/metadata?key={quote(key, safe='')}").json["key"] == key
    assert call("DELETE", path).status == 204
    assert call("GET", path).status == 404


def test_a_write_may_ask_for_the_image_that_it_knows(call: Caller) -> None:
    path = "/api/v1/images/k1"
    assert call("PUT", path, {"If-Match": "*"}, PICTURE).status == 412
    assert call("PUT", path, {"If-None-Match": "*"}, PICTURE).status == 201
    assert call("PUT", path, {"If-None-Match": "*"}, b"other").status == 412
    assert call("PUT", path, {"If-Match": '"x"'}, b"other").status == 412
    assert call("DELETE", path, {"If-Match": '"x"'}).status == 412
    assert call("PUT", path, {"If-Match": f"W/{ETAG}"}, b"other").status == 412  # only strong tags match a write
    assert call("GET", path).body == PICTURE
    assert call("PUT", path, {"If-Match": ETAG}, b"other").status == 200


def test_a_list_is_paged_in_byte_order_and_each_image_comes_once(call: Caller) -> None:
    keys = sorted(["a", "B", "é", "e\u0301", "a ", "🙂", "z" * 255], key=str.encode)
    for key in keys:
        call("PUT", f"/api/v1/image?key={quote(key, safe='')}", body=PICTURE)
    seen, path = [], "/api/v1/images?limit=3"
    while path:
        answer = call("GET", path)
        seen += [image["key"] for image in answer.json["images"]]
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        assert (link is None) == (answer.json["next_cursor"] is None)
        path = link[1] if link else ""
    assert seen == keys


def test_delete_all_must_be_asked_for(call: Caller) -> None:
    call("PUT", "/api/v1/images/k1", body=PICTURE)
    assert call("DELETE", "/api/v1/images").status == 400
    assert call("DELETE", "/api/v1/images?all=true").json == {"deleted": 1}
    assert call("GET", "/api/v1/images").json["images"] == []


def test_an_image_too_large_for_an_answer_is_redirected_to_a_signed_address() -> None:
    parts = MemoryParts()
    call = Caller(parts)
    call.app = memory_app(parts.services(config=memory_config(inline_bytes=len(PICTURE))))
    call("PUT", "/api/v1/images/small", body=PICTURE)
    call("PUT", "/api/v1/images/large", body=PICTURE + b"!")
    assert call("GET", "/api/v1/images/small").status == 200
    answer = call("GET", "/api/v1/images/large")
    assert (answer.status, answer.body) == (302, b"")
    assert "originals/" in answer.headers["location"]
    assert re.search(
        r'source;desc="origin, partition \d+, signed", rows;desc="primary", row;dur=', answer.headers["server-timing"]
    )
    assert "objects.get" not in parts.steps.taken[-1:]


def test_behind_a_cdn_a_large_image_is_given_by_an_address_there() -> None:
    parts = MemoryParts()
    call = Caller(parts)

    class Addresses:
        def signed_address(self, object_key: str, media_type: str, seconds: int) -> str:
            return f"https://images.example.org/{object_key}?for={seconds}"

    services = parts.services(config=memory_config(inline_bytes=1), image_addresses=Addresses())
    call.app = memory_app(services)
    assert call("PUT", "/api/v1/image?key=k1", body=PICTURE).status == 201
    answer = call("GET", "/api/v1/image?key=k1")
    (image,) = parts.store.images.values()
    assert answer.status == 302
    assert answer.headers["location"] == f"https://images.example.org/{image.object_key}?for=300"


def test_health_says_whether_there_are_nodes() -> None:
    assert Caller()("GET", "/health").json == {"status": "ok", "nodes": 2}
    empty = Caller(MemoryParts(nodes=()))("GET", "/health")
    assert (empty.status, empty.json["nodes"]) == (503, 0)


def test_a_database_that_is_away_is_a_503_with_a_hint(call: Caller) -> None:
    call.parts.steps.fail("rows.row", RowsUnavailableError("The database cannot be reached."))
    answer = call("GET", "/api/v1/images/k1")
    assert (answer.status, answer.headers["retry-after"], answer.json["type"]) == (
        503,
        "2",
        "urn:elastic-images:problem:unavailable",
    )


def test_a_fault_of_ours_is_a_500_without_a_trace(call: Caller) -> None:
    call.parts.steps.fail("rows.row", ZeroDivisionError("secret detail"))
    answer = call("GET", "/api/v1/images/k1")
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://shop.test", "Host": "shop.test"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://shop.test", "Host": "inner.test"}, True),
        ({"Origin": "http://evil.test", "Host": "shop.test"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "null", "Host": "shop.test"}, False),
    ],
)
def test_a_page_of_another_site_changes_nothing(call: Caller, headers: dict[str, str], allowed: bool) -> None:
    answer = call("PUT", "/api/v1/images/k1", headers, PICTURE)
    assert answer.status == (201 if allowed else 403)
    assert call("GET", "/api/v1/images/k1").status == (200 if allowed else 404)


def test_paths_lie_under_the_stage_s_name_on_api_gateway() -> None:
    from chalice.app import Request

    from chalicelib.web.addresses import rooted

    def request(resource: str, full: str) -> Request:
        return Request(
            {
                "requestContext": {"resourcePath": resource, "path": full, "httpMethod": "GET"},
                "multiValueQueryStringParameters": None,
                "headers": {},
                "pathParameters": {},
                "body": None,
                "stageVariables": None,
            }
        )

    assert rooted(request("/api/v1/images/{key}", "/live/api/v1/images/k1"), "/keys") == "/live/keys"
    assert rooted(request("/api/v1/images/{key}", "/api/v1/images/k1"), "/keys") == "/keys"
    assert rooted(request("/", "/live/"), "/keys") == "/live/keys"
    assert rooted(request("/", "/"), "/keys") == "/keys"


def test_a_post_says_what_is_done_if_the_key_is_taken() -> None:
    caller = Caller()

    def post(data: bytes, if_taken: str) -> Answer:
        return caller(
            "POST", "/api/v1/images", MULTIPART, multipart(key=b"a.png", file=data, if_taken=if_taken.encode())
        )

    assert (post(b"1", "").status, post(b"1", "refuse").status) == (201, 412)
    kept = post(b"22", "keep-both")
    assert (kept.status, kept.json["key"], kept.json["stored"]) == (201, "a (2).png", True)
    there = post(b"1", "keep-both")
    assert (there.status, there.json["key"], there.json["stored"]) == (200, "a.png", False)
    assert (post(b"333", "replace").status, post(b"4", "whatever").status) == (200, 400)
    assert [caller("GET", f"/api/v1/image?key={key}").body for key in ("a.png", "a%20(2).png")] == [b"333", b"22"]
