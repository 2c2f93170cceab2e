"""Every route with every kind of wrong input: a clear error in the face's form, never a 500, nothing stored."""

import json

import pytest

from chalicelib.web.json_lists import MOST_BODY_BYTES
from tests.fakes.parts import memory_config
from tests.web.caller import JSON, MULTIPART, URLENCODED, QuickCaller, multipart

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
LISTS = ("/api/v1/actions", "/api/v1/trash/actions", "/api/v1/downloads")  # their bodies hold a thousand keys
ROUTES = sorted((path, method) for path, methods in QuickCaller().app.routes.items() for method in methods)
WRONG_BODIES = {
    "nothing": ({}, b""),
    "an empty form": (URLENCODED, b""),
    "unknown fields": (URLENCODED, b"colour=blue&key=&file="),
    "a key that is no UTF-8": (URLENCODED, b"key=%ff%fe&file=x"),
    "a key with a control character": (URLENCODED, b"key=a%00b&file=x"),
    "a key that is too long": (URLENCODED, b"key=" + b"a" * 256 + b"&file=x"),
    "more fields than any form has": (URLENCODED, b"&".join(b"f%d=1" % number for number in range(100))),
    "a truncated multipart form": (MULTIPART, multipart(key="k", file=b"x" * 1000)[:300]),
    "a multipart form without boundary": ({"Content-Type": "multipart/form-data"}, b"--\r\n"),
    "a multipart form that is none": (MULTIPART, b"\x00\xff" * 100),
    "broken JSON": (JSON, b'{"key": '),
    "JSON of the wrong type": (JSON, b'{"key": {"a": 1}, "rate": [], "numNodes": null}'),
    "JSON with a name that is no text": (JSON, b'{"\\ud800": true}'),
    "JSON with a value that is no text": (JSON, b'{"key": "\\ud800", "rate": "\\ud800"}'),
    "JSON nested too deep": (JSON, b"[" * 100_000),
    "another content type": ({"Content-Type": "application/x-unknown"}, b"x"),
    "a content type that is none": ({"Content-Type": ";;;=,"}, b"x"),
}


def _path(route: str, key: str = "nope") -> str:
    return route.replace("{key}", key).replace("{name}", key)


def _assert_clear(path: str, status: int, content_type: str, body: bytes) -> None:
    assert status < 500, body
    assert b"Traceback" not in body
    if status < 400 or not body:
        return
    if path.startswith(("/api/v1", "/health", "/api/openapi.json")):
        assert content_type == "application/problem+json"
        assert {"type", "title", "status", "detail", "errors", "request_id"} == json.loads(body).keys()
    elif path.startswith("/api/"):
        failure = json.loads(body)
        assert (failure["success"], failure["error"]["code"]) == ("false", status)
        assert failure["error"]["message"]
    elif path.startswith("/static/"):
        assert content_type.startswith("text/plain")
    else:
        assert content_type.startswith("text/html")


@pytest.mark.parametrize("wrong", WRONG_BODIES)
@pytest.mark.parametrize(("route", "method"), ROUTES)
def test_wrong_bodies(route: str, method: str, wrong: str) -> None:
    call = QuickCaller()
    headers, body = WRONG_BODIES[wrong]
    answer = call(method, _path(route), headers, body)
    if "{key}" in route and method == "PUT":  # any bytes are a body here; what they are is the inspector's to say
        assert answer.status == 201
        return
    _assert_clear(route, answer.status, answer.headers.get("content-type", ""), answer.body)
    assert call("POST", "/api/list_keys").json["keys"] == []
    assert not [step for step in call.parts.steps.taken if step.startswith("objects.")]


@pytest.mark.parametrize("key", ["%00", "%0a", "%ff", "a" * 256, "%ed%a0%80"])
@pytest.mark.parametrize(("route", "method"), [each for each in ROUTES if "{key}" in each[0]])
def test_keys_in_a_path_that_are_none(route: str, method: str, key: str) -> None:
    answer = QuickCaller()(method, _path(route, key), body=b"x")
    assert answer.status == 400
    _assert_clear(route, answer.status, answer.headers["content-type"], answer.body)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "key=",
        "key=%00",
        "key=" + "a" * 256,
        "key=nope",
        "limit=0",
        "limit=x",
        "limit=000000001" + "9" * 40,
        "limit=0000000019999",
        "cursor=%21",
        "cursor=" + "A" * 5000,
    ],
)
@pytest.mark.parametrize(("route", "method"), ROUTES)
def test_wrong_queries(route: str, method: str, query: str) -> None:
    call = QuickCaller()
    answer = call(method, f"{_path(route)}?{query}")
    _assert_clear(route, answer.status, answer.headers.get("content-type", ""), answer.body)


@pytest.mark.parametrize("route", sorted({route for route, _ in ROUTES}))
@pytest.mark.parametrize("method", METHODS)
def test_wrong_methods(route: str, method: str) -> None:
    if (route, method) in ROUTES:
        return
    answer = QuickCaller()(method, _path(route))
    assert answer.status == 405


@pytest.mark.parametrize(("route", "method"), [each for each in ROUTES if each[1] in ("POST", "PUT")])
def test_bodies_over_the_limit(route: str, method: str) -> None:
    call = QuickCaller()
    call.serve(call.parts.services(config=memory_config(max_upload_bytes=1000)))
    more = MOST_BODY_BYTES if route in LISTS else 0
    body = multipart(key="k1", file=b"x" * (70_000 + more))
    path = _path(route) + "?key=k1"
    answer = call(method, path, MULTIPART, body) if route.startswith("/api") else call.submit(path, MULTIPART, body)
    if route in ("/api/list_keys", "/api/getNumNodes", "/api/delete_all", "/api/v1/fleet/clear") or (
        ("{key}" in route or "{upload_id}" in route) and method == "POST"
    ):
        assert answer.status in (200, 404)  # these read no body
        return
    assert answer.status == 413
    _assert_clear(route, answer.status, answer.headers["content-type"], answer.body)
    assert call("POST", "/api/list_keys").json["keys"] == []
