"""The fleet map: which nodes there are and which partition each of them serves.

A map is immutable and versioned; a new one is published by compare-and-set on the version. It is only advice on where
bytes may be cached: the row decides what is shown, so a reader with an old map is slow at worst, never wrong.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.domain.partitions import PARTITIONS, alternating, router


@dataclass(frozen=True, slots=True)
class Node:
    """A memcached process. `id` is its instance's and is never used again; an address may be."""

    id: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class FleetMap:
    """`assignment[p]` is the index in `nodes` of the node that serves partition p."""

    version: int
    nodes: tuple[Node, ...]
    assignment: tuple[int, ...]
    route: Callable[[bytes], tuple[int, Node | None]] = field(init=False, repr=False, compare=False)
    """From a key to its partition and the node that serves it, as `node_of` says."""

    def __post_init__(self) -> None:
        entries = [(partition, self.node_of(partition)) for partition in range(PARTITIONS)]
        object.__setattr__(self, "route", router(entries))

    def node_of(self, partition: int) -> Node | None:
        """The node that serves the partition; None while the fleet is empty."""
        return self.nodes[self.assignment[partition]] if self.nodes else None

    def partitions_of(self, node: Node) -> tuple[int, ...]:
        """The partitions that the node serves, counted from 0."""
        return tuple(p for p, index in enumerate(self.assignment) if self.nodes[index] == node)


EMPTY = FleetMap(version=0, nodes=(), assignment=())


def with_nodes(current: FleetMap, nodes: Sequence[Node]) -> FleetMap:
    """The next map, serving from `nodes` in the alternating assignment; `current` itself if nothing would change."""
    if tuple(nodes) == current.nodes:
        return current
    return replace(current, version=current.version + 1, nodes=tuple(nodes), assignment=alternating(len(nodes)))


def to_json(fleet_map: FleetMap) -> str:
    """The map's body as it is stored; its version stands beside it."""
    return json.dumps(
        {
            "nodes": [{"id": node.id, "address": node.address, "port": node.port} for node in fleet_map.nodes],
            "assignment": list(fleet_map.assignment),
        }
    )


def from_json(version: int, body: str) -> FleetMap:
    """The map that `to_json` wrote. Raises LookupError or ValueError on a body it did not write."""
    stored = json.loads(body)
    return FleetMap(
        version=version,
        nodes=tuple(Node(node["id"], node["address"], node["port"]) for node in stored["nodes"]),
        assignment=tuple(stored["assignment"]),
    )
