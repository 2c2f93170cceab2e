"""The tables that the fakes of the rows share, as one database does."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain import fleet
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.decisions import Decision
from chalicelib.domain.errors import RowsUnavailableError
from chalicelib.domain.fleet import FleetMap
from chalicelib.domain.fleet_report import FleetReport
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job
from tests.fakes.clock import ManualClock
from tests.fakes.steps import Steps


@dataclass(slots=True)
class JobRow:
    """A job, and what became of it."""

    job: Job
    due_at: datetime
    claimed: bool = False
    sent_at: datetime | None = None
    sent_times: int = 0


@dataclass
class MemoryStore:
    """Tables in memory; `lock` is what a transaction's row locks are. Times are the clock's."""

    clock: ManualClock = field(default_factory=ManualClock)
    steps: Steps = field(default_factory=Steps)
    owners: dict[str, Owner] = field(default_factory=lambda: {"demo": Owner(b"\x01" * 16, 0)})
    images: dict[tuple[bytes, bytes], Image] = field(default_factory=dict)
    jobs: dict[bytes, JobRow] = field(default_factory=dict)
    settings: dict[str, tuple[int, Mapping[str, object]]] = field(default_factory=dict)
    fleet_map: FleetMap = fleet.EMPTY
    run: int = 0
    launches: dict[bytes, tuple[datetime, str | None]] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    report: FleetReport | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def owner(self, principal: Principal) -> Owner:
        """The principal's owner. Raises RowsUnavailableError."""
        try:
            return self.owners[principal.name]
        except KeyError:
            raise RowsUnavailableError(f"There is no owner “{principal.name}” in this environment.") from None

    def bump(self, principal: Principal) -> None:
        """Counts the owner's version up."""
        owner = self.owners[principal.name]
        self.owners[principal.name] = Owner(owner.id, owner.version + 1)
