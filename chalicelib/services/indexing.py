"""Makes images findable that were there before there was a search."""

from dataclasses import dataclass

from chalicelib.domain.gallery_ports import IndexRows
from chalicelib.domain.jobs import Job
from chalicelib.services.sending import Sending

BATCH = 200


@dataclass(frozen=True, slots=True)
class Indexing:
    """Performs the jobs of the kind INDEX_IMAGES."""

    rows: IndexRows
    sending: Sending

    def perform(self, job: Job) -> None:
        """Puts in one batch of an owner's, and sends the job that goes on."""
        self.sending.send(self.rows.index(job, BATCH))
