from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.cache_settings import CacheSettings, to_mapping
from chalicelib.domain.decisions import Decision, Sample
from chalicelib.domain.fleet import FleetMap, Node
from chalicelib.domain.partitions import alternating
from scaler.decision import Situation, awaited, decide, idle_minutes_before, minutes_due, newest_complete

MINUTE = 30_000_000
START = MINUTE * 60.0
AUTO = CacheSettings(mode="auto")
BOTH = ("i-1", "i-2")


def moment(seconds: float) -> datetime:
    """So many seconds after the minute began."""
    return datetime.fromtimestamp(START + seconds, UTC)


CLOSED, LATE = moment(65), moment(180)


def node(node_id: str) -> Node:
    return Node(node_id, "10.0.0.1", 11211)


def fleet_of(*node_ids: str, joined_at: Sequence[float] | None = None, leaving: str = "") -> FleetMap:
    previous = tuple((node(leaving),) if leaving and not p else () for p in range(16)) if leaving else ()
    nodes = tuple(node(one) for one in node_ids)
    return FleetMap(7, nodes, alternating(len(nodes)), previous, tuple(joined_at or (0.0,) * len(nodes)))


def reported(requests: int, misses: int, node_id: str = "i-1", minute: int = MINUTE) -> Sample:
    return Sample(node_id, minute, requests, requests - misses, misses)


def situation(
    *samples: Sample,
    settings: CacheSettings = AUTO,
    fleet_map: FleetMap | None = None,
    failing: Mapping[str, str] | None = None,
    resizing: str = "",
    changed_at: float | None = None,
    idle_before: int = 0,
    newer: int | None = None,
) -> Situation:
    """Two nodes serve unless a map is given."""
    made = fleet_map or fleet_of(*BOTH)
    return Situation(MINUTE, settings, made, samples, failing or {}, resizing, changed_at, idle_before, newer)


def decided(one: Situation, now: datetime = CLOSED) -> Decision:
    decision = decide(one, 5, now)
    assert decision is not None
    return decision


def pool(requests: int, misses: int, nodes: int, **settings: object) -> Situation:
    """So many nodes, all of whose traffic came to the first."""
    node_ids = [f"i-{number + 1}" for number in range(nodes)]
    samples = [reported(requests, misses), *(reported(0, 0, one) for one in node_ids[1:])]
    chosen = replace(AUTO, num_nodes=nodes, **settings)  # type: ignore[arg-type]  # names and values of the tables below
    return situation(*samples, settings=chosen, fleet_map=fleet_of(*node_ids))


WORDS = {  # what the tables below write shorter
    "GROWS": "90.0 % of 100 requests ABOVE",
    "SHRINKS": "0.0 % of 100 requests BELOW",
    "ABOVE": "is above the maximum of 80 %",
    "BELOW": "is below the minimum of 20 %",
    "AT MOST": "but the fleet is at its maximum of",
    "AT LEAST": "but the fleet is at its minimum of",
}
A_TENTH = {"shrink_ratio": 0.1, "min_nodes": 3}
RATES = [
    # requests, misses, nodes, settings, rule, target, reason
    (12_031, 10_000, 2, {}, "above-maximum", 4, "83.1 % of 12,031 requests ABOVE: 2 × 2 = 4 nodes."),
    (100, 81, 1, {}, "above-maximum", 2, "81.0 % of 100 requests ABOVE: 1 × 2 = 2 nodes."),
    (100, 80, 2, {}, "within-thresholds", 2, "80.0 % of 100 requests is within 20 % to 80 %."),
    (100, 20, 2, {}, "within-thresholds", 2, "20.0 % of 100 requests is within 20 % to 80 %."),
    (100_000, 80_001, 2, {}, "above-maximum", 4, "80.001 % of 100,000 requests ABOVE: 2 × 2 = 4 nodes."),
    (100_000, 19_999, 2, {}, "below-minimum", 1, "19.999 % of 100,000 requests BELOW: 2 × 0.5 = 1 node."),
    (100, 90, 3, {"grow_ratio": 1.1}, "above-maximum", 4, "GROWS: 3 × 1.1 = 3.3, rounded up to 4: 4 nodes."),
    (100, 90, 5, {"grow_ratio": 1.2}, "above-maximum", 6, "GROWS: 5 × 1.2 = 6 nodes."),
    (100, 90, 10, {"grow_ratio": 1.1, "max_nodes": 16}, "above-maximum", 11, "GROWS: 10 × 1.1 = 11 nodes."),
    (100, 90, 5, {}, "above-maximum", 8, "GROWS: 5 × 2 = 10, at most 8: 8 nodes."),
    (100, 90, 8, {}, "at-maximum", 8, "GROWS, AT MOST 8 nodes."),
    (1, 0, 4, {}, "below-minimum", 2, "0.0 % of 1 request BELOW: 4 × 0.5 = 2 nodes."),
    (100, 0, 3, {}, "below-minimum", 1, "SHRINKS: 3 × 0.5 = 1.5, rounded down to 1: 1 node."),
    (100, 0, 10, {"shrink_ratio": 0.7, "max_nodes": 16}, "below-minimum", 7, "SHRINKS: 10 × 0.7 = 7 nodes."),
    (100, 0, 4, A_TENTH, "below-minimum", 3, "SHRINKS: 4 × 0.1 = 0.4, rounded down to 0, at least 3: 3 nodes."),
    (100, 0, 1, {}, "at-minimum", 1, "SHRINKS, AT LEAST 1 node."),
    (100, 0, 2, {"min_miss": 0.0}, "within-thresholds", 2, "0.0 % of 100 requests is within 0 % to 80 %."),
    (100, 105, 2, {"max_miss": 1.0}, "within-thresholds", 2, "100.0 % of 100 requests is within 20 % to 100 %."),
    (0, 0, 2, {}, "no-traffic", 2, "No requests in this minute: there is no miss rate, and 2 nodes stay."),
]  # fmt: skip


@pytest.mark.parametrize(("requests", "misses", "nodes", "settings", "rule", "target", "reason"), RATES)
def test_a_complete_minute_is_decided_by_its_miss_rate(
    requests: int, misses: int, nodes: int, settings: dict[str, object], rule: str, target: int, reason: str
) -> None:
    decision = decided(pool(requests, misses, nodes, **settings))
    assert (decision.rule, decision.before, decision.target) == (rule, nodes, target)
    for short, words in WORDS.items():
        reason = reason.replace(short, words)
    assert decision.reason == (f"Miss rate {reason}" if requests else reason)


def test_the_rate_is_of_all_requests_together_and_not_a_mean_of_rates() -> None:
    decision = decided(situation(reported(1000, 900), reported(10, 0, "i-2")))
    assert decision.rule == "above-maximum"
    assert decision.reason.startswith("Miss rate 89.1 % of 1,010 requests")


def test_a_decision_keeps_what_it_was_made_from() -> None:
    first, second = reported(10, 5), reported(10, 6, "i-2")
    decision = decided(situation(second, first, fleet_map=fleet_of(*BOTH, leaving="i-9")))
    assert (decision.minute, decision.decided_at, decision.run) == (MINUTE, CLOSED, 5)
    assert decision.samples == (first, second)
    assert decision.settings == to_mapping(AUTO)
    assert decision.left_out == {"i-9": "it is leaving"}


IDLE = [
    # idle_minutes, zeros before, nodes, rule, target
    (0, 10_000, 4, "no-traffic", 4),
    (5, 3, 4, "no-traffic", 4),
    (5, 4, 4, "idle", 1),
    (1, 0, 4, "idle", 1),
    (5, 9, 1, "at-minimum", 1),
]


@pytest.mark.parametrize(("idle_minutes", "before", "nodes", "rule", "target"), IDLE)
def test_only_as_many_reported_zeros_as_are_allowed_shrink_the_fleet(
    idle_minutes: int, before: int, nodes: int, rule: str, target: int
) -> None:
    decision = decided(replace(pool(0, 0, nodes, idle_minutes=idle_minutes), idle_before=before))
    assert (decision.rule, decision.target) == (rule, target)


def test_traffic_ends_idleness() -> None:
    decision = decided(replace(pool(1, 1, 4, idle_minutes=2), idle_before=9))
    assert decision.rule == "above-maximum"


def test_the_idle_reason_names_the_minutes_and_the_minimum() -> None:
    decision = decided(replace(pool(0, 0, 4, idle_minutes=5, min_nodes=2), idle_before=4))
    assert decision.reason == "No requests in 5 minutes in a row, and 5 are allowed: shrink to the minimum of 2 nodes."


GROWING = (reported(100, 90), reported(100, 90, "i-2"))
NO_TRAFFIC = (reported(0, 0), reported(0, 0, "i-2"))
HOLDS = [
    # what holds, the rule, a part of the reason
    ({"settings": replace(AUTO, mode="manual")}, "manual", "chosen by hand"),
    ({"resizing": "1 of 2 nodes serve"}, "resizing", "1 of 2 nodes serve"),
    ({"changed_at": CLOSED.timestamp() - 119}, "cooldown", "1 s are left of the cooldown of 2 minutes"),
    (
        {"changed_at": START + 1, "settings": replace(AUTO, cooldown_minutes=0)},
        "cooldown",
        "after this minute had begun",
    ),
    ({"newer": MINUTE + 1}, "overtaken", "it decides"),
    ({"fleet_map": fleet_of(*BOTH, joined_at=(START + 1, START + 1))}, "missing-data", "No node served throughout"),
]


@pytest.mark.parametrize(("given", "rule", "words"), HOLDS)
def test_what_holds_the_fleet_does_so_whatever_the_traffic(given: dict[str, object], rule: str, words: str) -> None:
    assert decided(situation(*GROWING)).target == 4
    decision = decided(situation(*GROWING, **given))  # type: ignore[arg-type]  # of the table above
    assert (decision.rule, decision.target) == (rule, 2)
    assert words in decision.reason


@pytest.mark.parametrize("given", [{"resizing": "16 partitions are being handed over"}, {"changed_at": START + 1}])
def test_a_minute_without_traffic_says_so_even_in_a_resize_or_cooldown(given: dict[str, object]) -> None:
    decision = decided(situation(*NO_TRAFFIC, **given))  # type: ignore[arg-type]
    assert (decision.rule, decision.target) == ("no-traffic", 2)


@pytest.mark.parametrize(
    ("given", "rule"), [({"resizing": "1 of 2 nodes serve"}, "resizing"), ({"changed_at": START + 1}, "cooldown")]
)
def test_an_idle_fleet_shrinks_only_after_the_resize_and_the_cooldown(given: dict[str, object], rule: str) -> None:
    idle = situation(*NO_TRAFFIC, settings=replace(AUTO, idle_minutes=1))
    assert decided(idle).rule == "idle"
    decision = decided(replace(idle, **given))  # type: ignore[arg-type]
    assert (decision.rule, decision.target) == (rule, 2)


def test_the_cooldown_ends_on_time_and_the_first_minute_after_the_change_decides() -> None:
    assert decided(situation(*GROWING, changed_at=START)).rule == "cooldown"
    assert decided(situation(*GROWING, changed_at=START), moment(120)).rule == "above-maximum"
    assert decided(situation(*GROWING, changed_at=START + 0.001), moment(170)).rule == "cooldown"


def test_a_minute_waits_two_minutes_for_the_nodes_that_served_it_and_then_holds() -> None:
    waiting = situation(reported(100, 0))
    assert awaited(waiting) == ("i-2",)
    assert decide(waiting, 5, CLOSED) is None
    assert decide(waiting, 5, LATE - timedelta(microseconds=1)) is None
    decision = decided(waiting, LATE)
    assert (decision.rule, decision.target) == ("missing-data", 2)
    assert "i-2" in decision.reason
    assert decision.left_out == {"i-2": "it did not report this minute"}
    assert decision.samples == (reported(100, 0),)


def test_a_minute_that_no_node_reported_holds_and_is_not_an_idle_one() -> None:
    silent = situation(settings=replace(AUTO, idle_minutes=1), idle_before=60)
    assert decide(silent, 5, CLOSED) is None
    assert decided(silent, LATE).rule == "missing-data"


@pytest.mark.parametrize("idle_minutes", [0, 1])
def test_zeros_of_some_nodes_only_are_missing_data_and_not_an_idle_minute(idle_minutes: int) -> None:
    partial = situation(reported(0, 0), settings=replace(AUTO, idle_minutes=idle_minutes), idle_before=60)
    decision = decided(partial, LATE)
    assert (decision.rule, decision.target) == ("missing-data", 2)


def test_another_minute_s_sample_does_not_stand_in() -> None:
    assert decide(situation(reported(9, 9), reported(9, 9, "i-2", MINUTE - 1)), 5, CLOSED) is None


LEFT_OUT = [
    ({"failing": {"i-2": "it does not answer"}}, "it does not answer"),
    ({"fleet_map": fleet_of(*BOTH, joined_at=(0.0, START + 0.5))}, "it serves only since"),
]


@pytest.mark.parametrize(("given", "why"), LEFT_OUT)
def test_a_node_that_is_left_out_is_named_and_not_waited_for(given: dict[str, object], why: str) -> None:
    decision = decided(situation(reported(100, 90), reported(9000, 0, "i-2"), **given))  # type: ignore[arg-type]
    assert (decision.rule, decision.target) == ("above-maximum", 4)
    assert decision.samples == (reported(100, 90),)
    assert why in (decision.left_out or {})["i-2"]


@pytest.mark.parametrize(("given", "why"), LEFT_OUT)
def test_nothing_shrinks_while_a_serving_node_is_left_out(given: dict[str, object], why: str) -> None:
    decision = decided(situation(reported(100, 0), **given))  # type: ignore[arg-type]
    assert (decision.rule, decision.target) == ("missing-data", 2)
    assert decision.reason.endswith("But i-2 could not be counted: nothing shrinks on silence.")


def test_a_node_that_joined_as_the_minute_began_counts() -> None:
    joined = fleet_of(*BOTH, joined_at=(0.0, START))
    assert decide(situation(reported(100, 0), fleet_map=joined), 5, CLOSED) is None


def test_a_leaving_node_does_not_keep_the_fleet_from_shrinking() -> None:
    leaving = fleet_of(*BOTH, leaving="i-9")
    assert decided(situation(reported(100, 0), reported(0, 0, "i-2"), fleet_map=leaving)).target == 1


def test_an_overtaken_minute_that_would_hold_anyway_keeps_its_own_rule() -> None:
    assert decided(replace(pool(100, 50, 2), newer=MINUTE + 1)).rule == "within-thresholds"


def test_the_last_three_closed_minutes_are_due_oldest_first_but_for_those_decided() -> None:
    now = moment(200.5)  # in the fourth minute
    assert minutes_due(now, set()) == [MINUTE, MINUTE + 1, MINUTE + 2]
    assert minutes_due(now, {MINUTE + 1, MINUTE - 1}) == [MINUTE, MINUTE + 2]
    assert minutes_due(now, {MINUTE, MINUTE + 1, MINUTE + 2}) == []
    assert minutes_due(moment(0), set()) == [MINUTE - 3, MINUTE - 2, MINUTE - 1]


def test_a_waiting_minute_can_still_be_decided_when_its_patience_ends() -> None:
    assert MINUTE in minutes_due(LATE, set())


def test_the_newest_complete_minute_is_the_one_that_decides() -> None:
    full = situation(*GROWING)
    waits = replace(full, minute=MINUTE + 1)
    assert newest_complete([full, waits]) == MINUTE
    assert newest_complete([waits]) is None
    assert newest_complete([situation(fleet_map=fleet_of(*BOTH, joined_at=(START + 1, START + 1)))]) is None


def test_reported_zeros_in_a_row_end_at_traffic_at_a_gap_and_at_what_is_missing() -> None:
    def log(minute: int, *samples: Sample, left_out: dict[str, str] | None = None) -> Decision:
        return Decision(minute, CLOSED, 1, "no-traffic", "", 2, 2, samples, left_out)

    zeros = [log(MINUTE - back, reported(0, 0, minute=MINUTE - back)) for back in (2, 1, 3)]
    assert idle_minutes_before(MINUTE, zeros) == 3
    assert idle_minutes_before(MINUTE + 1, zeros) == 0
    assert idle_minutes_before(MINUTE, [*zeros, log(MINUTE - 4, reported(1, 0))]) == 3
    assert idle_minutes_before(MINUTE, [*zeros, log(MINUTE - 4), log(MINUTE - 5, reported(0, 0))]) == 3
    partial = log(MINUTE - 4, reported(0, 0), left_out={"i-2": "it did not report this minute"})
    assert idle_minutes_before(MINUTE, [*zeros, partial]) == 3
