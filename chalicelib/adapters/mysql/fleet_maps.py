"""The fleet map's one row, published by compare-and-set on its version."""

from chalicelib.adapters.mysql.database import Database, Selecting, Transaction
from chalicelib.domain import fleet
from chalicelib.domain.fleet import FleetMap


class MySqlFleetMaps:
    """FleetMaps in MySQL. Keeps the last map it read, which is the wanted one almost always.

    `reads` is where maps are read, if not at the database that they are published in.
    """

    def __init__(self, database: Database, reads: Selecting | None = None) -> None:
        self._database = database
        self._reads = reads or database
        self._kept = fleet.EMPTY

    def current(self) -> FleetMap:
        version, body = self._reads.select(
            "SELECT version, body FROM fleet_maps WHERE id = 1", belongs=lambda rows: [len(row) for row in rows] == [2]
        )[0]
        self._kept = fleet.from_json(version, body)
        return self._kept

    def at(self, version: int) -> FleetMap:
        kept = self._kept
        return kept if kept.version == version else self.current()

    def publish(self, fleet_map: FleetMap) -> bool:
        body = fleet.to_json(fleet_map)

        def work(transaction: Transaction) -> bool:
            changed = transaction.change(
                "UPDATE fleet_maps SET version = %s, body = %s WHERE id = 1 AND version = %s",
                (fleet_map.version, body, fleet_map.version - 1),
            )
            if changed:
                return True
            found = transaction.select("SELECT version, body FROM fleet_maps WHERE id = 1")
            return found == [(fleet_map.version, body)]  # committed, its answer was lost

        return self._database.transaction(work)
