"""Has an image looked at for what it shows, and makes labels of it into automatic tags.

It is a job of its own, made due by the transaction that made an arrived image's renditions ready: they wait for
nothing. It is tried a few times, then left out. What is looked at is a small JPEG of the pixels alone, not the person's
file.
"""

import logging
import secrets
from dataclasses import dataclass

from chalicelib.domain import jobs
from chalicelib.domain.errors import LabelsRefusedError, LabelsUnavailableError, RequestError
from chalicelib.domain.jobs import Job
from chalicelib.domain.labels import tags_of
from chalicelib.domain.notice_ports import Labels
from chalicelib.domain.ports import Objects, Renderer
from chalicelib.domain.rendition_ports import RenderRows
from chalicelib.domain.renditions import LOOKED_AT
from chalicelib.services.stored_bytes import stored_bytes

logger = logging.getLogger(__name__)

TRIES, AGAIN_SECONDS = 3, 60


@dataclass(frozen=True, slots=True)
class Labelling:
    """Performs the jobs of the kind LABEL. Without `labels` they end with nothing done."""

    rows: RenderRows
    objects: Objects
    renderer: Renderer
    labels: Labels | None

    def perform(self, job: Job) -> None:
        """Labels the image and ends the job. Raises UnavailableError of another part: to be tried again.

        After jobs.MOST_TRIES of those the image goes without labels.
        """
        order, tries_left = jobs.label_of(job)
        image = self.rows.source(order)
        if image is None or self.labels is None:
            self.rows.label(order, job.id, [])
            return
        if job.tries > jobs.MOST_TRIES:
            logger.warning("job %s: the image goes without labels after %d tries", job.id.hex(), jobs.MOST_TRIES)
            self.rows.label(order, job.id, [])
            return
        try:
            data = stored_bytes(self.objects, image)
            _, (looked_at,) = self.renderer.render(data, image.facts.media_type, [LOOKED_AT])
            found = self.labels.of(looked_at.data)
        except LabelsUnavailableError as error:
            self._again(job, tries_left, error)
        except (LabelsRefusedError, RequestError) as error:
            logger.warning("job %s: the image goes without labels: %s", job.id.hex(), error)
            self.rows.label(order, job.id, [])
        else:
            self.rows.label(order, job.id, tags_of(found))

    def _again(self, job: Job, tries_left: int, error: LabelsUnavailableError) -> None:
        order, _ = jobs.label_of(job)
        if tries_left <= 1:
            logger.warning("job %s: the image goes without labels after %d tries: %s", job.id.hex(), TRIES, error)
            self.rows.label(order, job.id, [])
            return
        instead = jobs.label_job(secrets.token_bytes(16), order, tries_left - 1)
        logger.info("job %s: labels are asked for again later: %s", job.id.hex(), error)
        self.rows.replace_job(job.id, [instead], AGAIN_SECONDS)
