"""Sends jobs that were made due. The schedule sends what cannot be sent now."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import StoreError
from chalicelib.domain.ports import JobQueue, JobRows

logger = logging.getLogger(__name__)


def send_now(queue: JobQueue, job_rows: JobRows, due: Sequence[bytes]) -> None:
    """Sends jobs that a transaction made due; what cannot be sent now, the schedule sends. Never fails."""
    if not due:
        return
    try:
        queue.send(due)
        job_rows.mark_sent(due)
    except StoreError as error:
        logger.warning("jobs not sent now, the schedule will: %s", error)


@dataclass(frozen=True, slots=True)
class Sending:
    """The queue, and the rows that say what was sent."""

    job_rows: JobRows
    queue: JobQueue

    def send(self, due: Sequence[bytes]) -> None:
        """As `send_now`."""
        send_now(self.queue, self.job_rows, due)
