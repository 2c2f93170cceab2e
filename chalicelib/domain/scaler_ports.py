"""What the scaler keeps in the database, as a narrow protocol."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.domain.decisions import Decision
from chalicelib.domain.fleet import FleetMap
from chalicelib.domain.fleet_report import FleetReport
from chalicelib.domain.launches import Launch


class ScalerRows(Protocol):
    """What the scaler keeps. Raises RowsUnavailableError; SupersededError where a run must be the last begun."""

    def begin_run(self) -> int:
        """The number of this run; every earlier one is superseded."""

    def settings(self) -> tuple[int, Mapping[str, object]]:
        """Version and values of the cache settings as stored."""

    def launches(self) -> list[Launch]: ...

    def write_launches(self, run: int, intents: Sequence[bytes]) -> None:
        """Writes down what is about to be launched. Raises SupersededError."""

    def note_launched(self, intent: bytes, instance_id: str) -> bool:
        """Whether the launch was still written down."""

    def forget_launches(self, run: int, intents: Sequence[bytes]) -> None:
        """Raises SupersededError."""

    def publish(self, run: int, fleet_map: FleetMap) -> bool:
        """Stores the map if the stored version is the one before it. Raises SupersededError."""

    def record(self, decision: Decision, settings_version: int, settings: Mapping[str, object] | None) -> bool:
        """Stores the decision, and the settings with its target if they are given, in one transaction.

        False if the minute was decided already, or the settings changed meanwhile. Raises SupersededError.
        """

    def note(self, decision: Decision) -> None:
        """Adds to the log what was done about no minute in particular. Raises SupersededError."""

    def note_outcome(self, minute: int, outcome: str) -> None: ...

    def decided(self, since: int) -> set[int]:
        """The minutes from `since` on that are decided."""

    def changed_at(self) -> datetime | None:
        """When a decision, or a person, changed the target last."""

    def log(self, since: int) -> list[Decision]:
        """The decisions on minutes from `since` on, oldest first."""

    def keep_report(self, run: int, report: FleetReport) -> None:
        """Raises SupersededError."""

    def prune(self, days: int) -> None:
        """Removes decisions that are older."""
