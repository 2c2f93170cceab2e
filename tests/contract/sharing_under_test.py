"""AlbumRows and ShareRows over one store, in memory or in MySQL, with the rows of images and renditions beside them."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from chalicelib.adapters.mysql.album_rows import MySqlAlbumRows
from chalicelib.adapters.mysql.share_rows import MySqlShareRows
from chalicelib.domain import jobs
from chalicelib.domain.jobs import Removal, Render
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.shares import ShareDraft, Target
from chalicelib.domain.sharing_ports import AlbumRows, ShareRows
from chalicelib.domain.stored_renditions import Rendition, State, object_key_of
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import DEMO, RowsUnderTest, draft_of, memory_rows_of, mysql_rows, no_precondition
from tests.fakes import ManualClock, MemoryStore
from tests.fakes.album_rows import MemoryAlbumRows
from tests.fakes.share_rows import MemoryShareRows

ALBUM = b"a" * 16


@dataclass(frozen=True)
class SharingUnderTest:
    """`pass_time` makes that many seconds go by for the links."""

    rows: RowsUnderTest
    albums: AlbumRows
    shares: ShareRows
    pass_time: Callable[[float], None]

    def put(self, *keys: bytes) -> None:
        """Images whose renditions are made."""
        for key in keys:
            draft = draft_of(key)
            written = self.rows.images.put(DEMO, draft, self.rows.announced(draft).id, no_precondition)
            for job_id in written.jobs:
                self.render(job_id)

    def render(self, job_id: bytes) -> Render | None:
        """The job done as the worker does it, if it is one that renders."""
        job = self.rows.jobs.claim(job_id)
        assert job is not None
        if job.kind != jobs.RENDER:
            return None
        order = jobs.render_of(job)
        made = [
            Rendition(
                kind,
                State.READY,
                object_key_of(order.source_object_key, kind),
                secrets.token_bytes(32),
                width=320,
                height=200,
                size=1234,
            )
            for kind in order.kinds
        ]
        removals = [Removal(order.owner_id, one.object_key, partition_of(order.key)) for one in made]
        intent = jobs.removal_job(secrets.token_bytes(16), removals)
        self.rows.images.announce(intent)
        assert self.rows.rendering.complete(order, job_id, intent.id, made, ())
        return order

    def album(self, *keys: bytes, album_id: bytes = ALBUM, title: str = "Summer") -> bytes:
        """An album of these images."""
        self.albums.create(DEMO, album_id, title, 100)
        if keys:
            assert self.albums.add(DEMO, album_id, keys, secrets.token_bytes(16), 100) is not None
        return album_id

    def order(self, album_id: bytes = ALBUM) -> list[bytes]:
        """The keys of its images."""
        return [item.image.key for item in self.albums.images(DEMO, album_id, -1, 100)]

    def share(self, target: Target, *, downloads: bool = False, seconds: int | None = None, title: str = "") -> bytes:
        """A link; its token's hash."""
        draft = draft_of_share(target, downloads=downloads, seconds=seconds, title=title)
        assert self.shares.create(DEMO, draft, 100) is not None
        return draft.token_hash


def draft_of_share(
    target: Target, *, downloads: bool = False, seconds: int | None = None, title: str = ""
) -> ShareDraft:
    return ShareDraft(secrets.token_bytes(16), secrets.token_bytes(32), target, title, "a hash", downloads, seconds)


def sharing_of(request: pytest.FixtureRequest) -> SharingUnderTest:
    """By the fixture's parameter, "memory" or "mysql"."""
    if request.param == "memory":
        store = MemoryStore(ManualClock())
        rows = memory_rows_of(store)
        return SharingUnderTest(rows, MemoryAlbumRows(store), MemoryShareRows(store), store.clock.advance)
    maria: MariaDb = request.getfixturevalue("maria")
    database = maria.database()

    def pass_time(seconds: float) -> None:
        maria.execute("UPDATE shares SET ends_at = ends_at - INTERVAL %s SECOND", (seconds,))

    return SharingUnderTest(mysql_rows(maria), MySqlAlbumRows(database), MySqlShareRows(database), pass_time)
