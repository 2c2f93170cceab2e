"""The services on fakes, with the worker at hand, and what can be asked of the objects they leave."""

from chalicelib.bootstrap import Services
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import NotFoundError
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import REMOVE_OBJECTS, removals_of
from chalicelib.services.images import no_precondition
from tests.fakes import MemoryParts, NullStopwatch

DEMO = Principal("demo")
WATCH = NullStopwatch()
OLD, NEW = b"old bytes", b"new bytes"
TWO_HOURS = 7200.0


class Killed(BaseException):
    """The process ends here: nothing of the writer's runs any more."""


class Store:
    """The services on fakes, with the worker at hand."""

    def __init__(self, parts: MemoryParts | None = None) -> None:
        self.parts = parts or MemoryParts()
        self.services: Services = self.parts.services()
        self.images = self.services.images

    def put(self, data: bytes, key: bytes = b"k1") -> Image:
        return self.images.put(DEMO, key, data, no_precondition, WATCH).image

    def shown(self, key: bytes = b"k1") -> bytes | None:
        """What a person sees."""
        try:
            _, served = self.images.get(DEMO, key, WATCH)
        except NotFoundError:
            return None
        assert served is not None
        return bytes(served.data)

    def orphans(self) -> set[str]:
        """Objects that neither a row names nor a job will remove."""
        owed = {
            removal.object_key
            for row in self.parts.store.jobs.values()
            if row.job.kind == REMOVE_OBJECTS
            for removal in removals_of(row.job)
        }
        return self.unnamed() - owed

    def settle(self) -> None:
        """Time passes, and the schedule and the worker do all that is owed."""
        self.parts.clock.advance(TWO_HOURS)
        self.services.worker.resend()
        self.perform_all()

    def work_off(self) -> None:
        """The worker does what there is to do, the schedule too; time hardly passes."""
        for _ in range(200):
            self.parts.clock.advance(120)
            self.services.worker.resend()
            if not self.parts.queue.messages:
                return
            self.perform_all()
        raise AssertionError("there is no end to it")

    def perform_all(self) -> None:
        """The worker does what was sent."""
        while self.parts.queue.messages:
            self.services.worker.perform(self.parts.queue.messages.pop(0))

    def unnamed(self) -> set[str]:
        """Objects that no row names."""
        named = {image.object_key for image in self.parts.store.kept()}
        named |= {rendition.object_key for rendition in self.parts.store.renditions.values()}
        return set(self.parts.objects.stored) - named

    def removals(self) -> list[bytes]:
        """The sent jobs that remove objects."""
        return [job_id for job_id in self.parts.queue.messages if self.kind_of(job_id) == REMOVE_OBJECTS]

    def kind_of(self, job_id: bytes) -> str | None:
        """The kind of an owed job."""
        row = self.parts.store.jobs.get(job_id)
        return None if row is None else row.job.kind

    def kinds_owed(self) -> set[str]:
        """The kinds of the jobs that are owed."""
        return {row.job.kind for row in self.parts.store.jobs.values()}
