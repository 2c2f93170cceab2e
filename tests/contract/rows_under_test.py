"""ImageRows and JobRows over one store, in memory or in MySQL, and small ways to write with them."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from chalicelib.adapters.mysql.detail_rows import MySqlDetailRows
from chalicelib.adapters.mysql.gallery_rows import MySqlGalleryRows
from chalicelib.adapters.mysql.image_lists import ImageLists
from chalicelib.adapters.mysql.image_rows import MySqlImageRows
from chalicelib.adapters.mysql.job_rows import MySqlJobRows
from chalicelib.adapters.mysql.many_rows import MySqlManyRows
from chalicelib.adapters.mysql.rendition_rows import MySqlRenderRows, MySqlRenditionRows
from chalicelib.adapters.mysql.trash_rows import MySqlTrashRows
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.gallery_ports import DetailRows, GalleryRows
from chalicelib.domain.images import Image, ImageFacts
from chalicelib.domain.jobs import Job, Removal
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Draft, ImageRows, JobRows, Precondition, Written
from chalicelib.domain.rendition_ports import RenderRows, RenditionRows
from chalicelib.domain.trash_ports import ManyRows, TrashRows
from tests.contract.real_parts import MariaDb
from tests.fakes import ManualClock, MemoryImageRows, MemoryJobRows, MemoryRenditionRows, MemoryStore
from tests.fakes.gallery_rows import MemoryGalleryRows
from tests.fakes.trash_rows import MemoryManyRows, MemoryTrashRows

DEMO = Principal("demo")
HOUR = 3600.0


def no_precondition(image: Image | None) -> None:
    """Lets every write through."""


@dataclass(frozen=True)
class RowsUnderTest:
    """`pass_time` makes that many seconds go by for the rows."""

    images: ImageRows
    jobs: JobRows
    renditions: RenditionRows
    rendering: RenderRows
    trash: TrashRows
    many: ManyRows
    gallery: GalleryRows
    details: DetailRows
    pass_time: Callable[[float], None]

    def announced(self, draft: Draft) -> Job:
        """The intent of a write that is about to happen."""
        removal = Removal(self.images.owner(DEMO).id, draft.object_key, partition_of(draft.key))
        intent = jobs.removal_job(secrets.token_bytes(16), [removal])
        self.images.announce(intent)
        return intent

    def put(self, key: bytes, precondition: Precondition = no_precondition) -> Written:
        """A whole write of a fresh object under the key, without the job of its renditions."""
        draft = draft_of(key)
        return self.unrendered(self.images.put(DEMO, draft, self.announced(draft).id, precondition))

    def unrendered(self, written: Written) -> Written:
        """What was written, its renditions taken for made: the job is gone."""
        return replace(written, jobs=self.without_rendering(written.jobs))

    def without_rendering(self, job_ids: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """The jobs but those that render, which are gone."""
        kept = [job_id for job_id in job_ids if self._kind(job_id) != jobs.RENDER]
        for job_id in set(job_ids) - set(kept):
            self.jobs.finish(job_id)
        return tuple(kept)

    def removed_by(self, job_id: bytes) -> list[str]:
        """The object keys that a due job removes, those of renditions left out."""
        return [object_key for object_key in self.all_removed_by(job_id) if not object_key.startswith("renditions/")]

    def all_removed_by(self, job_id: bytes) -> list[str]:
        """The object keys that a due job removes."""
        job = self.jobs.claim(job_id)
        assert job is not None
        return [removal.object_key for removal in jobs.removals_of(job)]

    def _kind(self, job_id: bytes) -> str:
        job = self.jobs.claim(job_id)
        assert job is not None
        return job.kind


def draft_of(key: bytes) -> Draft:
    """A draft of an object that no other draft names."""
    facts = ImageFacts("image/png", width=3, height=2, frames=1)
    return Draft(key, f"originals/{secrets.token_hex(16)}", secrets.token_bytes(32), size=70, facts=facts)


def memory_rows() -> RowsUnderTest:
    return memory_rows_of(MemoryStore(ManualClock()))


def memory_rows_of(store: MemoryStore) -> RowsUnderTest:
    renditions, gallery = MemoryRenditionRows(store), MemoryGalleryRows(store)
    return RowsUnderTest(
        MemoryImageRows(store),
        MemoryJobRows(store),
        renditions,
        renditions,
        MemoryTrashRows(store),
        MemoryManyRows(store),
        gallery,
        gallery,
        store.clock.advance,
    )


def mysql_rows(maria: MariaDb) -> RowsUnderTest:
    database = maria.database()

    def pass_time(seconds: float) -> None:
        maria.execute(
            "UPDATE jobs SET due_at = due_at - INTERVAL %s SECOND, sent_at = sent_at - INTERVAL %s SECOND",
            (seconds, seconds),
        )
        maria.execute("UPDATE trashed_images SET trashed_at = trashed_at - INTERVAL %s SECOND", (seconds,))

    return RowsUnderTest(
        MySqlImageRows(database),
        MySqlJobRows(database),
        MySqlRenditionRows(database),
        MySqlRenderRows(database),
        MySqlTrashRows(database),
        MySqlManyRows(database),
        MySqlGalleryRows(database, ImageLists(database)),
        MySqlDetailRows(database),
        pass_time,
    )


def rows_of(request: pytest.FixtureRequest) -> RowsUnderTest:
    """By the fixture's parameter, "memory" or "mysql"."""
    return memory_rows() if request.param == "memory" else mysql_rows(request.getfixturevalue("maria"))
