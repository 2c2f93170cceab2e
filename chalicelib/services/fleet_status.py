"""What the fleet is and how it is doing, from the application's own counts on the nodes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chalicelib.domain import rates
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import FleetMap, Node
from chalicelib.domain.ports import Clock, FleetMaps, NodeCaches
from chalicelib.domain.rates import Rates
from chalicelib.services.asking_nodes import asked_at_once


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """Answers questions about the fleet."""

    maps: FleetMaps
    caches: NodeCaches
    clock: Clock

    def map(self) -> FleetMap:
        """The fleet map as published."""
        return self.maps.current()

    def last_minute(self, fleet_map: FleetMap) -> Rates:
        """What was counted over the last minute by the map's nodes; those that could not be asked are named."""
        counted = asked_at_once(fleet_map.nodes, self.counts_of)
        return total(zip(fleet_map.nodes, counted, strict=True))

    def counts_of(self, node: Node, more: Sequence[str] = ()) -> dict[str, int]:
        """Every count of one node over the last minute, those named `more` too. Raises NodeError."""
        slots = rates.last_minute(self.clock.now().timestamp())
        return self.caches.of(node).counts((*rates.NAMES, *more), slots)


def total(counted: Iterable[tuple[Node, dict[str, int] | NodeError]]) -> Rates:
    """The sum over the nodes; those that could not be asked are named."""
    totals = dict.fromkeys(rates.NAMES, 0)
    silent: list[str] = []
    for node, counts in counted:
        if isinstance(counts, NodeError):
            silent.append(node.id)
            continue
        for name in rates.NAMES:
            totals[name] += counts[name]
    return Rates(**totals, silent_nodes=tuple(silent))
