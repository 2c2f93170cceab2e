"""Settings by name, changed by compare-and-set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.adapters.mysql.database import Database, Selecting, Transaction
from chalicelib.domain.notices import settings_name


@dataclass(frozen=True, slots=True)
class Stored:
    """Whether the values are stored, and whether it was this try that stored them."""

    is_so: bool
    now: bool


class MySqlSettingsRows:
    """SettingsRows in MySQL. `reads` is where settings are read, if not at the database that they are written to."""

    def __init__(self, database: Database, reads: Selecting | None = None) -> None:
        self._database = database
        self._reads = reads or database

    def read(self, name: str) -> tuple[int, Mapping[str, object]]:
        found = self._reads.select("SELECT version, body FROM settings WHERE name = %s", (name,))
        return (found[0][0], json.loads(found[0][1])) if found else (0, {})

    def write(self, name: str, expected_version: int, values: Mapping[str, object]) -> bool:
        return self._database.transaction(lambda t: written(t, name, expected_version, values).is_so)


def written(transaction: Transaction, name: str, expected_version: int, values: Mapping[str, object]) -> Stored:
    """Stores the values if the version still is what was expected."""
    body = json.dumps(values)
    found = transaction.select("SELECT version, body FROM settings WHERE name = %s FOR UPDATE", (name,))
    if found and (found[0][0], found[0][1]) == (expected_version + 1, body):
        return Stored(is_so=True, now=False)  # committed, its answer was lost
    if (found[0][0] if found else 0) != expected_version:
        return Stored(is_so=False, now=False)
    if found:
        transaction.change("UPDATE settings SET version = version + 1, body = %s WHERE name = %s", (body, name))
        return Stored(is_so=True, now=True)
    inserted = transaction.change("INSERT IGNORE INTO settings (name, version, body) VALUES (%s, 1, %s)", (name, body))
    return Stored(is_so=inserted == 1, now=inserted == 1)  # 0: another was first


def forget_notices(transaction: Transaction, owner_id: bytes) -> None:
    """Forgets the owner's subscription to notices, which was ended before."""
    transaction.change("DELETE FROM settings WHERE name = %s", (settings_name(owner_id),))
