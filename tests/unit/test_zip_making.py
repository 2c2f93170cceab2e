"""Downloads over fakes: made in stretches, killed at every step, by two workers at once."""

import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest

from chalicelib.domain.downloads import Download, Making, OpenZip, Place, State, making_of, text_of
from chalicelib.domain.errors import (
    DownloadsUnderWayError,
    NotFoundError,
    ObjectsUnavailableError,
    PartsLostError,
    RowsUnavailableError,
    UnknownDownloadError,
)
from chalicelib.domain.jobs import MAKE_DOWNLOAD, MOST_TRIES
from chalicelib.domain.parted import Parted
from chalicelib.services.images import no_precondition
from chalicelib.services.part_writing import MOST_RESTARTS
from chalicelib.services.zip_making import ZipLimits, ZipMaking
from tests.unit.image_store import DEMO, Killed, Store

DAY = 24 * 3600.0
SMALL = ZipLimits(most_bytes=1 << 20, most_images=100, part_bytes=100, stretch_seconds=0.0, save_seconds=0.0)
STEPS = [
    *("downloads.begin", "downloads.sources", "objects.begin_parts", "objects.get", "objects.put_part"),
    *("objects.end_parts", "downloads.save"),
]


class DownloadStore(Store):
    """The services on fakes, with a worker that makes zips by small limits."""

    def __init__(self, limits: ZipLimits = SMALL) -> None:
        super().__init__()
        ports = self.parts
        made = ZipMaking(ports.download_rows, ports.objects, ports.objects, self.services.sending, ports.clock, limits)
        vars(self.services)["zip_making"] = made
        self.downloads = self.services.downloads

    def filled(self, count: int = 12) -> dict[str, bytes]:
        """So many images, by the names they get in an archive."""
        files = {f"k{number:03}.png": bytes([number]) * (30 + number) for number in range(count)}
        for name, data in files.items():
            self.put(data, name.encode())
        self.settle()
        return files

    def files_of(self, download: Download) -> list[dict[str, bytes]]:
        """What its archives hold, each read by the library."""
        now = self.downloads.find(DEMO, download.id)
        assert now.state is State.READY
        found = []
        for one in now.zips:
            if one.made_at is None:
                continue
            data, media_type = self.parts.objects.stored[one.object_key]
            assert (len(data), media_type) == (one.size, "application/zip")
            with zipfile.ZipFile(BytesIO(data)) as archive:
                assert archive.testzip() is None
                found.append({name: archive.read(name) for name in archive.namelist()})
        return found

    def settle_for_a_day(self) -> None:
        self.parts.clock.advance(DAY + 60)
        self.settle()


@pytest.fixture
def store() -> DownloadStore:
    return DownloadStore()


def test_chosen_images_are_one_zip_in_many_stretches(store: DownloadStore) -> None:
    files = store.filled()
    download = store.downloads.ask(DEMO, [*(name.encode() for name in files if name != "k003.png"), b"none"])
    assert (download.state, download.images, download.images_done) == (State.MAKING, 11, 0)
    begun = store.parts.steps.taken.count("downloads.begin")
    store.work_off()
    assert store.parts.steps.taken.count("downloads.begin") - begun > 3
    wanted = {name: data for name, data in files.items() if name != "k003.png"}
    assert store.files_of(download) == [wanted]
    now = store.downloads.find(DEMO, download.id)
    assert (now.images_done, now.missing, now.bytes_done) == (11, 0, sum(map(len, wanted.values())))
    assert (store.parts.objects.parted, store.kinds_owed()) == ({}, {"remove_objects"})


def test_what_does_not_fit_into_one_zip_is_several(store: DownloadStore) -> None:
    files = store.filled()
    for limits in (
        ZipLimits(most_bytes=1 << 20, most_images=5, part_bytes=100, stretch_seconds=0),
        ZipLimits(most_bytes=600, most_images=100, part_bytes=100, stretch_seconds=60),
        ZipLimits(most_bytes=1 << 20, most_images=100, most_record_bytes=1000, part_bytes=100, stretch_seconds=0),
        ZipLimits(most_bytes=1 << 20, most_images=100, most_record_bytes=1000, part_bytes=100, stretch_seconds=60),
    ):
        limited = DownloadStore(limits)
        limited.filled()
        download = limited.downloads.export(DEMO)
        limited.work_off()
        found = limited.files_of(download)
        assert len(found) > 1
        merged = {name: data for one in found for name, data in one.items() if name != "images.json"}
        assert merged == files
        assert sum(len(one) - 1 for one in found) == len(files)
        names = [one.object_key.rsplit("/", 1)[1] for one in limited.downloads.find(DEMO, download.id).zips]
        assert names[0].count("-") == 3
        assert names[1] == names[0].replace(".zip", "-2.zip")


def test_an_export_tells_of_each_image(store: DownloadStore) -> None:
    store.filled(3)
    store.services.renditions.add_tag(DEMO, b"k001.png", "sea")
    album_id, _ = store.services.albums.create_with(DEMO, "By the <sea>", [b"k002.png", b"k001.png"])
    download = store.downloads.export(DEMO)
    store.work_off()
    (files,) = store.files_of(download)
    told: list[dict[str, Any]] = json.loads(files["images.json"])["images"]
    assert [one["key"] for one in told] == ["k000.png", "k001.png", "k002.png"]
    assert {one["file"] for one in told} | {"images.json"} == set(files)
    own = [tag["tag"] for tag in told[1]["tags"] if not tag["automatic"]]
    assert own == ["sea"]
    placed = [[(one["id"], one["title"], one["place"]) for one in each["albums"]] for each in told]
    assert placed == [[], [(album_id.hex(), "By the <sea>", 1)], [(album_id.hex(), "By the <sea>", 0)]]
    assert told[1]["size"] == len(files["k001.png"])
    assert set(told[0]) == {
        *("file", "key", "media_type", "size", "width", "height", "frames", "sha256", "uploaded_at", "caption", "tags"),
        "albums",
    }


def test_a_link_is_for_five_minutes_and_the_zip_for_a_day(store: DownloadStore) -> None:
    store.filled(2)
    download = store.downloads.export(DEMO)
    with pytest.raises(UnknownDownloadError):
        store.downloads.link(DEMO, download.id, 1)
    store.work_off()
    link = store.downloads.link(DEMO, download.id, 1)
    assert "Expires=300" in link
    assert "/downloads/" in link
    with pytest.raises(UnknownDownloadError):
        store.downloads.link(DEMO, download.id, 2)
    store.settle_for_a_day()
    assert not [one for one in store.parts.objects.stored if one.startswith("downloads/")]
    assert store.downloads.find(DEMO, download.id).zips == ()
    with pytest.raises(UnknownDownloadError):
        store.downloads.link(DEMO, download.id, 1)
    assert store.unnamed() == set()


def test_images_deleted_meanwhile_are_left_out_and_counted(store: DownloadStore) -> None:
    files = store.filled(4)
    download = store.downloads.export(DEMO)

    def gone() -> None:
        for image in list(store.parts.store.images.values()):
            if image.key in (b"k001.png", b"k003.png"):
                del store.parts.objects.stored[image.object_key]

    store.parts.steps.before("objects.get", gone)
    store.work_off()
    (found,) = store.files_of(download)
    assert set(found) - {"images.json"} == set(files) - {"k001.png", "k003.png"}
    assert store.downloads.find(DEMO, download.id).missing == 2


def test_of_a_selection_those_that_are_deleted_before_they_are_come_to_are_counted_as_missing(
    store: DownloadStore,
) -> None:
    files = store.filled(4)
    download = store.downloads.ask(DEMO, [name.encode() for name in files])
    store.images.delete(DEMO, b"k002.png", no_precondition)
    store.work_off()
    now = store.downloads.find(DEMO, download.id)
    assert (now.images, now.images_done, now.missing) == (4, 3, 1)


def test_if_all_are_deleted_first_there_is_no_zip(store: DownloadStore) -> None:
    store.filled(2)
    download = store.downloads.export(DEMO)
    for key in store.images.keys(DEMO):
        store.images.delete(DEMO, key, no_precondition)
    store.work_off()
    assert store.files_of(download) == []


def test_nothing_cannot_be_downloaded_and_only_some_at_once(store: DownloadStore) -> None:
    with pytest.raises(NotFoundError):
        store.downloads.export(DEMO)
    store.filled(1)
    with pytest.raises(NotFoundError):
        store.downloads.ask(DEMO, [b"none"])
    for _ in range(3):
        store.downloads.export(DEMO)
    with pytest.raises(DownloadsUnderWayError):
        store.downloads.export(DEMO)
    store.work_off()
    store.downloads.export(DEMO)
    assert len(store.downloads.list(DEMO)) == 4


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("nth", [0, 1, 2])
def test_killed_at_any_step_it_is_made_all_the_same(step: str, after: bool, nth: int) -> None:
    store = DownloadStore()
    files = store.filled()
    download = store.downloads.export(DEMO)
    for _ in range(nth):
        if store.parts.queue.messages:
            store.services.worker.perform(store.parts.queue.messages.pop(0))
    store.parts.steps.fail(step, Killed(), after=after)
    while store.parts.queue.messages:
        try:
            store.services.worker.perform(store.parts.queue.messages.pop(0))
        except Killed:
            break
    store.parts.steps.forget()
    store.work_off()
    (found,) = store.files_of(download)
    assert {name: data for name, data in found.items() if name != "images.json"} == files
    assert store.kinds_owed() <= {"remove_objects"}
    store.settle_for_a_day()
    assert not [one for one in store.parts.objects.stored if one.startswith("downloads/")]


def test_errors_that_pass_leave_the_job_owed(store: DownloadStore) -> None:
    files = store.filled()
    download = store.downloads.export(DEMO)
    for step, error in (
        ("objects.put_part", ObjectsUnavailableError("no")),
        ("downloads.save", RowsUnavailableError("no")),
    ):
        store.parts.steps.fail(step, error)
        with pytest.raises(type(error)):
            store.work_off()
    store.work_off()
    (found,) = store.files_of(download)
    assert set(found) == {*files, "images.json"}


def test_a_stretch_ends_by_its_time_however_small_the_images_are() -> None:
    store = DownloadStore(ZipLimits())
    files = store.filled(60)
    download = store.downloads.export(DEMO)
    clock = store.parts.clock
    store.parts.steps.gate = lambda: clock.advance(1)
    taken = list[float]()
    while store.parts.queue.messages:
        began = clock.monotonic()
        store.services.worker.perform(store.parts.queue.messages.pop(0))
        taken.append(clock.monotonic() - began)
    store.parts.steps.gate = lambda: None
    assert len(taken) > 5
    assert max(taken) < 20
    (found,) = store.files_of(download)
    assert {name: data for name, data in found.items() if name != "images.json"} == files


def test_the_release_before_knows_no_archive_that_has_a_rest_or_is_whole_and_makes_it_anew() -> None:
    stored = Parted("downloads/a", "upload", ("tag",), 9)
    one = OpenZip(1, stored, datetime(2030, 1, 1, tzinfo=UTC), Place())
    for kept, told in (
        (one, "upload"),
        (replace(one, rest=b"pending"), "hidden:upload"),
        (replace(one, is_whole=True), "hidden:upload"),
    ):
        text = text_of(Making(open_zip=kept))
        assert json.loads(text)["zip"]["upload_id"] == told
        assert making_of(text) == Making(open_zip=kept)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", ["objects.end_parts", "objects.is_there", "downloads.save"])
def test_an_archive_whose_parts_were_put_together_unheard_is_not_made_again(step: str, after: bool) -> None:
    store = DownloadStore(ZipLimits())
    files = store.filled()
    store.parts.steps.fail("objects.end_parts", ObjectsUnavailableError("no"), after=True)
    download = store.downloads.export(DEMO)
    before = store.parts.steps.taken.count("objects.get")
    with pytest.raises(ObjectsUnavailableError):
        store.work_off()
    store.parts.steps.fail(step, Killed(), after=after)
    with suppress(Killed):
        store.work_off()
    store.parts.steps.forget()
    store.work_off()
    (found,) = store.files_of(download)
    assert set(found) == {*files, "images.json"}
    assert store.parts.steps.taken.count("objects.get") - before == len(files)
    assert len(store.downloads.find(DEMO, download.id).zips) == 1


def test_parts_that_are_lost_are_made_anew(store: DownloadStore) -> None:
    files = store.filled()
    download = store.downloads.export(DEMO)
    store.services.worker.perform(store.parts.queue.messages.pop(0))
    store.parts.objects.parted.clear()
    store.work_off()
    (found,) = store.files_of(download)
    assert set(found) == {*files, "images.json"}
    store.settle_for_a_day()
    assert not [one for one in store.parts.objects.stored if one.startswith("downloads/")]


def test_parts_that_are_lost_again_and_again_end_it_in_words(store: DownloadStore) -> None:
    store.filled()
    download = store.downloads.export(DEMO)
    for _ in range(MOST_RESTARTS + 1):
        store.parts.steps.fail("objects.put_part", PartsLostError("no"))
    store.work_off()
    now = store.downloads.find(DEMO, download.id)
    assert now.state is State.FAILED
    assert "again and again" in str(now.why)
    assert store.kinds_owed() <= {"remove_objects"}


@pytest.mark.parametrize("error", [ObjectsUnavailableError("The store is gone."), Killed()], ids=["away", "killed"])
def test_a_stretch_that_fails_at_each_try_ends_it_in_words(error: BaseException) -> None:
    store = DownloadStore()
    store.filled()
    download = store.downloads.export(DEMO)
    (message,) = store.parts.queue.messages
    for _ in range(MOST_TRIES):
        assert store.downloads.find(DEMO, download.id).state is State.MAKING
        store.parts.steps.fail("objects.get", error)
        with pytest.raises(type(error)):
            store.services.worker.perform(message)
    store.services.worker.perform(message)
    now = store.downloads.find(DEMO, download.id)
    assert now.state is State.FAILED
    assert f"{MOST_TRIES} times" in str(now.why)
    assert store.kinds_owed() <= {"remove_objects"}


def test_an_archive_that_would_be_removed_before_it_is_fetched_is_begun_anew(store: DownloadStore) -> None:
    files = store.filled()
    download = store.downloads.export(DEMO)
    store.services.worker.perform(store.parts.queue.messages.pop(0))
    store.parts.clock.advance(DAY / 2 + 60)
    store.work_off()
    (found,) = store.files_of(download)
    assert set(found) == {*files, "images.json"}
    (archive,) = [one for one in store.downloads.find(DEMO, download.id).zips if one.made_at is not None]
    assert (archive.ends_at - store.parts.clock.now()).total_seconds() > 20 * 3600


@pytest.mark.parametrize("step", [one for one in STEPS if one != "downloads.begin"])
def test_of_two_workers_at_once_one_makes_it(step: str) -> None:
    store = DownloadStore()
    files = store.filled()
    download = store.downloads.export(DEMO)
    message = store.parts.queue.messages[0]

    def another() -> None:
        store.services.worker.perform(message)

    act: Callable[[], None] = another
    store.parts.steps.before(step, act)
    store.work_off()
    (found,) = store.files_of(download)
    assert {name: data for name, data in found.items() if name != "images.json"} == files
    assert MAKE_DOWNLOAD not in store.kinds_owed()
