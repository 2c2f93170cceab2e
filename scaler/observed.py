"""What a run of the scaler has seen so far, and what follows from it: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.domain import fleet, fleet_report
from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.decisions import MINUTE_SECONDS, Sample
from chalicelib.domain.fleet import FleetMap, Node
from chalicelib.domain.fleet_report import FleetReport, NodeReport
from chalicelib.domain.launches import Launch
from scaler.instances import LiveInstance

MUTE_MINUTES = 3  # without a sample, while others have some, until a node is replaced
SILENT = "it does not answer"


@dataclass(slots=True)
class Seen:
    """What a run knows so far."""

    number: int
    settings: CacheSettings
    settings_version: int
    fleet_map: FleetMap = fleet.EMPTY  # as it was when the run began
    samples: list[Sample] = field(default_factory=list)
    samples_known: bool = True
    instances_known: bool = True  # whether EC2 answered
    staying: set[str] = field(default_factory=set)  # what EC2 would not end
    gone: set[str] = field(default_factory=set)
    unfit: dict[str, str] = field(default_factory=dict)  # nodes that answer and shall not serve, each with why
    heard: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    refused: bool = False

    @property
    def failing(self) -> dict[str, str]:
        """The nodes that are to be replaced, each with why."""
        return {**self.unfit, **dict.fromkeys(self.gone, SILENT)}


@dataclass(frozen=True, slots=True)
class There:
    """What there is at one moment. `coming` is how many instances are to serve, whether they answer yet or not."""

    fleet_map: FleetMap
    live: list[LiveInstance]
    launches: list[Launch]
    spares: list[Node]
    coming: int


def mute_nodes(fleet_map: FleetMap, samples: Sequence[Sample], now_minute: int) -> set[str]:
    """The nodes that reported none of the last minutes while another one did: a leaving one shall not come back."""
    # The newest minute may not have been published yet.
    asked = range(now_minute - MUTE_MINUTES - 1, now_minute - 1)
    told = {one.node_id for one in samples if one.minute in asked}
    if not told:
        return set()
    joined = dict(zip((node.id for node in fleet_map.nodes), fleet_map.joined_at, strict=True))
    serving = {node_id for node_id, at in joined.items() if at <= asked[0] * MINUTE_SECONDS}
    return (serving | {node.id for node in fleet_map.leaving}) - told


def nobody_reports(fleet_map: FleetMap, samples: Sequence[Sample], now_minute: int) -> bool:
    """Whether nobody reported any of the last minutes, though a node served throughout. It may be CloudWatch."""
    asked = range(now_minute - MUTE_MINUTES - 1, now_minute - 1)
    reported = any(one.minute in asked for one in samples)
    return not reported and any(at <= asked[0] * MINUTE_SECONDS for at in fleet_map.joined_at)


def slow_nodes(delays: Mapping[Node, float], slow_seconds: float) -> dict[str, str]:
    """The nodes that answer slowly while another one does not, each with why; if all are slow it may be us."""
    slow = {node: delay for node, delay in delays.items() if delay >= slow_seconds}
    if len(slow) == len(delays):
        return {}
    return {node.id: f"it takes {delay * 1000:.0f} ms to answer" for node, delay in slow.items()}


def under_way(fleet_map: FleetMap, target: int) -> str:
    """What of a resize is still to be done, in words; empty if nothing is."""
    if len(fleet_map.nodes) != target:
        return f"{len(fleet_map.nodes)} of {target} nodes serve"
    if fleet_map.moving:
        return f"{len(fleet_map.moving)} partitions are being handed over"
    return ""


def replaced(before: FleetMap, after: FleetMap, seen: Seen) -> list[str]:
    """The nodes that `after` does not give keys any more because they fail, each in a sentence."""
    still = {node.id for node in after.nodes}
    new = [node.id for node in after.nodes if node.id not in {one.id for one in before.nodes}]
    told = []
    for node in before.nodes:
        if node.id in still or node.id not in seen.failing:
            continue
        told.append(f"Node {node.id}: {seen.failing[node.id]}. {new.pop(0) if new else 'No node'} took its place.")
    return told


def unfinished(fleet_map: FleetMap, seen: Seen) -> bool:
    """Whether the map is not yet what it should be."""
    ending = seen.failing
    return len(fleet_map.nodes) != seen.settings.num_nodes or any(node.id in ending for node in fleet_map.nodes)


def report_of(seen: Seen, fleet_map: FleetMap, live: Sequence[LiveInstance], at: float) -> FleetReport:
    """What the run saw, for whoever looks at the console. Without EC2's answer `live` tells nothing."""
    reports = [_node_report(one.id, one.address, one.launched_at.timestamp(), fleet_map, seen) for one in live]
    known = {one.id for one in live}
    for node in fleet_map.named:
        if not seen.instances_known:
            reports.append(_node_report(node.id, node.address, 0.0, fleet_map, seen))
        elif node.id not in known:
            reports.append(NodeReport(node.id, node.address, fleet_report.FAILING, False, "its instance is gone"))
    return FleetReport(at, seen.number, tuple(reports), tuple(seen.notes))


def _node_report(node_id: str, address: str, launched_at: float, fleet_map: FleetMap, seen: Seen) -> NodeReport:
    serving = {node.id for node in fleet_map.nodes}
    leaving = {node.id for node in fleet_map.leaving}
    answering = node_id in seen.heard
    if node_id in seen.gone:
        state, note = fleet_report.FAILING, SILENT
    elif node_id in seen.unfit:
        state, note = fleet_report.FAILING, f"{seen.unfit[node_id]}; it is being replaced"
    elif node_id in serving:
        state, note = fleet_report.SERVING, ""
    elif node_id in leaving:
        state, note = fleet_report.LEAVING, "it hands its partitions over"
    elif answering:
        state, note = fleet_report.ENDING, "it serves nothing"
    else:
        state, note = fleet_report.LAUNCHING, "it does not answer yet"
    return NodeReport(node_id, address, state, answering, note, launched_at)
