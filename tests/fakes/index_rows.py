"""IndexRows where searches look at the images themselves."""

from chalicelib.domain.jobs import Job


class NothingToIndex:
    """Every image is found as it is."""

    def index(self, job: Job, limit: int) -> tuple[bytes, ...]:
        return ()
