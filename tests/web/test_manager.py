"""The manager's console as a browser without script has it: what it shows, what its forms do, what they refuse."""

from datetime import timedelta

import pytest

from chalicelib.domain import fleet
from chalicelib.domain.decisions import Decision, Sample, minute_of
from chalicelib.domain.fleet import Node
from chalicelib.domain.fleet_report import FleetReport, NodeReport
from chalicelib.domain.partitions import alternating
from tests.answer import Answer
from tests.web.caller import URLENCODED, Caller
from tests.web.html_page import HtmlPage, page_of, put, urlencoded

GROUPS = {
    "mode": {"mode": "auto"},
    "thresholds": {
        "maxMiss": "0.7",
        "minMiss": "0.1",
        "expRatio": "3",
        "shrinkRatio": "0.25",
        "minNodes": "2",
        "maxNodes": "6",
        "cooldownMinutes": "5",
        "idleMinutes": "30",
    },
    "nodes": {"cacheSize": "128", "policy": "RR", "assignment": "minimal-move"},
}


@pytest.fixture
def caller() -> Caller:
    return Caller()


def send(caller: Caller, path: str, **fields: str) -> Answer:
    return caller.submit(path, URLENCODED, urlencoded(**fields))


def settings(caller: Caller) -> dict[str, object]:
    return dict(caller.parts.store.settings.get("cache", (0, {}))[1])


def cells(page: HtmlPage) -> list[str]:
    found = [one["class"] for one in page.all("li") if one.attributes.get("class", "").startswith("n")]
    return found[-16:]


def sample(node_id: str, minute: int, requests: int, misses: int) -> Sample:
    return Sample(node_id, minute, requests, requests - misses, misses, items=7, bytes=2048, capacity_bytes=1 << 20)


def keep_decision(caller: Caller, minutes_ago: int, **changes: object) -> Decision:
    """A hold on a closed minute, as the scaler stores it."""
    store = caller.parts.store
    now = caller.parts.clock.now()
    minute = minute_of(now) - minutes_ago
    values: dict[str, object] = {
        "minute": minute,
        "decided_at": now - timedelta(minutes=minutes_ago - 1),
        "run": 7,
        "rule": "within-thresholds",
        "reason": "Miss rate 25.0 % of 400 requests is within 20 % to 80 %.",
        "before": 2,
        "target": 2,
        "samples": (sample("node-a", minute, 300, 60), sample("node-b", minute, 100, 40)),
        "id": len(store.decisions) + 1,
        **changes,
    }
    store.decisions.append(Decision(**values))  # type: ignore[arg-type]
    return store.decisions[-1]


def test_the_fleets_old_address_leads_here(caller: Caller) -> None:
    answer = caller("GET", "/fleet")
    assert (answer.status, answer.headers["location"]) == (303, "/manager")


def test_it_tells_which_node_has_which_partition_and_how_full_it_is(caller: Caller) -> None:
    put(caller, "k1")
    caller("GET", "/content?key=k1")
    page = page_of(caller("GET", "/manager"))
    assert cells(page) == ["n1", "n2"] * 8
    for words in ("node-a", "10.0.0.2", "2, 4, 6, 8, 10, 12, 14, 16", "map version 1", "of 64 MiB", "Serving"):
        assert words in page.text


def test_there_is_no_rate_without_requests_and_then_the_true_one(caller: Caller) -> None:
    put(caller, "k1")
    assert "no requests" in page_of(caller("GET", "/manager")).text
    for _ in range(3):
        caller("GET", "/content?key=k1")
    assert "66.6 %" in page_of(caller("GET", "/manager")).text


def test_an_empty_fleet_is_told_so(caller: Caller) -> None:
    caller.parts.store.fleet_map = fleet.EMPTY
    page = page_of(caller("GET", "/manager"))
    assert "No nodes yet." in page.text
    assert "The scaler has not run yet." in page.text


def test_a_dead_node_is_shown_failing_in_words(caller: Caller) -> None:
    caller.parts.caches.of(caller.parts.fleet_map.nodes[1]).down = True
    page = page_of(caller("GET", "/manager"))
    assert "Failing" in page.text
    assert "It does not answer" in page.text


def test_a_node_that_is_launched_is_shown_before_it_serves(caller: Caller) -> None:
    now = caller.parts.clock.now().timestamp()
    caller.parts.store.report = FleetReport(now, 3, (NodeReport("node-c", "", "launching", False, "Not there yet."),))
    page = page_of(caller("GET", "/manager"))
    for words in ("node-c", "Launching", "Not there yet.", "none yet"):
        assert words in page.text


def test_a_handoff_is_shown_by_partition(caller: Caller) -> None:
    store = caller.parts.store
    nodes = (*store.fleet_map.nodes, Node("node-c", "10.0.0.3", 11211))
    store.fleet_map = fleet.moved(store.fleet_map, nodes, alternating(3), caller.parts.clock.now().timestamp() - 70)
    page = page_of(caller("GET", "/manager"))
    assert "Handoff under way" in page.text
    assert "Moved 1 minute ago" in page.text
    assert "Partition 3 Node 1 → Node 3" in " ".join(page.text.split())
    assert len([one for one in page.all("li") if "moves" in one.attributes.get("class", "").split()]) == 10


def test_the_charts_and_the_table_tell_the_last_half_hour_and_gaps_stay_gaps(caller: Caller) -> None:
    keep_decision(caller, 3)
    page = page_of(caller("GET", "/manager"))
    assert len(page.all("svg")) - len(page.all("use")) == 6
    assert "400" in page.text
    assert "75.0 %" in page.text
    assert page.text.count("–") >= 29 * 6


@pytest.mark.parametrize("group", GROUPS)
def test_a_form_changes_its_own_settings_and_leads_back(caller: Caller, group: str) -> None:
    answer = send(caller, "/manager/settings", group=group, **GROUPS[group])
    assert (answer.status, answer.headers["location"]) == (303, "/manager?notice=changed")
    page = page_of(caller("GET", answer.headers["location"]))
    assert "The settings are changed" in page.text
    checked = {one["name"]: one["value"] for one in page.all("input") if "checked" in one.attributes}
    typed = {**page.fields(), **checked}
    for name, value in GROUPS[group].items():
        assert typed[name] == value


def test_saving_what_is_there_already_says_so(caller: Caller) -> None:
    answer = send(caller, "/manager/settings", group="nodes", cacheSize="64", policy="LRU", assignment="alternating")
    assert answer.headers["location"] == "/manager?notice=same"


REFUSED = [
    ("thresholds", "maxMiss", "lots"),
    ("thresholds", "maxMiss", "NaN"),
    ("thresholds", "maxMiss", "0.1"),
    ("thresholds", "minMiss", "0.9"),
    ("thresholds", "minMiss", "-1"),
    ("thresholds", "expRatio", "1"),
    ("thresholds", "shrinkRatio", "1"),
    ("thresholds", "minNodes", "0"),
    ("thresholds", "minNodes", "7"),
    ("thresholds", "maxNodes", "17"),
    ("thresholds", "cooldownMinutes", "-1"),
    ("thresholds", "idleMinutes", "1.5"),
    ("nodes", "cacheSize", "0"),
    ("nodes", "policy", "FIFO"),
    ("nodes", "assignment", "random"),
    ("mode", "mode", "sometimes"),
]


@pytest.mark.parametrize(("group", "name", "value"), REFUSED)
def test_a_refused_value_is_kept_beside_its_reason_and_nothing_is_changed(
    caller: Caller, group: str, name: str, value: str
) -> None:
    typed = {**GROUPS[group], **({"minMiss": "0.2"} if value == "0.1" else {}), name: value}
    page = page_of(send(caller, "/manager/settings", group=group, **typed), 400)
    assert settings(caller) == {}
    assert caller.parts.store.decisions == []
    assert "Nothing was changed" in page.text
    at_fault = [one["id"] for one in page.elements if one.attributes.get("id", "").endswith("-problem")]
    assert len(at_fault) == 1
    field = at_fault[0].removesuffix("-problem")
    assert [one for one in page.elements if at_fault[0] in one.attributes.get("aria-describedby", "").split()]
    if field in ("policy", "assignment", "mode"):
        return
    assert [one["name"] for one in page.all("input") if one.attributes.get("aria-invalid")] == [field]
    assert {each: page.fields()[each] for each in typed if each not in ("policy", "assignment")} == {
        each: given for each, given in typed.items() if each not in ("policy", "assignment")
    }


def test_a_form_that_names_no_settings_is_refused(caller: Caller) -> None:
    assert send(caller, "/manager/settings", group="everything", mode="auto").status == 400
    assert settings(caller) == {}


def test_one_more_and_one_fewer(caller: Caller) -> None:
    assert send(caller, "/manager/nodes", change="+1").headers["location"] == "/manager?notice=grow"
    assert settings(caller)["num_nodes"] == 3
    assert send(caller, "/manager/nodes", change="-1").headers["location"] == "/manager?notice=shrink"
    assert settings(caller)["num_nodes"] == 2
    assert [(one.before, one.target) for one in caller.parts.store.decisions] == [(2, 3), (3, 2)]


def test_no_step_leads_beyond_the_bounds(caller: Caller) -> None:
    send(caller, "/manager/nodes", change="-1")
    page = page_of(send(caller, "/manager/nodes", change="-1"), 400)
    assert settings(caller)["num_nodes"] == 1
    assert "1 to 8" in page.text


@pytest.mark.parametrize("change", ["", "2", "x", "-0", "+1+1"])
def test_other_steps_are_refused(caller: Caller, change: str) -> None:
    page_of(send(caller, "/manager/nodes", change=change), 400)
    assert settings(caller) == {}


def test_in_automatic_mode_the_buttons_are_off_and_a_step_is_refused(caller: Caller) -> None:
    send(caller, "/manager/settings", group="mode", mode="auto")
    page = page_of(caller("GET", "/manager"))
    buttons = [one for one in page.all("button") if one.attributes.get("name") == "change"]
    assert ["disabled" in one.attributes for one in buttons] == [True, True]
    assert "Change the mode to manual" in page_of(send(caller, "/manager/nodes", change="+1"), 400).text.replace(
        "\n", " "
    )
    assert settings(caller)["num_nodes"] == 2


def test_a_change_of_size_is_shown_before_it_is_done(caller: Caller) -> None:
    page = page_of(caller("GET", "/manager?nodes=4"))
    assert "From 2 to 4 nodes: 8 of 16 partitions would move, and 2 nodes would be launched." in page.text
    assert cells(page)[:4] == ["n1", "n2", "n3 moves", "n4 moves"]
    assert settings(caller) == {}
    fewer = page_of(caller("GET", "/manager?nodes=1"))
    assert "Node 2 would be drained, then terminated" in fewer.text
    assert "nothing would move" in page_of(caller("GET", "/manager?nodes=2")).text


@pytest.mark.parametrize("nodes", ["0", "17", "x", "-1", "9" * 30, "²"])
def test_a_size_that_cannot_be_is_refused_at_its_field(caller: Caller, nodes: str) -> None:
    page = page_of(caller("GET", f"/manager?nodes={nodes.replace('²', '%C2%B2')}"), 400)
    assert page.fields()["nodes"] == nodes
    assert [one["name"] for one in page.all("input") if one.attributes.get("aria-invalid")] == ["nodes"]


def test_a_nodes_contents_are_listed_and_lead_to_the_images(caller: Caller) -> None:
    put(caller, "k1")
    caller("GET", "/content?key=k1")
    page = page_of(caller("GET", "/manager/node?id=node-b"))
    assert page.link_to("/image") == "/image?key=k1"
    assert "Original · " in page.text and "partition 12" in page.text
    assert "It holds nothing." in page_of(caller("GET", "/manager/node?id=node-a")).text


def test_a_nodes_contents_are_paged(caller: Caller) -> None:
    for number in range(102):
        put(caller, f"many/{number}")
        caller("GET", f"/content?key=many/{number}")
    caller.parts.store.fleet_map = fleet.with_nodes(caller.parts.fleet_map, caller.parts.nodes[:1])
    for number in range(102):
        caller("GET", f"/content?key=many/{number}")
    first = page_of(caller("GET", "/manager/node?id=node-a"))
    following = next(one["href"] for one in first.all("a") if one.attributes.get("rel") == "next")
    rest = page_of(caller("GET", following))
    shown = [one["href"] for page in (first, rest) for one in page.all("a") if one["href"].startswith("/image?")]
    assert len(shown) == len(set(shown)) == 102


def test_an_unknown_node_and_one_that_is_silent_are_told_apart(caller: Caller) -> None:
    assert "names no node" in page_of(caller("GET", "/manager/node?id=nobody"), 404).text
    caller.parts.caches.of(caller.parts.fleet_map.nodes[0]).down = True
    assert "does not answer just now" in page_of(caller("GET", "/manager/node?id=node-a"), 503).text


def test_clearing_asks_first_then_empties_every_node_and_loses_no_image(caller: Caller) -> None:
    put(caller, "k1")
    caller("GET", "/content?key=k1")
    assert "1 item" in page_of(caller("GET", "/manager/clear")).text
    assert "tick the box" in page_of(send(caller, "/manager/clear"), 400).text
    answer = send(caller, "/manager/clear", confirm="yes")
    assert answer.headers["location"] == "/manager?notice=cleared"
    assert "It holds nothing." in page_of(caller("GET", "/manager/node?id=node-b")).text
    assert caller("GET", "/content?key=k1").body == b"the bytes"


def test_the_log_is_paged_newest_first(caller: Caller) -> None:
    for minutes_ago in range(60, 0, -1):
        keep_decision(caller, minutes_ago)
    first = page_of(caller("GET", "/manager/decisions"))
    following = next(one["href"] for one in first.all("a") if one.attributes.get("rel") == "next")
    rest = page_of(caller("GET", following))
    ids = [
        int(one["href"].rsplit("=", 1)[1])
        for page in (first, rest)
        for one in page.all("a")
        if one["href"].startswith("/manager/decision?")
    ]
    assert ids == list(range(60, 0, -1))


def test_one_decision_shows_what_it_was_made_from(caller: Caller) -> None:
    kept = keep_decision(
        caller,
        2,
        rule="above-maximum",
        target=4,
        left_out={"node-c": "it joined in this minute"},
        settings={"max_miss": 0.8},
        outcome="2 nodes asked for",
    )
    page = page_of(caller("GET", f"/manager/decision?id={kept.id}"))
    for words in ("Miss rate above the maximum", "grow 2 → 4", "300", "it joined in this minute", "2 nodes asked for"):
        assert words in page.text
    page_of(caller("GET", "/manager/decision?id=99"), 404)
    page_of(caller("GET", "/manager/decision?id=x"), 400)


def test_an_error_two_levels_deep_still_finds_its_styles(caller: Caller) -> None:
    page = page_of(caller("GET", "/manager/decision?id=x"), 400)
    styles = [link["href"] for link in page.all("link") if link["rel"] == "stylesheet"]
    assert styles
    assert all(href.startswith("../static/") for href in styles)
