"""What the pages show of decisions, as plain values for templates. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.cache_settings import by_name, from_mapping
from chalicelib.domain.decisions import MINUTE_SECONDS, Decision
from chalicelib.web.page_values import day_and_minute

RULES = {
    "above-maximum": "Miss rate above the maximum",
    "below-minimum": "Miss rate below the minimum",
    "within-thresholds": "Within the thresholds",
    "at-maximum": "At the maximum of nodes",
    "at-minimum": "At the minimum of nodes",
    "no-traffic": "No traffic",
    "idle": "Idle for long",
    "cooldown": "Cooldown",
    "resizing": "Resize under way",
    "manual": "Manual mode",
    "missing-data": "Measurements missing",
    "overtaken": "A newer minute decides",
    "by-hand": "By hand",
    "refused": "No room in EC2",
    "replaced": "A failing node replaced",
}
LABELS = {
    "mode": "Mode",
    "numNodes": "Target",
    "cacheSize": "Capacity of each node, MB",
    "policy": "Replacement policy",
    "expRatio": "Growing multiplies by",
    "shrinkRatio": "Shrinking multiplies by",
    "maxMiss": "Grow above a miss rate of",
    "minMiss": "Shrink below a miss rate of",
    "minNodes": "Fewest nodes",
    "maxNodes": "Most nodes",
    "cooldownMinutes": "Cooldown, minutes",
    "idleMinutes": "Shrink after idle minutes",
    "assignment": "Assignment of partitions",
}


@dataclass(frozen=True, slots=True)
class ShownDecision:
    """A decision as the pages tell it. `change` is “grow”, “shrink” or “hold”."""

    id: int
    when: str
    when_iso: str
    minute: str | None
    rule: str
    reason: str
    before: int
    target: int
    change: str
    outcome: str
    run: int
    left_out: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]


def shown_decision(decision: Decision) -> ShownDecision:
    """The decision as the pages tell it."""
    moment = decision.decided_at.astimezone(UTC)
    settings = by_name(from_mapping(decision.settings)) if decision.settings else {}
    return ShownDecision(
        id=decision.id,
        when=f"{moment:%H:%M:%S}, {moment.day} {moment:%b}",
        when_iso=moment.isoformat(timespec="seconds"),
        minute=None
        if decision.minute is None
        else day_and_minute(datetime.fromtimestamp(decision.minute * MINUTE_SECONDS, UTC)),
        rule=RULES.get(decision.rule, decision.rule.replace("-", " ").capitalize()),
        reason=decision.reason,
        before=decision.before,
        target=decision.target,
        change="grow"
        if decision.target > decision.before
        else "shrink"
        if decision.target < decision.before
        else "hold",
        outcome=decision.outcome,
        run=decision.run,
        left_out=tuple((decision.left_out or {}).items()),
        settings=tuple((label, str(settings[name])) for name, label in LABELS.items() if name in settings),
    )
