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

    def last_minute(self, fleet_map: FleetMap) -> Rates:
        """What was counted over the last minute by the map's nodes; those that could not be asked are named."""
        slots = rates.last_minute(self.clock.now().timestamp())
        totals = dict.fromkeys(rates.NAMES, 0)
        silent: list[str] = []
        for node in fleet_map.nodes:
            try:
                counted = self.caches.of(node).counts(rates.NAMES, slots)
            except NodeError:
                silent.append(node.id)
                continue
            for name, count in counted.items():
                totals[name] += count
        return Rates(**totals, silent_nodes=tuple(silent))
