"""Sends jobs that were made due. The schedule sends what cannot be sent now."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import StoreError
from chalicelib.domain.ports import JobQueue, JobRows

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sending:
    """The queue, and the rows that say what was sent."""

    job_rows: JobRows
    queue: JobQueue

    def send(self, due: Sequence[bytes]) -> None:
        """Never fails."""
        if not due:
            return
        try:
            self.queue.send(due)
            self.job_rows.mark_sent(due)
        except StoreError as error:
            logger.warning("jobs not sent now, the schedule will: %s", error)
