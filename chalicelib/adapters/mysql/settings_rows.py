"""Settings by name, changed by compare-and-set."""

import json
from collections.abc import Mapping

from chalicelib.adapters.mysql.database import Database, Transaction


class MySqlSettingsRows:
    """SettingsRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, name: str) -> tuple[int, Mapping[str, object]]:
        found = self._database.select("SELECT version, body FROM settings WHERE name = %s", (name,))
        return (found[0][0], json.loads(found[0][1])) if found else (0, {})

    def write(self, name: str, expected_version: int, values: Mapping[str, object]) -> bool:
        body = json.dumps(values)

        def work(transaction: Transaction) -> bool:
            found = transaction.select("SELECT version, body FROM settings WHERE name = %s FOR UPDATE", (name,))
            if found and (found[0][0], found[0][1]) == (expected_version + 1, body):
                return True  # committed, its answer was lost
            if (found[0][0] if found else 0) != expected_version:
                return False
            if not found:
                inserted = transaction.change(
                    "INSERT IGNORE INTO settings (name, version, body) VALUES (%s, 1, %s)", (name, body)
                )
                return inserted == 1  # 0: another was first
            transaction.change("UPDATE settings SET version = version + 1, body = %s WHERE name = %s", (body, name))
            return True

        return self._database.transaction(work)
