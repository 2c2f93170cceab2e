"""Uploads over HTTP, and requests that carry an Idempotency-Key."""

import json
from datetime import datetime
from typing import Any

import pytest

from chalicelib.domain.errors import ObjectsUnavailableError, UnreadableImageError
from tests.answer import Answer
from tests.web.caller import JSON, MULTIPART, Caller, multipart

DATA = b"\x89PNG the inspector is a fake here"
BEGINNING: dict[str, Any] = {"key": "k1", "media_type": "image/png", "size": len(DATA)}


@pytest.fixture
def call() -> Caller:
    return Caller()


def begin(call: Caller, idempotency_key: str | None = None, **changes: Any) -> Answer:
    named = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    return call("POST", "/api/v1/uploads", {**JSON, **named}, json.dumps({**BEGINNING, **changes}).encode())


def posted(call: Caller, **changes: Any) -> str:
    """The path of an upload whose bytes have arrived."""
    begun = begin(call, **changes).json
    call.parts.objects.arrive(begun["fields"]["key"], DATA)
    return f"/api/v1/uploads/{begun['id']}"


def test_a_beginning_answers_with_the_form(call: Caller) -> None:
    answer = begin(call)
    assert answer.status == 201
    assert answer.headers["location"] == f"/api/v1/uploads/{answer.json['id']}"
    assert answer.json["url"] == "https://objects.test/"
    assert answer.json["fields"]["key"].endswith("/" + answer.json["id"])
    assert datetime.fromisoformat(answer.json["expires"]).tzinfo is not None
    waiting = call("GET", answer.headers["location"])
    assert (waiting.status, waiting.json["state"], waiting.json["content"]) == (200, "waiting", None)


@pytest.mark.parametrize(
    ("changes", "status", "kind"),
    [
        ({"media_type": "text/html"}, 415, "unsupported-type"),
        ({"size": 64 * 1024 * 1024 + 1}, 413, "too-large"),
        ({"size": 0}, 400, "invalid-value"),
        ({"size": "1e3"}, 400, "invalid-value"),
        ({"size": -1}, 400, "invalid-value"),
        ({"size": 10**40}, 400, "invalid-value"),
        ({"key": ""}, 400, "invalid-key"),
        ({"key": "a\nb"}, 400, "invalid-key"),
    ],
)
def test_a_wrong_beginning_is_refused_in_words(call: Caller, changes: dict[str, Any], status: int, kind: str) -> None:
    answer = begin(call, **changes)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json["type"].endswith(":" + kind)
    assert answer.json["detail"]
    assert call.parts.store.uploads == {}


def test_a_completed_upload_is_an_image(call: Caller) -> None:
    path = posted(call)
    answer = call("POST", f"{path}/complete")
    assert (answer.status, answer.json["state"], answer.json["refusal"]) == (200, "done", None)
    assert call("GET", answer.json["content"]).body == DATA
    assert call("POST", f"{path}/complete").json == call("GET", path).json == answer.json


def test_a_duplicate_is_named(call: Caller) -> None:
    call("POST", posted(call, key="first") + "/complete")
    answer = call("POST", posted(call, key="second") + "/complete")
    assert (answer.json["state"], answer.json["duplicate_of"]) == ("done", "first")


def test_an_upload_that_keeps_both_tells_where_it_is_stored(call: Caller) -> None:
    call("PUT", "/api/v1/images/k1.png", body=b"another image")
    path = posted(call, key="k1.png", if_taken="keep-both")
    assert call("GET", path).json["key"] == "k1.png"
    answer = call("POST", f"{path}/complete").json
    assert (answer["key"], answer["asked_key"], answer["stored"]) == ("k1 (2).png", "k1.png", True)
    assert call("GET", answer["content"]).body == DATA
    assert call("GET", "/api/v1/images/k1.png").body == b"another image"
    again = call("POST", posted(call, key="k1.png", if_taken="keep-both") + "/complete").json
    assert (again["state"], again["stored"], again["duplicate_of"]) == ("done", False, "k1 (2).png")
    assert (again["key"], again["content"]) == (answer["key"], answer["content"])


@pytest.mark.parametrize("how", ["header", "field"])
def test_an_upload_that_must_be_new_is_refused_where_its_key_is_taken(call: Caller, how: str) -> None:
    headers = {"If-None-Match": "*"} if how == "header" else {}
    asked = json.dumps({**BEGINNING, **({"if_taken": "refuse"} if how == "field" else {})}).encode()
    begun = call("POST", "/api/v1/uploads", {**JSON, **headers}, asked)
    call("PUT", "/api/v1/images/k1", body=b"another image")
    call.parts.objects.arrive(begun.json["fields"]["key"], DATA)
    ended = call("POST", f"/api/v1/uploads/{begun.json['id']}/complete").json
    assert (ended["state"], ended["stored"], "already" in ended["refusal"]) == ("refused", False, True)
    late = call("POST", "/api/v1/uploads", {**JSON, **headers}, asked)
    assert (late.status, late.json["type"].rpartition(":")[2]) == (412, "precondition-failed")
    assert call("GET", "/api/v1/images/k1").body == b"another image"


@pytest.mark.parametrize(
    "headers", [{"If-None-Match": '"a"'}, {"If-Match": "*"}, {"If-Match": "*", "If-None-Match": "*"}]
)
def test_conditions_that_no_upload_can_keep_are_refused(call: Caller, headers: dict[str, str]) -> None:
    answer = call("POST", "/api/v1/uploads", {**JSON, **headers}, json.dumps(BEGINNING).encode())
    assert (answer.status, call.parts.store.uploads) == (400, {})


def test_a_beginning_sent_again_with_another_wish_is_another_request(call: Caller) -> None:
    begin(call, "a")
    assert begin(call, "a", if_taken="replace").status == 201
    assert begin(call, "a", if_taken="keep-both").status == 422


@pytest.mark.parametrize("how", ["put", "put by query", "post", "post once"])
def test_every_write_names_a_duplicate(call: Caller, how: str) -> None:
    def write(key: str) -> Any:
        if how.startswith("put"):
            path = f"/api/v1/images/{key}" if how == "put" else f"/api/v1/image?key={key}"
            return call("PUT", path, body=DATA).json
        named = {"Idempotency-Key": key} if how == "post once" else {}
        for _ in range(2 if named else 1):
            answer = call("POST", "/api/v1/images", {**MULTIPART, **named}, multipart(key=key, file=DATA)).json
        return answer

    assert write("first")["duplicate_of"] is None
    assert write("second")["duplicate_of"] == "first"


def test_a_refusal_is_told_in_words(call: Caller) -> None:
    path = posted(call)
    call.parts.inspector.refusal = UnreadableImageError("It is cut short.")
    answer = call("POST", f"{path}/complete")
    assert (answer.status, answer.json["state"], answer.json["refusal"]) == (200, "refused", "It is cut short.")


def test_what_has_not_arrived_is_no_image_yet(call: Caller) -> None:
    answer = call("POST", f"/api/v1/uploads/{begin(call).json['id']}/complete")
    assert (answer.status, answer.json["type"].rpartition(":")[2]) == (409, "not-arrived")


def test_an_object_store_that_is_away_is_temporary(call: Caller) -> None:
    path = posted(call)
    call.parts.steps.fail("objects.fetch", ObjectsUnavailableError("away"))
    answer = call("POST", f"{path}/complete")
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert call("POST", f"{path}/complete").json["state"] == "done"


@pytest.mark.parametrize("upload_id", ["0" * 32, "0" * 31, "x" * 32, "%2e%2e", "A" * 32])
def test_an_unknown_upload_is_none(call: Caller, upload_id: str) -> None:
    for method, path in (("GET", f"/api/v1/uploads/{upload_id}"), ("POST", f"/api/v1/uploads/{upload_id}/complete")):
        answer = call(method, path)
        assert (answer.status, answer.json["type"].rpartition(":")[2]) == (404, "no-such-upload")


def test_a_beginning_sent_again_gives_the_same_upload(call: Caller) -> None:
    first, again = begin(call, "a"), begin(call, "a")
    assert (again.status, again.json) == (201, first.json)
    assert begin(call, "b").json["id"] != first.json["id"]
    other = begin(call, "a", size=7)
    assert (other.status, other.json["type"].rpartition(":")[2]) == (422, "idempotency-key-reused")


def create(call: Caller, idempotency_key: str, key: str = "k1", data: bytes = DATA, **headers: str) -> Answer:
    named = {**MULTIPART, "Idempotency-Key": idempotency_key, **headers}
    return call("POST", "/api/v1/images", named, multipart(key=key, file=data))


def test_an_image_sent_again_is_stored_once_and_answered_as_the_first_time(call: Caller) -> None:
    first = create(call, "a")
    call("PUT", "/api/v1/images/k1", body=b"another image")
    again = create(call, "a")
    assert (first.status, again.status, again.json) == (201, 201, first.json)
    assert (again.headers["etag"], again.headers["location"]) == (first.headers["etag"], first.headers["location"])
    assert call("GET", "/api/v1/images/k1").body == b"another image"


@pytest.mark.parametrize("changes", [{"key": "k2"}, {"data": b"other"}, {"If-None-Match": "*"}])
def test_another_image_under_the_same_idempotency_key_is_refused(call: Caller, changes: dict[str, Any]) -> None:
    create(call, "a")
    answer = create(call, "a", **changes)
    assert (answer.status, answer.json["type"].rpartition(":")[2]) == (422, "idempotency-key-reused")
    assert call("GET", "/api/v1/images/k1").body == DATA


def test_a_request_that_failed_may_succeed_under_its_key(call: Caller) -> None:
    call.parts.steps.fail("objects.put", ObjectsUnavailableError("away"))
    assert create(call, "a").status == 503
    assert create(call, "a").status == 201


def test_a_request_whose_answer_was_lost_is_not_done_again(call: Caller) -> None:
    call.parts.steps.fail("rows.put", ObjectsUnavailableError("the answer is lost"), after=True)
    assert create(call, "a").status == 503
    version = call.parts.store.owners["demo"].version
    assert create(call, "a").status == 201
    assert call.parts.store.owners["demo"].version == version


@pytest.mark.parametrize("key", ["a" * 256, ""])
def test_what_is_no_idempotency_key_is_refused(call: Caller, key: str) -> None:
    assert create(call, key).status == 400
    assert call.parts.store.images == {}
