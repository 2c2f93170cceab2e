"""ScalerRows, DecisionRows and FleetReports in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.decisions import Decision
from chalicelib.domain.fleet import FleetMap
from chalicelib.domain.fleet_report import FleetReport
from chalicelib.domain.launches import Launch, SupersededError
from tests.fakes.store import MemoryStore

SETTINGS = "cache"


class MemoryDecisionRows:
    """DecisionRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def latest(self, limit: int, before_id: int | None = None) -> list[Decision]:
        with self._store.lock:
            older = [one for one in self._store.decisions if before_id is None or one.id < before_id]
            return sorted(older, key=lambda one: -one.id)[:limit]

    def since(self, minute: int) -> list[Decision]:
        with self._store.lock:
            found = [one for one in self._store.decisions if one.minute is not None and one.minute >= minute]
            return sorted(found, key=lambda one: one.minute or 0)

    def change_by_hand(self, decision: Decision, settings_version: int, settings: Mapping[str, object]) -> bool:
        with self._store.steps.step("decisions.change_by_hand"), self._store.lock:
            stored = _write(self._store, settings_version, settings)
            if stored == "now":
                _add(self._store, decision)
            return stored != ""

    def note(self, decision: Decision) -> None:
        with self._store.steps.step("decisions.note"), self._store.lock:
            _add(self._store, decision)


class MemoryFleetReports:
    """FleetReports over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def last(self) -> FleetReport | None:
        with self._store.lock:
            return self._store.report


class MemoryScalerRows:
    """ScalerRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def begin_run(self) -> int:
        with self._store.steps.step("scaler.begin_run"), self._store.lock:
            self._store.run += 1
            return self._store.run

    def settings(self) -> tuple[int, Mapping[str, object]]:
        with self._store.steps.step("scaler.settings"), self._store.lock:
            return self._store.settings.get(SETTINGS, (0, {}))

    def launches(self) -> list[Launch]:
        with self._store.steps.step("scaler.launches"), self._store.lock:
            now = self._store.clock.now()
            return [
                Launch(intent, (now - created_at).total_seconds(), instance_id)
                for intent, (created_at, instance_id) in self._store.launches.items()
            ]

    def write_launches(self, run: int, intents: Sequence[bytes]) -> None:
        with self._store.steps.step("scaler.write_launches"), self._store.lock:
            self._fence(run)
            for intent in intents:
                self._store.launches.setdefault(intent, (self._store.clock.now(), None))

    def note_launched(self, intent: bytes, instance_id: str) -> bool:
        with self._store.steps.step("scaler.note_launched"), self._store.lock:
            if intent not in self._store.launches:
                return False
            self._store.launches[intent] = (self._store.launches[intent][0], instance_id)
            return True

    def forget_launches(self, run: int, intents: Sequence[bytes]) -> None:
        with self._store.steps.step("scaler.forget_launches"), self._store.lock:
            self._fence(run)
            for intent in intents:
                self._store.launches.pop(intent, None)

    def publish(self, run: int, fleet_map: FleetMap) -> bool:
        with self._store.steps.step("maps.publish"), self._store.lock:
            self._fence(run)
            if self._store.fleet_map.version == fleet_map.version - 1:
                self._store.fleet_map = fleet_map
            return self._store.fleet_map == fleet_map

    def record(self, decision: Decision, settings_version: int, settings: Mapping[str, object] | None) -> bool:
        with self._store.steps.step("scaler.record"), self._store.lock:
            self._fence(decision.run)
            for there in self._store.decisions:
                if there.minute == decision.minute:
                    return there.run == decision.run
            if self._store.settings.get(SETTINGS, (0, {}))[0] != settings_version:
                return False
            if settings is not None:
                _write(self._store, settings_version, settings)
            _add(self._store, decision)
            return True

    def note(self, decision: Decision) -> None:
        with self._store.steps.step("scaler.note"), self._store.lock:
            self._fence(decision.run)
            _add(self._store, decision)

    def note_outcome(self, minute: int, outcome: str) -> None:
        with self._store.steps.step("scaler.note_outcome"), self._store.lock:
            self._store.decisions = [
                replace(one, outcome=outcome) if one.minute == minute else one for one in self._store.decisions
            ]

    def decided(self, since: int) -> set[int]:
        with self._store.lock:
            return {one.minute for one in self._store.decisions if one.minute is not None and one.minute >= since}

    def changed_at(self) -> datetime | None:
        with self._store.lock:
            changes = [one for one in self._store.decisions if one.target != one.before]
            return max(changes, key=lambda one: one.id).decided_at if changes else None

    def log(self, since: int) -> list[Decision]:
        return MemoryDecisionRows(self._store).since(since)

    def keep_report(self, run: int, report: FleetReport) -> None:
        with self._store.steps.step("scaler.keep_report"), self._store.lock:
            self._fence(run)
            self._store.report = report

    def prune(self, days: int) -> None:
        with self._store.steps.step("scaler.prune"), self._store.lock:
            oldest = self._store.clock.now() - timedelta(days=days)
            self._store.decisions = [one for one in self._store.decisions if one.decided_at >= oldest]

    def _fence(self, run: int) -> None:
        if run != self._store.run:
            raise SupersededError(f"run {run} is not the last any more")


def _write(store: MemoryStore, expected_version: int, values: Mapping[str, object]) -> str:
    """Whether the settings are stored: "now", "before" by a try whose answer was lost, or not at all."""
    version, stored = store.settings.get(SETTINGS, (0, {}))
    if version == expected_version + 1 and stored == values:
        return "before"
    if version != expected_version:
        return ""
    store.settings[SETTINGS] = (version + 1, dict(values))
    return "now"


def _add(store: MemoryStore, decision: Decision) -> None:
    number = 1 + max((one.id for one in store.decisions), default=0)
    store.decisions.append(replace(decision, id=number, decided_at=store.clock.now()))
