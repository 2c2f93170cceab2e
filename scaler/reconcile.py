"""What has to be done so that the fleet is what it should be: pure, from what there is to what to do.

Nothing is moved away from a node that only fails: its place in the map is kept until another instance answers and can
take it, so that the keys of the other partitions stay where they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.fleet import FleetMap, Node, with_nodes
from scaler.instances import Instance


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do now. `fleet_map` is the current one if nothing is to be published."""

    launch: int
    terminate: tuple[str, ...]
    fleet_map: FleetMap


def steps(current: FleetMap, instances: Sequence[Instance], wanted: int, port: int) -> Steps:
    """The steps from the current map and the instances that exist to a fleet of `wanted` nodes."""
    by_id = {instance.id: instance for instance in instances}
    serving = {node.id for node in current.nodes if node.id in by_id}
    spare = [instance for instance in instances if instance.answering and instance.id not in serving]
    nodes: list[Node] = []
    for node in current.nodes[:wanted]:
        if node.id in by_id or not spare:
            nodes.append(node)
        else:
            nodes.append(_node(spare.pop(0), port))
    while len(nodes) < wanted and spare:
        nodes.append(_node(spare.pop(0), port))
    placed = {node.id for node in nodes}
    surplus = [instance.id for instance in instances if instance.id not in placed][: max(0, len(instances) - wanted)]
    return Steps(launch=max(0, wanted - len(instances)), terminate=tuple(surplus), fleet_map=with_nodes(current, nodes))


def _node(instance: Instance, port: int) -> Node:
    return Node(instance.id, instance.address, port)
