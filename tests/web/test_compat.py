"""The course's contract, call by call."""

import base64
from urllib.parse import urlencode

import pytest

from chalicelib.domain.errors import NodeError, ObjectsUnavailableError, UnsupportedTypeError
from tests.web.caller import JSON, MULTIPART, URLENCODED, Caller, multipart

PICTURE = b"\x89PNG the inspector is a fake here"


@pytest.fixture
def call() -> Caller:
    return Caller()


def _upload(call: Caller, key: str, data: bytes = PICTURE) -> None:
    assert call("POST", "/api/upload", MULTIPART, multipart(key=key, file=data)).status == 200


def test_upload_answers_with_the_key(call: Caller) -> None:
    answer = call("POST", "/api/upload", MULTIPART, multipart(key="k1", file=PICTURE))
    assert (answer.status, answer.json) == (200, {"success": "true", "key": "k1"})


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_key_gives_the_content_as_base64(call: Caller, method: str) -> None:
    _upload(call, "k1")
    answer = call(method, "/api/key/k1")
    assert answer.json == {"success": "true", "key": "k1", "content": base64.b64encode(PICTURE).decode()}
    assert "partition 12" in answer.headers["server-timing"]


@pytest.mark.parametrize(
    "key", ["a/b", "../x", "100%", "%41", " a ", "שלום", "é", "e\u0301", "a;b", "a+b", "a&b=c", "🙂"]
)
def test_any_key_travels_by_form_and_by_query(call: Caller, key: str) -> None:
    _upload(call, key)
    encoded = urlencode({"key": key})
    for answer in (call("POST", "/api/key", URLENCODED, encoded.encode()), call("GET", f"/api/key?{encoded}")):
        assert (answer.status, answer.json["key"]) == (200, key)
    assert call("POST", "/api/list_keys").json == {"success": "true", "keys": [key]}


def test_a_key_in_the_path_is_decoded_once(call: Caller) -> None:
    _upload(call, "a b")
    assert call("POST", "/api/key/a%20b").status == 200
    assert call("POST", "/api/key/a%2520b").status == 404


def test_trailing_slashes_are_accepted(call: Caller) -> None:
    for path in ("/api/list_keys/", "/api/delete_all/", "/api/getNumNodes/"):
        assert call("POST", path).json["success"] == "true"


def test_delete_all_leaves_no_key(call: Caller) -> None:
    _upload(call, "k1")
    _upload(call, "k2")
    assert call("POST", "/api/delete_all").json == {"success": "true"}
    assert call("POST", "/api/list_keys").json == {"success": "true", "keys": []}


def test_nothing_is_changed_by_a_link_that_is_merely_followed(call: Caller) -> None:
    _upload(call, "k1")
    for path in ("/api/delete_all", "/api/configure_cache?mode=auto", "/api/upload?key=k2"):
        answer = call("GET", path)
        assert (answer.status, answer.json["success"]) == (405, "false")
    assert call("POST", "/api/list_keys").json["keys"] == ["k1"]


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/api/configure_cache?mode=auto&numNodes=4&cacheSize=3&policy=RR", {}, b""),
        ("/api/configure_cache", URLENCODED, b"mode=auto&numNodes=4&cacheSize=3&policy=RR"),
        ("/api/configure_cache", MULTIPART, multipart(mode="auto", numNodes="4", cacheSize="3", policy="RR")),
        ("/api/configure_cache", JSON, b'{"mode": "auto", "numNodes": 4, "cacheSize": 3, "policy": "RR"}'),
    ],
)
def test_configure_cache_takes_query_form_and_json(
    call: Caller, path: str, headers: dict[str, str], body: bytes
) -> None:
    wanted = {"success": "true", "mode": "auto", "numNodes": 4, "cacheSize": 3, "policy": "RR"}
    assert call("POST", path, headers, body).json == wanted
    assert call("POST", "/api/configure_cache").json == wanted  # all parameters are optional; it is remembered


@pytest.mark.parametrize(
    "wrong",
    ["mode=fast", "numNodes=0", "numNodes=9", "numNodes=two", "cacheSize=0", "policy=FIFO", "expRatio=nan",
     "shrinkRatio=2", "maxMiss=1.1", "minMiss=-1", "minMiss=0.9"],
)  # fmt: skip
def test_a_wrong_setting_changes_nothing(call: Caller, wrong: str) -> None:
    before = call("POST", "/api/configure_cache").json
    answer = call("POST", f"/api/configure_cache?mode=auto&{wrong}")
    assert (answer.status, answer.json["success"], answer.json["error"]["code"]) == (400, "false", 400)
    assert wrong.split("=")[0] in answer.json["error"]["message"]
    assert call("POST", "/api/configure_cache").json == before


def test_get_num_nodes_counts_the_nodes_of_the_map(call: Caller) -> None:
    assert call("POST", "/api/getNumNodes").json == {"success": "true", "numNodes": 2}


def test_get_rate_counts_one_origin_read_as_one_miss(call: Caller) -> None:
    _upload(call, "k1")
    for _ in range(4):
        call("POST", "/api/key/k1")
    assert call("POST", "/api/getRate?rate=miss").json == {"success": "true", "rate": "miss", "value": 0.25}
    assert call("POST", "/api/getRate", URLENCODED, b"rate=hit").json == {
        "success": "true",
        "rate": "hit",
        "value": 0.75,
    }


def test_get_rate_has_a_number_before_any_request(call: Caller) -> None:
    assert call("POST", "/api/getRate?rate=hit").json == {"success": "true", "rate": "hit", "value": 0.0}


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "words"),
    [
        ("POST", "/api/key/nope", {}, b"", 404, "nope"),
        ("POST", "/api/key", {}, b"", 400, "key"),
        ("POST", "/api/upload", MULTIPART, multipart(file=PICTURE), 400, "key"),
        ("POST", "/api/upload", MULTIPART, multipart(key="k1"), 400, "file"),
        ("POST", "/api/upload", MULTIPART, multipart(key="", file=PICTURE), 400, "empty"),
        ("POST", "/api/upload", MULTIPART, multipart(key="a\nb", file=PICTURE), 400, "control"),
        ("POST", "/api/upload", MULTIPART, multipart(key="a" * 256, file=PICTURE), 400, "255"),
        ("POST", "/api/upload", MULTIPART, multipart(key=b"\xff", file=PICTURE), 400, "UTF-8"),
        ("POST", "/api/upload", MULTIPART, multipart(key="k1", file=PICTURE)[:-20], 400, "cut short"),
        ("POST", "/api/upload", {"Content-Type": "multipart/form-data"}, b"x", 400, "boundary"),
        ("POST", "/api/upload", {"Content-Type": "text/plain"}, b"x", 400, "text/plain"),
        ("POST", "/api/upload", JSON, b"{", 400, "JSON"),
        ("POST", "/api/upload", JSON, b"[1]", 400, "object"),
        ("POST", "/api/configure_cache", JSON, b'{"mode": ["auto"]}', 400, "mode"),
        ("POST", "/api/getRate", {}, b"", 400, "rate"),
        ("POST", "/api/getRate?rate=both", {}, b"", 400, "rate"),
    ],
)
def test_what_is_wrong_is_said_in_the_contract_s_form(
    call: Caller, method: str, path: str, headers: dict[str, str], body: bytes, status: int, words: str
) -> None:
    answer = call(method, path, headers, body)
    assert answer.status == status
    assert (answer.json["success"], answer.json["error"]["code"]) == ("false", status)
    assert words in answer.json["error"]["message"]
    assert call("POST", "/api/list_keys").json["keys"] == []


def test_refused_bytes_leave_nothing(call: Caller) -> None:
    call.parts.inspector.refusal = UnsupportedTypeError("This is a text.")
    answer = call("POST", "/api/upload", MULTIPART, multipart(key="k1", file=b"text"))
    assert (answer.status, answer.json["error"]["message"]) == (415, "This is a text.")
    assert "objects.put" not in call.parts.steps.taken


def test_a_part_that_is_away_is_a_503_with_a_hint(call: Caller) -> None:
    _upload(call, "k1")
    call.parts.steps.fail("objects.get", ObjectsUnavailableError("The object store cannot be reached; try again."))
    answer = call("POST", "/api/key/k1")
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")


def test_a_sick_node_is_not_noticed(call: Caller) -> None:
    _upload(call, "k1")
    call.parts.steps.fail("node.get", NodeError("node is away"))
    assert call("POST", "/api/key/k1").status == 200


def test_content_too_large_for_an_answer_is_refused_in_words(call: Caller) -> None:
    _upload(call, "k1", b"x" * (3 * 1024 * 1024 + 1))
    answer = call("POST", "/api/key/k1")
    assert answer.status == 413
    assert "/api/v1/image" in answer.json["error"]["message"]
