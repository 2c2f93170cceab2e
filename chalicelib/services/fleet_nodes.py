"""From the map, the scaler's last report and what each node answered just now to views of the nodes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain import rates
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import FleetMap, Node
from chalicelib.domain.fleet_report import ENDING, FAILING, LEAVING, SERVING, FleetReport, NodeReport
from chalicelib.domain.ports import NodeState
from chalicelib.domain.rates import Rates
from chalicelib.services.fleet_status import total
from chalicelib.services.fleet_views import MoveView, NodeView

SILENT = "It does not answer; images come from the origin meanwhile."
NOT_COUNTED = "It does not say what was counted on it."
LEFT = "It serves nothing any more; a miss still asks it, until little is copied from it."
ENDED = "The fleet map does not name it any more."


@dataclass(frozen=True, slots=True)
class Answers:
    """What a node said: each part is the NodeError where it did not."""

    state: NodeState | NodeError
    counts: dict[str, int] | NodeError


def node_views(fleet_map: FleetMap, report: FleetReport | None, answers: Sequence[Answers]) -> tuple[NodeView, ...]:
    """First the nodes that the map names, in its order, then those that only the report knows.

    `answers` are those of `fleet_map.named`.
    """
    reported = {node.id: node for node in report.nodes} if report else {}
    joined_at = dict(zip(fleet_map.nodes, fleet_map.joined_at, strict=False))
    named = [
        _named(fleet_map, node, reported.get(node.id), answer, joined_at.get(node))
        for node, answer in zip(fleet_map.named, answers, strict=True)
    ]
    known = {node.id for node in fleet_map.named}
    return (*named, *(_reported(node) for node in reported.values() if node.id not in known))


def move_views(fleet_map: FleetMap, answers: Sequence[Answers]) -> tuple[MoveView, ...]:
    """The partitions whose handoff is under way."""
    counts = {node: answer.counts for node, answer in zip(fleet_map.named, answers, strict=True)}
    found = []
    for partition in fleet_map.moving:
        node = fleet_map.node_of(partition)
        if node is None:
            continue
        counted = counts[node]
        copies = None if isinstance(counted, NodeError) else counted[rates.copies_of(partition)]
        before = tuple(each.id for each in fleet_map.previous[partition])
        found.append(MoveView(partition, before, node.id, copies))
    return tuple(found)


def rates_of(fleet_map: FleetMap, answers: Sequence[Answers]) -> Rates:
    """The last minute over the nodes that serve."""
    return total((node, answer.counts) for node, answer in zip(fleet_map.nodes, answers, strict=False))


def counts_wanted(fleet_map: FleetMap, node: Node) -> list[str]:
    """The counts to ask a node for beside the usual ones."""
    return [rates.copies_of(partition) for partition in fleet_map.moving if fleet_map.node_of(partition) == node]


def _named(
    fleet_map: FleetMap, node: Node, report: NodeReport | None, answer: Answers, joined_at: float | None
) -> NodeView:
    told = None if isinstance(answer.state, NodeError) else answer.state
    counted = None if isinstance(answer.counts, NodeError) else total([(node, answer.counts)])
    serves = node in fleet_map.nodes
    failing = told is None or (report is not None and report.state == FAILING)
    notes = []
    if told is None:
        notes.append(SILENT)
    elif counted is None:
        notes.append(NOT_COUNTED)
    if not serves:
        notes.append(LEFT)
    if report is not None and report.state in (FAILING, LEAVING) and report.note:
        notes.append(f"{report.note[0].upper()}{report.note[1:]}.")
    return NodeView(
        id=node.id,
        address=node.address,
        state=FAILING if failing else SERVING if serves else LEAVING,
        answers=told is not None,
        why=" ".join(notes),
        partitions=fleet_map.partitions_of(node),
        told=told,
        rates=counted,
        joined_at=joined_at or None,
    )


def _reported(node: NodeReport) -> NodeView:
    was_named = node.state in (SERVING, LEAVING)  # when the scaler looked; the map has changed since
    return NodeView(
        id=node.id,
        address=node.address,
        state=ENDING if was_named else node.state,
        answers=None,
        why=ENDED if was_named else node.note,
        partitions=(),
        told=None,
        rates=None,
        joined_at=None,
    )
