"""How many nodes the fleet should have, and why: pure, from one closed minute to a decision.

As in Kubernetes' autoscaler: plain values in; target, rule and reason out. Missing is not zero: a minute without data
is a gap, an idle minute is one whose zeros were reported, and nothing ever shrinks on silence.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime

from chalicelib.domain.cache_settings import CacheSettings, to_mapping
from chalicelib.domain.decisions import MINUTE_SECONDS, Decision, Sample, minute_of
from chalicelib.domain.fleet import FleetMap
from scaler.verdict import Verdict, by_traffic

LATE_MINUTES = 2  # how long a minute waits for the nodes that have not reported it
DUE_MINUTES = 3  # a minute longer ago is not decided any more: too much may have changed


@dataclass(frozen=True, slots=True)
class Situation:
    """What a minute is decided from. `samples` may hold other minutes and nodes, which do not count.

    `settings.num_nodes` is the target in force. `failing` are nodes that do not count though they serve, by id, each
    with why. `resizing` says in words what is under way, if anything is. `changed_at` is when the target changed last,
    by a decision or by hand, in Unix seconds. `idle_before` is how many minutes in a row before this one were reported
    without a request. `newer` is a later minute that is complete too: with one, this minute changes nothing.
    """

    minute: int
    settings: CacheSettings
    fleet_map: FleetMap
    samples: Sequence[Sample]
    failing: Mapping[str, str] = field(default_factory=dict)
    resizing: str = ""
    changed_at: float | None = None
    idle_before: int = 0
    newer: int | None = None


def minutes_due(now: datetime, decided: Collection[int]) -> list[int]:
    """The closed minutes that are to be decided now, oldest first.

    A run that was late for more than three minutes leaves a gap in the log: nobody acts on what is long past.
    """
    current = minute_of(now)
    return [minute for minute in range(current - DUE_MINUTES, current) if minute not in decided]


def awaited(situation: Situation) -> tuple[str, ...]:
    """The ids of the nodes that count for the situation's minute and have not reported it."""
    counted, _ = _counted(situation)
    reported = {one.node_id for one in situation.samples if one.minute == situation.minute}
    return tuple(node_id for node_id in counted if node_id not in reported)


def newest_complete(situations: Iterable[Situation]) -> int | None:
    """The newest of the minutes that every node that counts has reported: what it says is what is needed now."""
    return max((one.minute for one in situations if _counted(one)[0] and not awaited(one)), default=None)


def newest_measured(log: Iterable[Decision]) -> int | None:
    """The newest minute of the log that was decided from what every node that counts had reported."""
    measured = (one.minute for one in log if one.samples and one.rule != "missing-data")
    return max((minute for minute in measured if minute is not None), default=None)


def idle_minutes_before(minute: int, log: Iterable[Decision]) -> int:
    """How many minutes in a row, up to the one before, every node reported and had no request, by their decisions."""
    by_minute = {decision.minute: decision for decision in log}
    count = 0
    while (decision := by_minute.get(minute - count - 1)) is not None and _is_reported_zero(decision):
        count += 1
    return count


def decide(situation: Situation, run: int, now: datetime) -> Decision | None:
    """The decision on the situation's minute; None while it waits for the samples of the nodes that `awaited` names.

    It waits until two minutes after the minute closed at the latest.
    """
    counted, left_out = _counted(situation)
    # Sorted, so that the order in which samples came never shows.
    samples = {one.node_id: one for one in sorted(situation.samples, key=astuple) if one.minute == situation.minute}
    missing = [node_id for node_id in counted if node_id not in samples]
    if missing and now.timestamp() < _start_of(situation.minute + 1 + LATE_MINUTES):
        return None
    used = tuple(samples[node_id] for node_id in counted if node_id in samples)
    verdict = _verdict(situation, used, missing, left_out, now)
    return Decision(
        minute=situation.minute,
        decided_at=now,
        run=run,
        rule=verdict.rule,
        reason=verdict.reason,
        before=situation.settings.num_nodes,
        target=verdict.target,
        samples=used,
        left_out={**left_out, **dict.fromkeys(missing, "it did not report this minute")},
        settings=to_mapping(situation.settings),
    )


def _counted(situation: Situation) -> tuple[list[str], dict[str, str]]:
    """The nodes that served throughout the minute, and the others, each with why it does not count."""
    fleet_map = situation.fleet_map
    left_out = {node.id: "it is leaving" for node in fleet_map.leaving}
    joined_at = dict(zip(fleet_map.nodes, fleet_map.joined_at, strict=False))
    counted = []
    for node in fleet_map.nodes:
        joined = joined_at.get(node, 0.0)
        if node.id in situation.failing:
            left_out[node.id] = situation.failing[node.id]
        elif joined > _start_of(situation.minute):
            left_out[node.id] = f"it serves only since {_time(joined)}"
        else:
            counted.append(node.id)
    return counted, left_out


def _verdict(
    situation: Situation, used: Sequence[Sample], missing: Sequence[str], left_out: Mapping[str, str], now: datetime
) -> Verdict:
    """The first rule that applies. What a complete minute asks for counts only behind every reason to hold."""
    hold = situation.settings.num_nodes
    asked = by_traffic(situation.settings, used, situation.idle_before) if used and not missing else None
    if situation.settings.mode != "auto":
        return Verdict("manual", f"The mode is manual: the number of nodes, {hold}, is chosen by hand.", hold)
    if asked and asked.rule == "no-traffic":  # says more than that the handoff waits for traffic too
        return asked
    if situation.resizing:
        return Verdict("resizing", f"A resize is under way: {situation.resizing}.", hold)
    if cooling := _cooling(situation, now):
        return Verdict("cooldown", cooling, hold)
    if missing:
        reason = f"No sample of this minute came from {', '.join(missing)}: nothing is decided on silence."
        return Verdict("missing-data", reason, hold)
    if asked is None:
        return Verdict("missing-data", "No node served throughout this minute, so nothing was measured.", hold)
    return _held_back(asked, situation, left_out)


def _cooling(situation: Situation, now: datetime) -> str:
    """Why the last change of the target is too recent, in words; empty if it is not."""
    changed_at, minutes = situation.changed_at, situation.settings.cooldown_minutes
    if changed_at is None:
        return ""
    changed = f"The number of nodes changed at {_time(changed_at)}"
    over_at = changed_at + minutes * MINUTE_SECONDS
    if now.timestamp() < over_at:
        left = math.ceil(over_at - now.timestamp())
        return f"{changed}: {left} s are left of the cooldown of {minutes} {'minute' if minutes == 1 else 'minutes'}."
    if _start_of(situation.minute) < changed_at:
        return f"{changed}, after this minute had begun: it tells nothing of the fleet as it is now."
    return ""


def _held_back(verdict: Verdict, situation: Situation, left_out: Mapping[str, str]) -> Verdict:
    """The verdict, but for one that would act on what is outdated or shrink on silence."""
    hold = situation.settings.num_nodes
    if verdict.target == hold:
        return verdict
    if situation.newer is not None:
        newer = _time(_start_of(situation.newer))[:5]
        return Verdict("overtaken", f"{verdict.reason} But the newer minute {newer} is complete too: it decides.", hold)
    silent = [node.id for node in situation.fleet_map.nodes if node.id in left_out]
    if verdict.target < hold and silent:
        reason = f"{verdict.reason} But {', '.join(silent)} could not be counted: nothing shrinks on silence."
        return Verdict("missing-data", reason, hold)
    return verdict


def _is_reported_zero(decision: Decision) -> bool:
    return bool(decision.samples) and not decision.left_out and not any(one.requests for one in decision.samples)


def _start_of(minute: int) -> float:
    return float(minute * MINUTE_SECONDS)


def _time(unix_seconds: float) -> str:
    return f"{datetime.fromtimestamp(unix_seconds, UTC):%H:%M:%S}"
