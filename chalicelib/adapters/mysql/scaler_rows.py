"""What the scaler keeps: the number of its run, launches, decisions. Writes are fenced by the number of the run.

A run that slept while a later one began finds itself superseded at its next write.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.decision_rows import SETTINGS, MySqlDecisionRows, insert
from chalicelib.adapters.mysql.settings_rows import written
from chalicelib.domain import fleet, fleet_report
from chalicelib.domain.decisions import Decision
from chalicelib.domain.fleet import FleetMap
from chalicelib.domain.fleet_report import FleetReport
from chalicelib.domain.launches import Launch, SupersededError

T = TypeVar("T")


class MySqlScalerRows:
    """ScalerRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_run(self) -> int:
        def work(transaction: Transaction) -> int:
            transaction.change("UPDATE scaler_runs SET run = run + 1 WHERE id = 1")
            return int(transaction.select("SELECT run FROM scaler_runs WHERE id = 1")[0][0])

        return self._database.transaction(work)

    def settings(self) -> tuple[int, Mapping[str, object]]:
        found = self._database.select("SELECT version, body FROM settings WHERE name = %s", (SETTINGS,))
        return (found[0][0], json.loads(found[0][1])) if found else (0, {})

    def launches(self) -> list[Launch]:
        found = self._database.select(
            "SELECT intent, TIMESTAMPDIFF(MICROSECOND, created_at, UTC_TIMESTAMP(6)), instance_id FROM launches",
            belongs=lambda rows: all(len(row) == 3 for row in rows),
        )
        return [Launch(intent, age / 1e6, instance_id) for intent, age, instance_id in found]

    def write_launches(self, run: int, intents: Sequence[bytes]) -> None:
        def work(transaction: Transaction) -> None:
            transaction.change_many(
                "INSERT IGNORE INTO launches (intent, run, created_at) VALUES (%s, %s, UTC_TIMESTAMP(6))",
                [(intent, run) for intent in intents],
            )

        self._fenced(run, work)

    def note_launched(self, intent: bytes, instance_id: str) -> bool:
        def work(transaction: Transaction) -> bool:
            transaction.change("UPDATE launches SET instance_id = %s WHERE intent = %s", (instance_id, intent))
            return bool(transaction.select("SELECT 1 FROM launches WHERE intent = %s", (intent,)))

        return self._database.transaction(work)

    def forget_launches(self, run: int, intents: Sequence[bytes]) -> None:
        def work(transaction: Transaction) -> None:
            transaction.change_many("DELETE FROM launches WHERE intent = %s", [(intent,) for intent in intents])

        self._fenced(run, work)

    def publish(self, run: int, fleet_map: FleetMap) -> bool:
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

        return self._fenced(run, work)

    def record(self, decision: Decision, settings_version: int, settings: Mapping[str, object] | None) -> bool:
        def work(transaction: Transaction) -> bool:
            there = transaction.select("SELECT run FROM decisions WHERE minute = %s", (decision.minute,))
            if there:
                return bool(there[0][0] == decision.run)  # ours: committed, its answer was lost
            found = transaction.select("SELECT version FROM settings WHERE name = %s FOR UPDATE", (SETTINGS,))
            if (found[0][0] if found else 0) != settings_version:
                return False
            if settings is not None and not written(transaction, SETTINGS, settings_version, settings).is_so:
                return False
            insert(transaction, decision)
            return True

        return self._fenced(decision.run, work)

    def note(self, decision: Decision) -> None:
        self._fenced(decision.run, lambda transaction: insert(transaction, decision))

    def note_outcome(self, minute: int, outcome: str) -> None:
        self._database.transaction(
            lambda transaction: transaction.change(
                "UPDATE decisions SET outcome = %s WHERE minute = %s", (outcome, minute)
            )
        )

    def decided(self, since: int) -> set[int]:
        found = self._database.select(
            "SELECT minute FROM decisions WHERE minute >= %s",
            (since,),
            belongs=lambda rows: all(len(row) == 1 and row[0] >= since for row in rows),
        )
        return {minute for (minute,) in found}

    def changed_at(self) -> datetime | None:
        found = self._database.select(
            "SELECT decided_at, target FROM decisions WHERE target <> nodes_before ORDER BY id DESC LIMIT 1",
            belongs=lambda rows: all(len(row) == 2 for row in rows),
        )
        return found[0][0].replace(tzinfo=UTC) if found else None

    def log(self, since: int) -> list[Decision]:
        return MySqlDecisionRows(self._database).since(since)

    def keep_report(self, run: int, report: FleetReport) -> None:
        def work(transaction: Transaction) -> None:
            transaction.change("UPDATE scaler_runs SET report = %s WHERE id = 1", (fleet_report.to_json(report),))

        self._fenced(run, work)

    def prune(self, days: int) -> None:
        self._database.transaction(
            lambda transaction: transaction.change(
                "DELETE FROM decisions WHERE decided_at < UTC_TIMESTAMP(6) - INTERVAL %s DAY LIMIT 1000", (days,)
            )
        )

    def _fenced(self, run: int, work: Callable[[Transaction], T]) -> T:
        """Does the work in a transaction if the run is the last that began."""

        def fenced(transaction: Transaction) -> T:
            found = transaction.select("SELECT run FROM scaler_runs WHERE id = 1 FOR UPDATE")
            if found != [(run,)]:
                raise SupersededError(f"run {run} is not the last any more")
            return work(transaction)

        return self._database.transaction(fenced)
