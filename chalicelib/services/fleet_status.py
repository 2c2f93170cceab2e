"""What the fleet is and how it is doing, from the application's own counts on the nodes."""

from dataclasses import dataclass

from chalicelib.domain import rates
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import FleetMap
from chalicelib.domain.ports import Clock, FleetMaps, NodeCaches
from chalicelib.domain.rates import Rates


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """Answers questions about the fleet."""

    maps: FleetMaps
    caches: NodeCaches
    clock: Clock

    def map(self) -> FleetMap:
        """The fleet map as published."""
        return self.maps.current()

    def last_minute(self) -> Rates:
        """What was counted over the last minute by the nodes that can be asked."""
        slots = rates.last_minute(self.clock.now().timestamp())
        totals = dict.fromkeys(rates.NAMES, 0)
        for node in self.maps.current().nodes:
            try:
                counted = self.caches.of(node).counts(rates.NAMES, slots)
            except NodeError:
                continue  # a node without an answer has no rate; the others still do
            for name, count in counted.items():
                totals[name] += count
        return Rates(**totals)
