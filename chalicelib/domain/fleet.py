"""The fleet map: which nodes there are, which partition each of them serves, and who served it before.

A map is immutable and versioned; a new one is published by compare-and-set on the version. It is only advice on where
bytes may be cached: the row decides what is shown, so a reader with an old map is slow at worst, never wrong.

While a handoff is under way, a partition that moved remembers the nodes it moved from, nearest first: on a miss the
reader asks them before the origin, and copies. The idea is WarmUpRoute's of mcrouter, over several moves.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.domain.partitions import PARTITIONS, alternating, router

MOST_PREVIOUS = 3  # nodes that a miss may ask before the origin: so many resizes in a row lose nothing


@dataclass(frozen=True, slots=True)
class Node:
    """A memcached process. `id` is its instance's and is never used again; an address may be."""

    id: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class FleetMap:
    """`assignment[p]` is the index in `nodes` of the node that serves partition p.

    `previous[p]` are the nodes that partition p moved from, nearest first; () when no handoff is under way.
    `joined_at[i]` is when `nodes[i]` was first given keys, `moved_at` when partitions moved last, in Unix seconds.
    """

    version: int
    nodes: tuple[Node, ...]
    assignment: tuple[int, ...]
    previous: tuple[tuple[Node, ...], ...] = ()
    joined_at: tuple[float, ...] = ()
    moved_at: float = 0.0
    route: Callable[[bytes], tuple[int, Node | None, tuple[Node, ...]]] = field(init=False, repr=False, compare=False)
    """From a key to its partition, the node that serves it and the nodes that served it before."""

    def __post_init__(self) -> None:
        entries = [(p, self.node_of(p), self.chain(p)) for p in range(PARTITIONS)]
        object.__setattr__(self, "route", router(entries))

    def node_of(self, partition: int) -> Node | None:
        """The node that serves the partition; None while the fleet is empty."""
        return self.nodes[self.assignment[partition]] if self.nodes else None

    def partitions_of(self, node: Node) -> tuple[int, ...]:
        """The partitions that the node serves, counted from 0."""
        return tuple(p for p, index in enumerate(self.assignment) if self.nodes[index] == node)

    def asked_for(self, node: Node) -> tuple[int, ...]:
        """The partitions for which a reader may ask the node: those that it serves, or served before."""
        return tuple(p for p, entry in enumerate(self.owners) if entry == node or node in self.chain(p))

    def chain(self, partition: int) -> tuple[Node, ...]:
        """The nodes that the partition moved from, nearest first."""
        return self.previous[partition] if self.previous else ()

    @property
    def owners(self) -> tuple[Node | None, ...]:
        """For each partition the node that serves it."""
        return tuple(self.node_of(p) for p in range(PARTITIONS))

    @property
    def moving(self) -> tuple[int, ...]:
        """The partitions whose handoff is under way."""
        return tuple(p for p, chain in enumerate(self.previous) if chain)

    @property
    def leaving(self) -> tuple[Node, ...]:
        """The nodes that serve nothing any more but are still asked on a miss."""
        return tuple(dict.fromkeys(node for chain in self.previous for node in chain if node not in self.nodes))

    @property
    def named(self) -> tuple[Node, ...]:
        """Every node that a reader of this map may ask: those that serve, then those that leave."""
        return self.nodes + self.leaving


EMPTY = FleetMap(version=0, nodes=(), assignment=())


def moved(
    current: FleetMap,
    nodes: Sequence[Node],
    assignment: Sequence[int],
    at: float,
    gone: Collection[str] = frozenset(),
) -> FleetMap:
    """The next map, serving from `nodes` by `assignment` since `at`; `current` itself if nothing would change.

    Each partition that changes its node remembers the ones before; those whose ids are in `gone` are never asked again.
    """
    if tuple(nodes) == current.nodes and tuple(assignment) == current.assignment:
        return forgetting(current, gone)
    previous = []
    for p in range(PARTITIONS):
        after = nodes[assignment[p]] if nodes else None
        chain = dict.fromkeys((current.node_of(p), *current.chain(p)))
        kept = [node for node in chain if node is not None and node != after and node.id not in gone]
        previous.append(tuple(kept[:MOST_PREVIOUS]) if after is not None else ())
    known = dict(zip(current.nodes, current.joined_at, strict=False))
    return FleetMap(
        version=current.version + 1,
        nodes=tuple(nodes),
        assignment=tuple(assignment),
        previous=tuple(previous) if any(previous) else (),
        joined_at=tuple(known.get(node, at) for node in nodes),
        moved_at=at,
    )


def forgetting(current: FleetMap, gone: Collection[str]) -> FleetMap:
    """The next map, in which no miss asks the nodes with these ids; `current` itself if none did."""
    previous = tuple(tuple(node for node in chain if node.id not in gone) for chain in current.previous)
    if previous == current.previous:
        return current
    return replace(current, version=current.version + 1, previous=previous if any(previous) else ())


def settled(current: FleetMap) -> FleetMap:
    """The next map, whose handoff is over; `current` itself if none is under way."""
    return replace(current, version=current.version + 1, previous=()) if current.previous else current


def with_nodes(current: FleetMap, nodes: Sequence[Node]) -> FleetMap:
    """The next map, serving from `nodes` in the alternating assignment with no handoff; `current` if it is the same."""
    if tuple(nodes) == current.nodes:
        return current
    return FleetMap(current.version + 1, tuple(nodes), alternating(len(nodes)), joined_at=(0.0,) * len(nodes))


def to_json(fleet_map: FleetMap) -> str:
    """The map's body as it is stored; its version stands beside it."""
    known = fleet_map.named
    return json.dumps(
        {
            "nodes": [{"id": node.id, "address": node.address, "port": node.port} for node in known],
            "serving": len(fleet_map.nodes),
            "assignment": list(fleet_map.assignment),
            "previous": [[known.index(node) for node in chain] for chain in fleet_map.previous],
            "joined_at": list(fleet_map.joined_at),
            "moved_at": fleet_map.moved_at,
        }
    )


def from_json(version: int, body: str) -> FleetMap:
    """The map that `to_json` wrote, now or before there were handoffs. Raises LookupError or ValueError on others."""
    stored = json.loads(body)
    known = tuple(Node(node["id"], node["address"], node["port"]) for node in stored["nodes"])
    serving = known[: stored.get("serving", len(known))]
    return FleetMap(
        version=version,
        nodes=serving,
        assignment=tuple(stored["assignment"]),
        previous=tuple(tuple(known[index] for index in chain) for chain in stored.get("previous", ())),
        joined_at=tuple(stored.get("joined_at", (0.0,) * len(serving))),
        moved_at=stored.get("moved_at", 0.0),
    )
