"""/api/v1/fleet and below, and what the course's contract says of the fleet."""

import json
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from chalicelib.domain import cache_settings
from chalicelib.domain.decisions import Decision, Sample, minute_of
from chalicelib.web.openapi import document
from tests.answer import Answer
from tests.web.caller import JSON, Caller

PICTURE = b"\x89PNG the inspector is a fake here"
SETTINGS, SIZE = "/api/v1/fleet/settings", "/api/v1/fleet/size"


@pytest.fixture
def call() -> Caller:
    return Caller()


def patch(call: Caller, **given: object) -> Answer:
    return call("PATCH", SETTINGS, JSON, json.dumps(given).encode())


def size(call: Caller, **given: object) -> Answer:
    return call("POST", SIZE, JSON, json.dumps(given).encode())


def test_the_fleet_tells_its_nodes_and_what_was_counted(call: Caller) -> None:
    assert call("GET", "/api/v1/fleet").json["last_minute"]["hit_rate"] is None  # missing is not zero
    call("PUT", "/api/v1/images/k1", body=PICTURE)
    for _ in range(4):
        call("GET", "/api/v1/images/k1")
    fleet = call("GET", "/api/v1/fleet").json
    assert fleet["last_minute"] == {
        "requests": 4,
        "origin_reads": 1,
        "waits": 0,
        "copies": 0,
        "oversize": 0,
        "miss_rate": 0.25,
        "hit_rate": 0.75,
        "silent_nodes": [],
    }
    assert (fleet["mode"], fleet["target"], fleet["serving"], fleet["moving"]) == ("manual", 2, 2, [])
    assert [node["partitions"] for node in fleet["nodes"]] == [list(range(1, 17, 2)), list(range(2, 17, 2))]
    first, second = fleet["nodes"]
    assert (first["items"], first["requests"], first["hit_rate"]) == (0, 0, None)
    assert (second["items"], second["requests"], second["hit_rate"]) == (1, 4, 0.75)


def test_what_a_silent_node_did_not_say_is_null(call: Caller) -> None:
    call.parts.caches.of(call.parts.nodes[0]).down = True
    silent = call("GET", "/api/v1/fleet").json["nodes"][0]
    assert (silent["state"], silent["answers"]) == ("failing", False)
    assert (silent["items"], silent["bytes"], silent["requests"], silent["hit_rate"]) == (None, None, None, None)


def test_the_accepted_target_is_told_at_once_on_every_face(call: Caller) -> None:
    accepted = call("POST", "/api/configure_cache?numNodes=5")
    assert accepted.json["numNodes"] == 5
    assert call.parts.waker.woken == 1
    assert call("POST", "/api/getNumNodes").json == {"success": "true", "numNodes": 5}
    fleet = call("GET", "/api/v1/fleet").json
    assert (fleet["target"], fleet["serving"]) == (5, 2)
    assert call("GET", "/api/v1/fleet/notice").json["nodes"] == 2


def test_the_contract_s_rate_leaves_out_a_node_that_is_silent(call: Caller) -> None:
    call("PUT", "/api/v1/images/k1", body=PICTURE)
    for _ in range(4):
        call("GET", "/api/v1/images/k1")
    call.parts.caches.of(call.parts.nodes[0]).down = True
    assert call("POST", "/api/getRate?rate=miss").json["value"] == 0.25


def test_settings_are_read_and_changed_by_the_contract_s_names(call: Caller) -> None:
    before = call("GET", SETTINGS).json
    assert before == cache_settings.by_name(cache_settings.DEFAULTS)
    answer = patch(call, maxMiss=0.6, minMiss=0.1, cooldownMinutes=5, assignment="minimal-move")
    changed = {**before, "maxMiss": 0.6, "minMiss": 0.1, "cooldownMinutes": 5, "assignment": "minimal-move"}
    assert answer.json == {"settings": changed, "scaler_woken": True, "orders": []}
    assert call("GET", SETTINGS).json == changed


def test_nodes_are_told_of_a_new_capacity(call: Caller) -> None:
    assert patch(call, cacheSize=3).json["orders"] == [
        {"node": "node-a", "done": True, "why": ""},
        {"node": "node-b", "done": True, "why": ""},
    ]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"minMiss": 0.9}, "minMiss"),
        ({"minMiss": 0.5, "maxMiss": 0.5}, "minMiss"),
        ({"expRatio": 1}, "expRatio"),
        ({"expRatio": 0.5}, "expRatio"),
        ({"shrinkRatio": 1}, "shrinkRatio"),
        ({"numNodes": 9}, "numNodes"),
        ({"numNodes": 0}, "numNodes"),
        ({"numNodes": 2.5}, "numNodes"),
        ({"maxNodes": 17}, "maxNodes"),
        ({"minNodes": 5, "maxNodes": 4}, "minNodes"),
        ({"maxMiss": "NaN"}, "maxMiss"),
        ({"maxMiss": float("nan")}, "maxMiss"),
        ({"maxMiss": "many"}, "maxMiss"),
        ({"policy": "FIFO"}, "policy"),
        ({"assignment": "random"}, "assignment"),
        ({"idleMinutes": -1}, "idleMinutes"),
        ({"maxmiss": 0.5}, "maxmiss"),
        ({"mode": "auto", "cacheSize": "big"}, "cacheSize"),
    ],
)
def test_invalid_settings_are_refused_in_words_and_change_nothing(
    call: Caller, given: dict[str, object], field: str
) -> None:
    before = call("GET", SETTINGS).json
    answer = patch(call, **given)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json["errors"][0]["field"] == field
    assert field in answer.json["detail"]
    assert call("GET", SETTINGS).json == before
    assert call("GET", "/api/v1/fleet/decisions").json["decisions"] == []
    assert call.parts.waker.woken == 0


def test_sizes_are_changed_by_steps_and_outright(call: Caller) -> None:
    assert size(call, change=1).json["settings"]["numNodes"] == 3
    assert size(call, change=-1).json["settings"]["numNodes"] == 2
    assert size(call, nodes=8).json["settings"]["numNodes"] == 8
    assert call.parts.waker.woken == 3


@pytest.mark.parametrize(
    "given", [{}, {"change": 2}, {"change": 0}, {"nodes": 0}, {"nodes": 9}, {"nodes": "two"}, {"change": 1, "nodes": 3}]
)
def test_wrong_sizes_are_refused(call: Caller, given: dict[str, object]) -> None:
    assert size(call, **given).status == 400
    assert call("GET", SETTINGS).json["numNodes"] == 2


def test_sizes_by_hand_are_refused_in_automatic_mode(call: Caller) -> None:
    patch(call, mode="auto")
    answer = size(call, change=1)
    assert answer.status == 400
    assert "automatic mode" in answer.json["detail"]


def test_the_log_is_paged_and_names_who_did_it(call: Caller) -> None:
    for megabytes in range(1, 6):
        patch(call, cacheSize=megabytes)
    first = call("GET", "/api/v1/fleet/decisions?limit=3").json
    second = call("GET", f"/api/v1/fleet/decisions?limit=3&before={first['next_before']}").json
    assert [each["id"] for each in first["decisions"] + second["decisions"]] == [5, 4, 3, 2, 1]
    assert second["next_before"] is None
    newest = first["decisions"][0]
    assert (newest["rule"], newest["minute"]) == ("by-hand", None)
    assert newest["reason"] == "demo changed cacheSize from 4 to 5."


def test_history_has_thirty_minutes_and_gaps_are_null(call: Caller) -> None:
    closed = minute_of(call.parts.clock.now()) - 1
    sample = Sample("node-a", closed, 10, 8, 2, items=3, bytes=300)
    call.parts.store.decisions = [Decision(closed, call.parts.clock.now(), 1, "any", "", 2, 2, (sample,), id=1)]
    minutes = call("GET", "/api/v1/fleet/history").json["minutes"]
    assert len(minutes) == 30
    assert (minutes[-1]["requests"], minutes[-1]["hit_rate"], minutes[-1]["items"]) == (10, 0.8, 3)
    assert {each["requests"] for each in minutes[:-1]} == {None}


def test_a_preview_names_what_would_move_and_moves_nothing(call: Caller) -> None:
    preview = call("GET", "/api/v1/fleet/preview?nodes=4").json
    assert (preview["joining"], preview["leaving"]) == (["new-1", "new-2"], [])
    assert preview["moves"][0] == {"partition": 3, "from": "node-a", "to": "new-1"}
    assert len(preview["moves"]) == 8
    assert call("GET", "/api/v1/fleet").json["map_version"] == call.parts.fleet_map.version


@pytest.mark.parametrize("query", ["", "?nodes=", "?nodes=0", "?nodes=17", "?nodes=x", "?nodes=+3", "?nodes=%D9%A3"])
def test_a_preview_of_no_number_is_refused(call: Caller, query: str) -> None:
    assert call("GET", f"/api/v1/fleet/preview{query}").status == 400


def test_contents_are_keys_bytes_and_partitions_page_by_page(call: Caller) -> None:
    keys = ["k1", "é/", "a b"]
    for key in keys:
        call("PUT", f"/api/v1/image?key={quote(key, safe='')}", body=PICTURE)
        call("GET", f"/api/v1/image?key={quote(key, safe='')}")
    seen = []
    for node in ("node-a", "node-b"):
        path, after = f"/api/v1/fleet/nodes/{node}/contents?limit=1", ""
        while after is not None:
            page = call("GET", f"{path}&after={quote(after, safe='')}").json
            seen += page["items"]
            after = page["next_after"]
    assert sorted(item["key"] for item in seen) == sorted(keys)
    (k1,) = (item for item in seen if item["key"] == "k1")
    assert (k1["partition"], k1["mine"]) == (12, True)
    assert k1["bytes"] >= len(PICTURE)


def test_contents_of_a_node_that_is_not_there_are_not_found(call: Caller) -> None:
    answer = call("GET", "/api/v1/fleet/nodes/i-none/contents")
    assert (answer.status, answer.json["type"]) == (404, "urn:elastic-images:problem:no-such-node")


def test_contents_of_a_silent_node_are_not_available(call: Caller) -> None:
    call.parts.caches.of(call.parts.nodes[0]).down = True
    assert call("GET", "/api/v1/fleet/nodes/node-a/contents").status == 503


def test_clearing_is_told_node_by_node_and_logged(call: Caller) -> None:
    call("PUT", "/api/v1/images/k1", body=PICTURE)
    call("GET", "/api/v1/images/k1")
    assert [node["done"] for node in call("POST", "/api/v1/fleet/clear").json["nodes"]] == [True, True]
    assert call("GET", "/api/v1/fleet/nodes/node-b/contents").json["listed"] == 0
    assert call("GET", "/api/v1/fleet/decisions").json["decisions"][0]["reason"] == "demo cleared the cache."


DOCUMENT: dict[str, Any] = document()
resizing = schemathesis.openapi.from_dict(DOCUMENT).include(operation_id=["changeFleetSettings", "changeFleetSize"])
resizing.config.phases.coverage.unexpected_methods = {"PATCH"}  # others are the server's own to refuse


# On fakes: on a running store these would resize the fleet that its other tests use.
@resizing.parametrize()
@settings(max_examples=50, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_to_resize_is_done_or_refused_in_words(case: "schemathesis.Case[Any]") -> None:
    request = requests.Request(**case.as_transport_kwargs(base_url="http://store.test")).prepare()
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    assert isinstance(body, bytes)
    headers = {name: str(value) for name, value in request.headers.items() if name.lower() == "content-type"}
    answer = Caller()(request.method or "", request.path_url, headers, body)
    if answer.status == 405:
        return
    assert answer.status in (200, 400)
    schema = "FleetChange" if answer.status == 200 else "Problem"
    root = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    jsonschema.validate(answer.json, root)
