"""The log of decisions on the fleet's size, and what the scaler's last run saw."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.mysql.database import Database, Selecting, Transaction
from chalicelib.adapters.mysql.settings_rows import written
from chalicelib.domain import fleet_report
from chalicelib.domain.decisions import Decision, inputs_from_json, inputs_to_json
from chalicelib.domain.fleet_report import FleetReport

SETTINGS = "cache"
_COLUMNS = "id, minute, decided_at, run, rule, reason, nodes_before, target, inputs, outcome"
_COLUMN_COUNT = _COLUMNS.count(",") + 1


class MySqlDecisionRows:
    """DecisionRows in MySQL. `reads` is where the log is read, if not at the database that it is written to."""

    def __init__(self, database: Database, reads: Selecting | None = None) -> None:
        self._database = database
        self._reads = reads or database

    def latest(self, limit: int, before_id: int | None = None) -> list[Decision]:
        return self._found(
            f"SELECT {_COLUMNS} FROM decisions WHERE id < %s ORDER BY id DESC LIMIT %s",
            ((1 << 63) - 1 if before_id is None else before_id, limit),
        )

    def since(self, minute: int) -> list[Decision]:
        return self._found(f"SELECT {_COLUMNS} FROM decisions WHERE minute >= %s ORDER BY minute", (minute,))

    def change_by_hand(self, decision: Decision, settings_version: int, settings: Mapping[str, object]) -> bool:
        def work(transaction: Transaction) -> bool:
            stored = written(transaction, SETTINGS, settings_version, settings)
            if stored.now:
                insert(transaction, decision)
            return stored.is_so

        return self._database.transaction(work)

    def note(self, decision: Decision) -> None:
        self._database.transaction(lambda transaction: insert(transaction, decision))

    def _found(self, sql: str, args: tuple[object, ...]) -> list[Decision]:
        found = self._reads.select(sql, args, belongs=lambda rows: all(len(row) == _COLUMN_COUNT for row in rows))
        return [_decision(*columns) for columns in found]


class MySqlFleetReports:
    """FleetReports in MySQL, read where requests read rows."""

    def __init__(self, reads: Selecting) -> None:
        self._reads = reads

    def last(self) -> FleetReport | None:
        found = self._reads.select(
            "SELECT run, report FROM scaler_runs WHERE id = 1",
            belongs=lambda rows: all(len(row) == 2 for row in rows),
        )
        return fleet_report.from_json(found[0][1]) if found and found[0][1] else None


def insert(transaction: Transaction, decision: Decision) -> None:
    """Adds the decision to the log."""
    transaction.change(
        "INSERT INTO decisions (minute, decided_at, run, rule, reason, nodes_before, target, inputs, outcome) "
        "VALUES (%s, UTC_TIMESTAMP(6), %s, %s, %s, %s, %s, %s, %s)",
        (
            decision.minute,
            decision.run,
            decision.rule,
            decision.reason,
            decision.before,
            decision.target,
            inputs_to_json(decision),
            decision.outcome,
        ),
    )


def _decision(
    number: int,
    minute: int | None,
    decided_at: datetime,
    run: int,
    rule: str,
    reason: str,
    before: int,
    target: int,
    inputs: str,
    outcome: Any,
) -> Decision:
    samples, left_out, settings = inputs_from_json(inputs)
    at = decided_at.replace(tzinfo=UTC)
    return Decision(minute, at, run, rule, reason, before, target, samples, left_out, settings, outcome, number)
