"""Makes renditions of an image that has arrived, and its automatic tags.

A job may be performed any number of times, late and at the same time as itself: it makes the same objects under the
same keys, and one transaction makes them the image's, if the image still is the one that was rendered. Objects are
announced for removal before they are stored, as an image's are; killed anywhere between, the worker leaves at most
objects that an announced job removes. That job leaves them alone as long as their original is an image's.
"""

import hashlib
import logging
import secrets
from dataclasses import dataclass, replace

from chalicelib.domain import jobs
from chalicelib.domain.automatic_tags import automatic_tags
from chalicelib.domain.errors import QuotaError, RequestError, UnavailableError
from chalicelib.domain.image_details import SeenFacts, seen_facts
from chalicelib.domain.jobs import Job, Removal, Render
from chalicelib.domain.notices import EditNotice, requested
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import ImageRows, JobRows, Objects, Renderer
from chalicelib.domain.rendition_ports import RenderRows
from chalicelib.domain.renditions import AUTOMATIC, KINDS, MEDIA_TYPE, THUMBNAIL, Rendered
from chalicelib.domain.stored_renditions import Rendition, State, object_key_of
from chalicelib.services.labelling import TRIES
from chalicelib.services.sending import Sending
from chalicelib.services.stored_bytes import stored_bytes

logger = logging.getLogger(__name__)

_GIVEN_UP = f"It could not be made, {jobs.MOST_TRIES} times."


@dataclass(frozen=True, slots=True)
class Rendering:
    """Performs the jobs of the kind RENDER."""

    rows: RenderRows
    image_rows: ImageRows
    job_rows: JobRows
    objects: Objects
    renderer: Renderer
    sending: Sending
    tells_owners: bool = False  # of edits that they asked for
    labels: bool = False  # of what an image shows, as tags

    def perform(self, job: Job) -> None:
        """Makes what the job names, or says why not, and finishes it. Raises UnavailableError: to be tried again.

        The last of jobs.MOST_TRIES fails for good, until somebody asks for another. It is raised too, so that its
        message goes where the others went.
        """
        order = jobs.render_of(job)
        if job.tries > jobs.MOST_TRIES:  # the last one was killed
            self._fail(job, order, f"{_GIVEN_UP} Each was cut short.")
            return
        try:
            self._try(job, order)
        except UnavailableError as error:
            if job.tries == jobs.MOST_TRIES:
                logger.warning("job %s is given up: %s", job.id.hex(), error)
                self._fail(job, order, f"{_GIVEN_UP} {error}")
            raise

    def _try(self, job: Job, order: Render) -> None:
        image = self.rows.source(order)
        if image is None:
            self.job_rows.finish(job.id)
            return
        kinds = [KINDS[name] for name in order.kinds if name in KINDS]
        try:
            seen, rendered = self.renderer.render(stored_bytes(self.objects, image), image.facts.media_type, kinds)
            asked_for = [one for one in rendered if one.kind.name not in AUTOMATIC]
            if asked_for:  # an image that was taken gets the others whatever the quota
                self.rows.refuse_if_full(order, sum(len(one.data) for one in asked_for))
        except QuotaError as error:
            self._beyond_quota(job, order, str(error))
            return
        except RequestError as error:
            logger.warning("job %s makes no renditions: %s", job.id.hex(), error)
            self._fail(job, order, str(error))
            return
        tags = automatic_tags(seen, image.facts.media_type) if THUMBNAIL in kinds else []
        self._keep(job, order, rendered, tags, seen_facts(seen) if THUMBNAIL in kinds else None)

    def _keep(self, job: Job, order: Render, rendered: list[Rendered], tags: list[str], seen: SeenFacts | None) -> None:
        made = [_made(order, one) for one in rendered]
        partition = partition_of(order.key)
        intent = jobs.removal_job(
            secrets.token_bytes(16), [Removal(order.owner_id, one.object_key, partition) for one in made]
        )
        self.image_rows.announce(intent)
        for row, one in zip(made, rendered, strict=True):
            self.objects.put(row.object_key, one.data, MEDIA_TYPE)
        owed = self._owed(order, ready=True)
        if not self.rows.complete(order, job.id, intent.id, made, tags, seen, owed):
            logger.info("job %s: the image was replaced or deleted while it was rendered", job.id.hex())
            return
        self.sending.send([one.id for one in owed])

    def _beyond_quota(self, job: Job, order: Render, why: str) -> None:
        """Fails what was asked for. What the image gets in any case gets a job of its own, and so the other."""
        if not AUTOMATIC.intersection(order.kinds):
            self._fail(job, order, why)
            return
        parts = [tuple(kind for kind in order.kinds if (kind in AUTOMATIC) is wanted) for wanted in (True, False)]
        instead = [jobs.render_job(secrets.token_bytes(16), replace(order, kinds=kinds)) for kinds in parts]
        self.rows.replace_job(job.id, instead)
        self.sending.send([one.id for one in instead])

    def _fail(self, job: Job, order: Render, why: str) -> None:
        owed = self._owed(order, ready=False)
        self.rows.fail(order, job.id, why, owed=owed)
        self.sending.send([one.id for one in owed])

    def _owed(self, order: Render, *, ready: bool) -> list[Job]:
        """The jobs that are due once these renditions are ready or failed."""
        owed = []
        edits = requested(order.kinds)
        if self.tells_owners and edits:
            notice = EditNotice(order.owner_id, order.key, edits, ready)
            owed.append(jobs.edit_notice_job(secrets.token_bytes(16), notice))
        if self.labels and ready and THUMBNAIL.name in order.kinds:
            owed.append(jobs.label_job(secrets.token_bytes(16), order, TRIES))
        return owed


def _made(order: Render, one: Rendered) -> Rendition:
    return Rendition(
        kind=one.kind.name,
        state=State.READY,
        object_key=object_key_of(order.source_object_key, one.kind.name),
        sha256=hashlib.sha256(one.data).digest(),
        width=one.width,
        height=one.height,
        size=len(one.data),
    )
