"""The machine's clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Clock of this machine. Its wall time only labels counts; locks and due times are the database's."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
