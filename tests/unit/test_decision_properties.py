"""What no traffic, no fleet and no order of events may make the decision do."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.decisions import Decision, Sample
from chalicelib.domain.fleet import FleetMap, Node
from chalicelib.domain.partitions import PARTITIONS, alternating
from scaler.decision import Situation, decide, idle_minutes_before, minutes_due

MINUTE = 30_000_000
# A busy machine may stand still in the middle of an example.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LATE = datetime.fromtimestamp((MINUTE + 3) * 60, UTC)  # nothing waits any more
CLOSED = datetime.fromtimestamp((MINUTE + 1) * 60 + 5, UTC)


def fleet_of(count: int) -> FleetMap:
    nodes = tuple(Node(f"i-{number}", "10.0.0.1", 11211) for number in range(count))
    return FleetMap(1, nodes, alternating(count), joined_at=(0.0,) * count)


@st.composite
def settings_of_any_kind(draw: st.DrawFn) -> CacheSettings:
    least = draw(st.integers(1, PARTITIONS))
    most = draw(st.integers(least, PARTITIONS))
    low = draw(st.integers(0, 999))
    return CacheSettings(
        mode=draw(st.sampled_from(["auto", "auto", "auto", "manual"])),
        num_nodes=draw(st.integers(least, most)),
        grow_ratio=draw(st.floats(1, PARTITIONS, exclude_min=True)),
        shrink_ratio=draw(st.floats(0, 1, exclude_min=True, exclude_max=True)),
        min_miss=low / 1000,
        max_miss=draw(st.integers(low + 1, 1000)) / 1000,
        min_nodes=least,
        max_nodes=most,
        cooldown_minutes=draw(st.integers(0, 5)),
        idle_minutes=draw(st.integers(0, 3)),
    )


@st.composite
def samples_of(draw: st.DrawFn, count: int) -> list[Sample]:
    """Of some of the nodes, and of nodes that do not serve; for each minute at most one."""
    node_ids = draw(st.sets(st.sampled_from([f"i-{number}" for number in range(count + 2)])))
    minutes = draw(st.sets(st.sampled_from([MINUTE - 1, MINUTE, MINUTE + 1])))
    most = draw(st.sampled_from([0, 1, 100, 10**9]))
    found = []
    for node_id in sorted(node_ids):
        for minute in sorted(minutes):
            requests = draw(st.integers(0, most))
            misses = draw(st.integers(0, requests))
            found.append(Sample(node_id, minute, requests, requests - misses, misses))
    return found


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    chosen = draw(settings_of_any_kind())
    fleet_map = fleet_of(chosen.num_nodes)
    silent = draw(st.sets(st.sampled_from([node.id for node in fleet_map.nodes]), max_size=2))
    return Situation(
        minute=MINUTE,
        settings=chosen,
        fleet_map=fleet_map,
        samples=draw(samples_of(chosen.num_nodes)),
        failing=dict.fromkeys(silent, "it does not answer"),
        resizing=draw(st.sampled_from(["", "", "16 partitions are being handed over"])),
        changed_at=draw(st.none() | st.integers(0, 600).map(lambda ago: LATE.timestamp() - ago)),
        idle_before=draw(st.integers(0, 4)),
        newer=draw(st.sampled_from([None, None, MINUTE + 1])),
    )


@UNHURRIED
@given(situations())
def test_the_target_stays_within_the_bounds_and_is_explained(situation: Situation) -> None:
    decision = decide(situation, 1, LATE)
    assert decision is not None
    chosen = situation.settings
    assert chosen.min_nodes <= decision.target <= chosen.max_nodes
    assert decision.before == chosen.num_nodes
    assert decision.reason.endswith(".")
    changing = {"above-maximum": 1, "below-minimum": -1, "idle": -1}.get(decision.rule, 0)
    assert (decision.target > decision.before) - (decision.target < decision.before) == changing


@UNHURRIED
@given(situations(), st.randoms(use_true_random=False))
def test_the_same_is_decided_again_and_in_whatever_order_samples_came(
    situation: Situation, source: random.Random
) -> None:
    twice = [*situation.samples, *(replace(one, requests=one.requests + 1) for one in situation.samples)]
    shuffled = list(twice)
    source.shuffle(shuffled)
    assert decide(replace(situation, samples=twice), 1, LATE) == decide(replace(situation, samples=shuffled), 1, LATE)


@UNHURRIED
@given(situations(), st.booleans())
def test_nothing_shrinks_when_the_sample_of_any_serving_node_is_missing(situation: Situation, in_time: bool) -> None:
    serving = {node.id for node in situation.fleet_map.nodes}
    counted = {one.node_id for one in situation.samples if one.minute == MINUTE} - situation.failing.keys()
    decision = decide(situation, 1, CLOSED if in_time else LATE)
    if serving - counted and decision is not None:
        assert decision.target >= decision.before


@UNHURRIED
@given(situations(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_nodes_that_are_left_out_do_not_count(situation: Situation, requests: int, misses: int) -> None:
    others = {*situation.failing, "i-99"}
    counted = [one for one in situation.samples if one.node_id not in others]
    loud = [Sample(node_id, MINUTE, requests + misses, requests, misses) for node_id in sorted(others)]
    with_them = decide(replace(situation, samples=[*counted, *loud]), 1, LATE)
    assert with_them == decide(replace(situation, samples=counted), 1, LATE)


@UNHURRIED
@given(situations(), st.sampled_from(["manual", "resizing", "changed"]))
def test_nothing_changes_by_hand_in_a_resize_or_within_a_cooldown(situation: Situation, why: str) -> None:
    if why == "manual":
        situation = replace(situation, settings=replace(situation.settings, mode="manual"))
    elif why == "resizing":
        situation = replace(situation, resizing="1 of 2 nodes serve")
    else:
        changed_at = LATE.timestamp() - 60 * situation.settings.cooldown_minutes + 0.001
        situation = replace(situation, changed_at=max(changed_at, 60 * MINUTE + 0.001))
    decision = decide(situation, 1, LATE)
    assert decision is not None
    assert decision.target == decision.before


@UNHURRIED
@given(
    settings_of_any_kind(),
    st.lists(st.tuples(st.integers(0, 100), st.integers(1, 100), st.integers(0, 119)), min_size=1, max_size=40),
)
def test_a_fleet_under_any_traffic_never_changes_twice_within_a_cooldown(
    chosen: CacheSettings, traffic: list[tuple[int, int, int]]
) -> None:
    """Each entry is a run of the scaler: misses and requests of every minute before it, seconds since the last run."""
    chosen = replace(chosen, mode="auto")
    log: list[Decision] = []
    changes: list[float] = []
    at = MINUTE * 60.0
    for misses, requests, seconds in traffic:
        at += seconds
        now = datetime.fromtimestamp(at, UTC)
        for minute in minutes_due(now, {one.minute for one in log if one.minute is not None}):
            fleet_map = fleet_of(chosen.num_nodes)  # every resize is over at once: only the cooldown is left
            samples = [
                Sample(node.id, minute, requests if misses else 0, 0, min(misses, requests)) for node in fleet_map.nodes
            ]
            changed_at = changes[-1] if changes else None
            idle = idle_minutes_before(minute, log)
            situation = Situation(minute, chosen, fleet_map, samples, changed_at=changed_at, idle_before=idle)
            decision = decide(situation, 1, now)
            assert decision is not None
            log.append(decision)
            if decision.target != decision.before:
                changes.append(at)
                chosen = replace(chosen, num_nodes=decision.target)
    cooldown = 60 * chosen.cooldown_minutes
    assert all(after - before >= cooldown and after > before for before, after in pairwise(changes))
    minutes = [one.minute for one in log]
    assert len(set(minutes)) == len(minutes)
