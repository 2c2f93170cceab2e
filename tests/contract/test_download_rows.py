"""DownloadRows: the same suite over the fake and over MySQL. And PartedObjects, over the fake and over S3."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from chalicelib.adapters.mysql.album_rows import MySqlAlbumRows
from chalicelib.adapters.mysql.download_rows import MySqlDownloadRows
from chalicelib.adapters.s3_objects import S3Objects
from chalicelib.domain.download_ports import Asked, DownloadRows, MadeZip, Saved
from chalicelib.domain.downloads import (
    FORGET_DAYS,
    MOST_UNDER_WAY,
    Making,
    OpenZip,
    Place,
    State,
    What,
    making_of,
    text_of,
)
from chalicelib.domain.errors import DownloadsUnderWayError, NotFoundError, PartsLostError
from chalicelib.domain.jobs import MAKE_DOWNLOAD, Job, removals_of
from chalicelib.domain.parted import Parted, PartedObjects
from chalicelib.domain.sharing_ports import AlbumRows
from chalicelib.domain.stored_renditions import ImageTag
from chalicelib.domain.zip_files import entry_of
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import DEMO, RowsUnderTest, memory_rows_of, mysql_rows
from tests.fakes import ManualClock, MemoryObjects, MemoryStore
from tests.fakes.album_rows import MemoryAlbumRows
from tests.fakes.download_rows import MemoryDownloadRows

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DAY = 24 * 3600.0
NOW = datetime(2026, 5, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Under:
    rows: RowsUnderTest
    downloads: DownloadRows
    pass_time: Callable[[float], None]
    albums: AlbumRows

    def ask(self, what: What = What.EXPORT, *keys: bytes) -> Asked:
        return self.downloads.ask(DEMO, some_id(), what, keys, None)


@pytest.fixture(params=["memory", "mysql"])
def under(request: pytest.FixtureRequest) -> Under:
    if request.param == "memory":
        store = MemoryStore(ManualClock())
        return Under(memory_rows_of(store), MemoryDownloadRows(store), store.clock.advance, MemoryAlbumRows(store))
    maria: MariaDb = request.getfixturevalue("maria")
    rows = mysql_rows(maria)

    def pass_time(seconds: float) -> None:
        rows.pass_time(seconds)
        maria.execute("UPDATE downloads SET asked_at = asked_at - INTERVAL %s SECOND", (seconds,))
        maria.execute("UPDATE download_zips SET ends_at = ends_at - INTERVAL %s SECOND", (seconds,))

    return Under(rows, MySqlDownloadRows(maria.database()), pass_time, MySqlAlbumRows(maria.database()))


def some_id() -> bytes:
    return secrets.token_bytes(16)


def making(number: int = 1) -> Making:
    place = Place(b"k1\xff", 1, 70, 2)
    entries = (entry_of("é.png", b"data", 0, NOW), entry_of("b.png", b"", 40, NOW))
    record: dict[str, object] = {"key": "é", "tags": []}
    key = f"downloads/{secrets.token_hex(32)}/images.zip"
    stored = Parted(key, "an upload", ("tag 1", "tag 2"), 99)
    opened = OpenZip(number, stored, NOW, Place(b"k0"), entries, (record,))
    return Making(place, opened, number, 1)


def test_where_the_making_goes_on_is_kept_whole() -> None:
    for one in (making(), Making(), replace(making(), open_zip=None)):
        assert making_of(text_of(one)) == one


def test_a_download_is_owed_and_listed(under: Under) -> None:
    for key in (b"k1", b"k2", b"k3"):
        under.rows.put(key)
    asked = under.ask(What.SELECTION, b"k3", b"k1", b"none", b"k1")
    assert (asked.download.images, asked.download.bytes, asked.download.state) == (2, 140, State.MAKING)
    assert under.downloads.downloads(DEMO) == [asked.download]
    assert under.downloads.download(DEMO, asked.download.id) == asked.download
    assert under.downloads.download(DEMO, some_id()) is None
    job = under.rows.jobs.claim(asked.job_id)
    assert job is not None
    assert (job.kind, json.loads(job.body)) == (MAKE_DOWNLOAD, {"download": asked.download.id.hex()})
    under.pass_time(1)
    export = under.ask()
    assert export.download.images == 3
    assert [one.id for one in under.downloads.downloads(DEMO)] == [export.download.id, asked.download.id]


def test_nothing_is_no_download_and_only_some_are_made_at_once(under: Under) -> None:
    with pytest.raises(NotFoundError):
        under.ask()
    under.rows.put(b"k1")
    with pytest.raises(NotFoundError):
        under.ask(What.SELECTION, b"k2")
    for _ in range(MOST_UNDER_WAY):
        under.ask()
    with pytest.raises(DownloadsUnderWayError):
        under.ask()
    under.pass_time(FORGET_DAYS * DAY + 60)
    assert under.downloads.downloads(DEMO) == []
    under.ask()
    assert len(under.downloads.downloads(DEMO)) == 1


def test_its_images_come_in_the_order_of_their_keys_with_their_tags(under: Under) -> None:
    for key in (b"k1", b"k2", b"k3", b"k4"):
        under.rows.put(key)
    under.rows.renditions.add_tag(DEMO, b"k2", "sea", 100)
    under.rows.renditions.add_tag(DEMO, b"k2", "boat", 100)
    for what, keys in ((What.EXPORT, []), (What.SELECTION, [b"k4", b"k2", b"k1"])):
        stretch = under.downloads.begin(under.ask(what, *keys).download.id)
        assert stretch is not None
        wanted = sorted(keys) or [b"k1", b"k2", b"k3", b"k4"]
        found, after = [], b""
        while page := under.downloads.sources(stretch, after, 2):
            found += page
            after = page[-1].image.key
        assert [one.image for one in found] == [under.rows.images.row(DEMO, key).image for key in wanted]
        tags = next(one.tags for one in found if one.image.key == b"k2")
        assert tags == (ImageTag("boat", automatic=False), ImageTag("sea", automatic=False))


def test_its_images_tell_the_albums_that_they_are_in(under: Under) -> None:
    for key in (b"k1", b"k2", b"k3"):
        under.rows.put(key)
    first, second = some_id(), some_id()
    under.albums.create(DEMO, first, "Sea", 100)
    under.pass_time(1)
    under.albums.create(DEMO, second, "é <b>", 100)
    under.albums.add(DEMO, first, [b"k2", b"k1"], some_id(), 100)
    under.albums.add(DEMO, second, [b"k1"], some_id(), 100)
    stretch = under.downloads.begin(under.ask().download.id)
    assert stretch is not None
    found = {one.image.key: one.albums for one in under.downloads.sources(stretch, b"", 10)}
    assert found[b"k3"] == ()
    assert [(one.album_id, one.title) for one in found[b"k1"]] == [(first, "Sea"), (second, "é <b>")]
    assert found[b"k2"][0].place < found[b"k1"][0].place


def test_images_that_are_gone_do_not_end_a_selection(under: Under) -> None:
    keys = [b"k%d" % number for number in range(6)]
    for key in keys:
        under.rows.put(key)
    stretch = under.downloads.begin(under.ask(What.SELECTION, *keys).download.id)
    assert stretch is not None
    under.rows.trash.trash(DEMO, keys[:5], some_id())
    assert [one.image.key for one in under.downloads.sources(stretch, b"", 2)] == [b"k5"]
    assert under.downloads.sources(stretch, b"k5", 2) == []


def test_what_a_stretch_came_to_is_where_the_next_goes_on(under: Under) -> None:
    under.rows.put(b"k1")
    asked = under.ask()
    first = under.downloads.begin(asked.download.id)
    assert first is not None
    assert (first.turn, first.making, first.what) == (1, Making(), What.EXPORT)
    following = Job(some_id(), MAKE_DOWNLOAD, "{}")
    so_far = making()
    assert under.downloads.save(first, Saved(so_far, done_job=asked.job_id, following=following))
    assert under.rows.jobs.claim(asked.job_id) is None
    assert under.rows.jobs.claim(following.id) == following
    second = under.downloads.begin(asked.download.id)
    assert second is not None
    assert (second.turn, second.making) == (2, so_far)
    (now,) = under.downloads.downloads(DEMO)
    assert (now.images_done, now.bytes_done, now.missing) == (1, 70, 2)
    assert [(one.number, one.made_at) for one in now.zips] == [(1, None)]
    assert not under.downloads.save(first, Saved(Making()))
    done = replace(so_far, open_zip=None)
    ending = Saved(done, made=MadeZip(1, 7, 77), state=State.READY, done_job=following.id)
    assert under.downloads.save(second, ending)
    (now,) = under.downloads.downloads(DEMO)
    assert (now.state, now.zips[0].images, now.zips[0].size) == (State.READY, 7, 77)
    assert now.zips[0].made_at is not None
    assert under.downloads.begin(asked.download.id) is None
    assert not under.downloads.save(second, ending)
    assert under.downloads.begin(some_id()) is None


def test_a_zip_s_removal_is_owed_for_a_day_after_it_was_begun(under: Under) -> None:
    under.rows.put(b"k1")
    asked = under.ask()
    stretch = under.downloads.begin(asked.download.id)
    assert stretch is not None
    one = making()
    assert one.open_zip is not None
    for _ in range(2):
        assert under.downloads.save(stretch, Saved(one))
    (before,) = under.downloads.downloads(DEMO)
    assert len(before.zips) == 1
    assert before.zips[0].ends_at - before.asked_at >= timedelta(days=1)
    known = set(under.rows.jobs.due(100))
    under.pass_time(DAY + 60)
    (removal_id,) = set(under.rows.jobs.due(100)) - known
    job = under.rows.jobs.claim(removal_id)
    assert job is not None
    assert [removal.object_key for removal in removals_of(job)] == [one.open_zip.stored.object_key]
    assert under.rows.jobs.unreferenced([one.open_zip.stored.object_key]) == {one.open_zip.stored.object_key}
    assert under.downloads.downloads(DEMO)[0].zips == ()


def test_a_download_that_failed_says_why(under: Under) -> None:
    under.rows.put(b"k1")
    stretch = under.downloads.begin(under.ask().download.id)
    assert stretch is not None
    assert under.downloads.save(stretch, Saved(Making(), state=State.FAILED, why="because"))
    assert [(one.state, one.why) for one in under.downloads.downloads(DEMO)] == [(State.FAILED, "because")]


@pytest.fixture(params=["memory", "s3"])
def parted(request: pytest.FixtureRequest) -> PartedObjects:
    if request.param == "memory":
        return MemoryObjects()
    client: S3Client = request.getfixturevalue("s3_client")
    return S3Objects(client, request.getfixturevalue("bucket"))


def test_parts_make_an_object_and_one_stored_again_takes_the_place_of_the_first(parted: PartedObjects) -> None:
    assert isinstance(parted, MemoryObjects | S3Objects)
    key, first = f"downloads/{secrets.token_hex(32)}/a.zip", secrets.token_bytes(5 << 20)
    upload_id = parted.begin_parts(key, "application/zip")
    parted.put_part(key, upload_id, 1, b"x" * len(first))
    tags = [parted.put_part(key, upload_id, 1, first), parted.put_part(key, upload_id, 2, b"the end")]
    assert parted.get(key) is None
    parted.end_parts(key, upload_id, tags)
    assert parted.get(key) == first + b"the end"


def test_parts_that_are_not_there_are_lost(parted: PartedObjects) -> None:
    key = f"downloads/{secrets.token_hex(32)}/a.zip"
    upload_id = parted.begin_parts(key, "application/zip")
    tag = parted.put_part(key, upload_id, 1, b"one")
    parted.drop_parts(key, upload_id)
    for call in (
        lambda: parted.put_part(key, upload_id, 2, b"two"),
        lambda: parted.end_parts(key, upload_id, [tag]),
    ):
        with pytest.raises(PartsLostError):
            call()
