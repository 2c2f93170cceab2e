"""What is needed of the database to tell how far its replica is behind."""

from datetime import datetime
from typing import Protocol


class Heartbeats(Protocol):
    """One row to which the primary writes its time. Every call raises RowsUnavailableError."""

    def beat(self) -> None:
        """Writes the time now."""

    def at_primary(self) -> tuple[datetime, datetime | None]:
        """The primary's clock, and its last beat if there was one."""

    def at_replica(self) -> datetime | None:
        """The last beat that the replica shows."""
