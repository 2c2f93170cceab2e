"""What has to be done so that the fleet is what it should be: pure, from what there is to what to do.

A node that is gone or silent keeps its place in the map until another instance answers and takes it, so that the keys
of the other partitions stay where they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.fleet import FleetMap, Node, with_nodes
from scaler.instances import Instance


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do now, in this order: publish the map if it is not the current one, then terminate, then launch."""

    fleet_map: FleetMap
    terminate: tuple[str, ...]
    launch: int


def steps(current: FleetMap, instances: Sequence[Instance], wanted: int, port: int) -> Steps:
    """The steps from the current map and the instances that exist to a fleet of `wanted` nodes."""
    counted = {instance.id: instance for instance in instances if not instance.silent}
    mapped = {node.id for node in current.nodes}
    spare = [instance for instance in counted.values() if instance.answering and instance.id not in mapped]
    nodes = [node if node.id in counted or not spare else _node(spare.pop(0), port) for node in current.nodes[:wanted]]
    while len(nodes) < wanted and spare:
        nodes.append(_node(spare.pop(0), port))
    placed = {node.id for node in nodes}
    silent = [instance.id for instance in instances if instance.silent and instance.id not in placed]
    unplaced = [instance_id for instance_id in counted if instance_id not in placed]
    # While a node with keys does not answer, one too many may be the one that is about to take its place.
    all_answer = all(counted[node.id].answering for node in nodes if node.id in counted)
    surplus = unplaced[: max(0, len(counted) - wanted)] if all_answer else []
    return Steps(
        fleet_map=with_nodes(current, nodes),
        terminate=(*silent, *surplus),
        launch=max(0, wanted - len(counted)),
    )


def _node(instance: Instance, port: int) -> Node:
    return Node(instance.id, instance.address, port)
