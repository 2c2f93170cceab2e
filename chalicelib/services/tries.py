"""Jobs that are tried only so often, so that nothing is told to be in the making for ever."""

import logging
from collections.abc import Callable

from chalicelib.domain import jobs
from chalicelib.domain.errors import UnavailableError
from chalicelib.domain.jobs import Job

logger = logging.getLogger(__name__)

_GIVEN_UP = f"It could not be made, {jobs.MOST_TRIES} times."


def tried(job: Job, attempt: Callable[[], None], give_up: Callable[[str], None]) -> None:
    """Does `attempt`, or, when jobs.MOST_TRIES failed, `give_up` with the reason in words.

    The last error is raised too, so that its message goes where the others went. Raises UnavailableError: to be tried
    again.
    """
    if job.tries > jobs.MOST_TRIES:  # the last one was killed
        give_up(f"{_GIVEN_UP} Each was cut short.")
        return
    try:
        attempt()
    except UnavailableError as error:
        if job.tries == jobs.MOST_TRIES:
            logger.warning("job %s is given up: %s", job.id.hex(), error)
            give_up(f"{_GIVEN_UP} {error}")
        raise
