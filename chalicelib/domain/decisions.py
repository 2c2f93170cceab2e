"""What a decision on the size of the fleet is made from and what is kept of it: plain values, and their JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """One node's closed minute, as its agent measured it. `minute` is the Unix time of its start divided by 60.

    Counts are of that minute alone. `misses` are origin reads, `hits` the requests that needed none; `copies` are
    misses that a previous node answered; `oversize` are requests for images too large for a node.
    """

    node_id: str
    minute: int
    requests: int
    hits: int
    misses: int
    copies: int = 0
    oversize: int = 0
    evictions: int = 0
    items: int = 0
    bytes: int = 0
    capacity_bytes: int = 0
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, from what, why, and what came of it. Kept for 90 days, holds included.

    `minute` is None for a change by hand. `rule` is a fixed word such as "above-maximum", `reason` says it in words.
    `settings` are those it was made under; `left_out` names nodes that did not count, each with why.
    """

    minute: int | None
    decided_at: datetime
    run: int  # the run of the scaler that made it; 0 for a change by hand
    rule: str
    reason: str
    before: int  # the target until then
    target: int
    samples: tuple[Sample, ...] = ()
    left_out: Mapping[str, str] | None = None
    settings: Mapping[str, object] | None = None
    outcome: str = ""
    id: int = 0  # given by the store, growing


def minute_of(moment: datetime) -> int:
    """The minute that a moment lies in."""
    return int(moment.timestamp()) // MINUTE_SECONDS


def inputs_to_json(decision: Decision) -> str:
    """What the decision was made from, as it is stored."""
    return json.dumps(
        {
            "samples": [asdict(sample) for sample in decision.samples],
            "left_out": dict(decision.left_out or {}),
            "settings": dict(decision.settings or {}),
        }
    )


def inputs_from_json(body: str) -> tuple[tuple[Sample, ...], dict[str, str], dict[str, object]]:
    """The samples, the nodes left out and the settings that `inputs_to_json` wrote; unknown fields are left out."""
    stored = json.loads(body)
    known = Sample.__dataclass_fields__
    samples = tuple(
        Sample(**{name: value for name, value in one.items() if name in known}) for one in stored["samples"]
    )
    return samples, stored["left_out"], stored["settings"]
