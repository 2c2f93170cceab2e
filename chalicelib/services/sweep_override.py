"""A sweep that found too many suspects stops and touches nothing. An admin who has looked may let the next one act."""

from dataclasses import dataclass, replace

from chalicelib.domain import sweeping
from chalicelib.domain.admin import REFUSED
from chalicelib.domain.admin_ports import AdminRows
from chalicelib.domain.errors import InvalidValueError, OverloadedError, TooManyTriesError
from chalicelib.domain.sweeping import Sweep
from chalicelib.domain.sweeping_ports import SweepRows
from chalicelib.services.accounts import Accounts
from chalicelib.services.admin import By

TRIES = 3  # beside a run of the sweeper, which changes the row at each of its steps


@dataclass(frozen=True, slots=True)
class SweepOverride:
    """The use case. Every call may raise RowsUnavailableError."""

    rows: SweepRows
    admin_rows: AdminRows
    accounts: Accounts

    def allow(self, by: By, password: str) -> None:
        """Has the next sweep, which then begins at its next run, act on as many suspects as it finds. Once.

        Asked for again before it has begun, it changes nothing. Raises InvalidValueError, TooManyTriesError or
        OverloadedError.
        """
        deed = by.deed("sweep anyway")
        try:
            self.accounts.confirm(by.principal, password)
            for _ in range(TRIES):
                version, sweep = self._stopped()
                found = f"{sweep.objects_suspected:,} objects, {sweep.rows_suspected:,} rows"
                said = replace(deed, about=f"after sweep {sweep.number}: {found}")
                if sweep.next_anyway or self.rows.allow(version, replace(sweep, next_anyway=True), said):
                    return
        except (InvalidValueError, TooManyTriesError):
            self.admin_rows.note(deed, REFUSED)
            raise
        raise OverloadedError("The sweeper is running at this moment: try again in a minute.")

    def _stopped(self) -> tuple[int, Sweep]:
        version, sweep = self.rows.sweep()
        if not sweeping.may_go_anyway(sweep):
            raise InvalidValueError("sweep", "The last sweep has not stopped: there is nothing to allow.")
        return version, sweep
