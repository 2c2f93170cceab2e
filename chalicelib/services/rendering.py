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
from chalicelib.domain.errors import QuotaError, RequestError
from chalicelib.domain.image_details import SeenFacts, seen_facts
from chalicelib.domain.jobs import Job, Removal, Render
from chalicelib.domain.notices import EditNotice, edits_among, is_asked_for
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import ImageRows, JobRows, Objects, Renderer
from chalicelib.domain.rendition_ports import RenderRows
from chalicelib.domain.renditions import AUTOMATIC, KINDS, MEDIA_TYPE, THUMBNAIL, Rendered
from chalicelib.domain.stored_renditions import Rendition, State, object_key_of
from chalicelib.services.edit_notices import Subscribers
from chalicelib.services.labelling import TRIES
from chalicelib.services.sending import Sending
from chalicelib.services.stored_bytes import stored_bytes
from chalicelib.services.tries import tried

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rendering:
    """Performs the jobs of the kind RENDER."""

    rows: RenderRows
    image_rows: ImageRows
    job_rows: JobRows
    objects: Objects
    renderer: Renderer
    sending: Sending
    subscribers: Subscribers | None = None  # where owners are told of edits
    labels: bool = False  # of what an image shows, as tags

    def perform(self, job: Job) -> None:
        """Makes what the job names, or says why not, and finishes it. Raises UnavailableError: to be tried again.

        The last of jobs.MOST_TRIES fails for good, until somebody asks for another.
        """
        order = jobs.render_of(job)
        tried(job, lambda: self._try(job, order), lambda why: self._fail(job, order, why))

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
        owed, now = self._owed(order, ready=True)
        if not self.rows.complete(order, job.id, intent.id, made, tags, seen, owed):
            logger.info("job %s: the image was replaced or deleted while it was rendered", job.id.hex())
            return
        self.sending.send(now)

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
        owed, now = self._owed(order, ready=False)
        self.rows.fail(order, job.id, why, owed=owed)
        self.sending.send(now)

    def _owed(self, order: Render, *, ready: bool) -> tuple[list[Job], list[bytes]]:
        """The jobs that are due once these renditions are ready or failed, and which of them to send at once.

        What an arrival owes its owner is left to the schedule, so that what a minute brought is told together.
        """
        owed, now = list[Job](), list[bytes]()
        edits, asked_for = edits_among(order.kinds), is_asked_for(order.kinds)
        if self.subscribers and edits and (asked_for or self.subscribers.have(order.owner_id)):
            notice = EditNotice(order.owner_id, order.key, edits, ready)
            owed.append(jobs.edit_notice_job(secrets.token_bytes(16), notice))
            now += [owed[-1].id] if asked_for else []
        if self.labels and ready and THUMBNAIL.name in order.kinds:
            owed.append(jobs.label_job(secrets.token_bytes(16), order, TRIES))
            now.append(owed[-1].id)
        return owed, now


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
