"""FleetMaps in memory."""

from chalicelib.domain.fleet import FleetMap
from tests.fakes.store import MemoryStore


class MemoryFleetMaps:
    """FleetMaps over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._kept = store.fleet_map

    def current(self) -> FleetMap:
        with self._store.steps.step("maps.current"), self._store.lock:
            self._kept = self._store.fleet_map
            return self._kept

    def at(self, version: int) -> FleetMap:
        return self._kept if self._kept.version == version else self.current()

    def publish(self, fleet_map: FleetMap) -> bool:
        with self._store.steps.step("maps.publish"), self._store.lock:
            if self._store.fleet_map.version == fleet_map.version - 1:
                self._store.fleet_map = fleet_map
            return self._store.fleet_map == fleet_map  # true as well for a retry whose first answer was lost
