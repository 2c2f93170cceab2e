"""Jobs of the worker that do a stretch of something long, and owe the rest to a following job."""

import logging
from collections.abc import Callable
from typing import Protocol

from chalicelib.domain.errors import PartsLostError
from chalicelib.domain.jobs import Job
from chalicelib.services.tries import tried

logger = logging.getLogger(__name__)


class Run(Protocol):
    """One stretch."""

    def go(self) -> None:
        """Goes on until all is made, the time is over, or another run has taken over. Raises UnavailableError."""

    def begin_anew(self) -> None:
        """Gives up what was stored in parts; a following job makes it again, if it was not lost too often."""

    def fail(self, why: str) -> None:
        """It is not made, for this reason."""


def do_stretch(job: Job, begun: Callable[[], Run | None]) -> None:
    """Does a stretch of what the job is about. Raises UnavailableError: to be tried again.

    `begun` begins one; None if nothing is to be made any more. After jobs.MOST_TRIES of one stretch it has failed.
    """

    def attempt() -> None:
        run = begun()
        if run is None:
            return
        try:
            run.go()
        except PartsLostError as lost:
            logger.warning("job %s: what was stored in parts is made anew: %s", job.id.hex(), lost)
            run.begin_anew()

    def give_up(why: str) -> None:
        run = begun()
        if run is not None:
            run.fail(why)

    tried(job, attempt, give_up)
