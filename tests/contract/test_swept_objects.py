"""SweptObjects: the same suite over the fake and over the S3 stand-in; and whole sweeps over a real MariaDB with it."""

import logging
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.adapters.mysql.image_rows import MySqlImageRows
from chalicelib.adapters.mysql.job_rows import MySqlJobRows
from chalicelib.adapters.mysql.removal_rows import MySqlRemovalRows
from chalicelib.adapters.mysql.rendition_rows import MySqlRenderRows, MySqlRenditionRows
from chalicelib.adapters.mysql.spending import miscounted
from chalicelib.adapters.mysql.sweep_acts import MySqlSweepActs
from chalicelib.adapters.mysql.sweep_rows import MySqlSweepRows
from chalicelib.adapters.mysql.upload_rows import MySqlUploadRows
from chalicelib.adapters.s3_objects import S3Objects
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import ObjectsUnavailableError, StoreError
from chalicelib.domain.ports import Objects
from chalicelib.domain.stored_renditions import object_key_of
from chalicelib.domain.sweeping import MARKER, Outcome, Phase, quarantine_key
from chalicelib.domain.sweeping_ports import SweptObjects
from chalicelib.services import sweeping
from chalicelib.services.images import no_precondition
from tests.contract.real_parts import MariaDb
from tests.fakes import MemoryObjects, MemoryParts, NullStopwatch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DEMO = Principal("demo")
ORPHAN = "originals/" + "0" * 32 + "/" + "1" * 32


@pytest.fixture
def own_bucket(s3_client: "S3Client") -> Iterator[str]:
    """A bucket that nobody else fills."""
    name = f"swept-{secrets.token_hex(6)}"
    s3_client.create_bucket(Bucket=name)
    yield name
    found = s3_client.list_object_versions(Bucket=name)
    for one in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        s3_client.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
    for plain in s3_client.list_objects_v2(Bucket=name).get("Contents", []):
        s3_client.delete_object(Bucket=name, Key=plain["Key"])
    s3_client.delete_bucket(Bucket=name)


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryObjects()
    return S3Objects(request.getfixturevalue("s3_client"), request.getfixturevalue("own_bucket"))


class _Both(SweptObjects, Objects):
    """What the suite asks of the part."""


def test_objects_are_listed_in_order_with_their_size_behind_a_key(objects: _Both) -> None:
    keys = sorted(f"originals/{secrets.token_hex(4)}/{number}" for number in range(7))
    for key in (*keys, "originals2/x", "renditions/x"):
        objects.put(key, b"abc", "image/png")
    seen: list[str] = []
    after = "originals/"
    while page := objects.listed("originals/", after, 3):
        assert len(page) <= 3
        assert {one.size for one in page} == {3}
        assert all(one.stored_at.tzinfo is not None for one in page)
        seen += [one.object_key for one in page]
        after = seen[-1]
    assert seen == keys


def test_only_what_is_there_is_there_and_is_copied(objects: _Both) -> None:
    objects.put("originals/a", b"abc", "image/png")
    assert objects.is_there("originals/a")
    assert not objects.is_there("originals/b")
    assert objects.copy("originals/a", quarantine_key("originals/a"))
    assert objects.copy("originals/a", quarantine_key("originals/a"))
    assert objects.get("quarantine/originals/a") == b"abc"
    assert not objects.copy("originals/b", quarantine_key("originals/b"))
    assert objects.get("quarantine/originals/b") is None


def test_a_number_is_marked(objects: _Both) -> None:
    assert objects.marked(MARKER) == 0
    for number in (1, 12):
        objects.mark(MARKER, number)
        assert objects.marked(MARKER) == number


def test_without_versions_nothing_is_revived(objects: _Both) -> None:
    objects.put("originals/a", b"abc", "image/png")
    objects.remove(["originals/a"])
    assert not objects.revive("originals/a")
    assert objects.get("originals/a") is None


def test_with_versions_the_newest_comes_back(s3_client: "S3Client", own_bucket: str) -> None:
    s3_client.put_bucket_versioning(Bucket=own_bucket, VersioningConfiguration={"Status": "Enabled"})
    objects = S3Objects(s3_client, own_bucket)
    objects.put("originals/a", b"abc", "image/png")
    objects.put("originals/ab", b"another's", "image/png")
    objects.remove(["originals/a", "originals/ab"])
    assert not objects.is_there("originals/a")
    assert objects.revive("originals/a")
    assert objects.get("originals/a") == b"abc"


def test_what_may_not_be_seen_is_not_taken_for_gone(s3_client: "S3Client", own_bucket: str) -> None:
    objects = S3Objects(s3_client, f"{own_bucket}-that-is-none")
    with pytest.raises(ObjectsUnavailableError):
        objects.listed("originals/", "originals/", 10)


class LaterClock:
    """The time three hours from now, so that everything is old enough."""

    def __init__(self) -> None:
        self.moved = timedelta(hours=3)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


class RealWorld:
    """The services on a real MariaDB and the S3 stand-in, with the worker at hand."""

    def __init__(self, maria: MariaDb, client: "S3Client", bucket: str) -> None:
        self.maria, self.database, self.clock = maria, maria.database(), LaterClock()
        self.parts = MemoryParts()
        objects, database = S3Objects(client, bucket), self.database
        self.objects = objects
        self.services = self.parts.services(
            image_rows=MySqlImageRows(database),
            job_rows=MySqlJobRows(database),
            objects=objects,
            incoming=objects,
            swept_objects=objects,
            upload_rows=MySqlUploadRows(database),
            rendition_rows=MySqlRenditionRows(database),
            render_rows=MySqlRenderRows(database),
            sweep_rows=MySqlSweepRows(database),
            sweep_acts=MySqlSweepActs(database),
        )
        self.services.ports.exclusive = database.exclusive  # type: ignore[method-assign]
        self.services.ports.clock = self.clock  # type: ignore[misc]

    def put(self, key: bytes, data: bytes) -> str:
        return self.services.images.put(DEMO, key, data, no_precondition, NullStopwatch()).image.object_key

    def work(self) -> None:
        self.services.worker.resend()
        while self.parts.queue.messages:
            self.services.worker.perform(self.parts.queue.messages.pop(0))

    def sweep(self) -> None:
        """A whole sweep, a day after the last, and what it owes."""
        self.clock.moved += timedelta(days=1)
        while self.services.sweeping.run().phase is not Phase.DONE:
            pass
        self.work()

    def dangling(self) -> tuple[set[str], set[str]]:
        """Objects without rows, and rows without objects."""
        there = {
            one.object_key
            for prefix in ("originals/", "renditions/", "incoming/", "quarantine/")
            for one in self.objects.listed(prefix, prefix, 1000)
        } - {MARKER}
        rows = self.maria.execute(
            "SELECT object_key FROM images UNION SELECT object_key FROM renditions WHERE state = 'ready' "
            "UNION SELECT CONCAT('quarantine/', object_key) FROM findings WHERE state = 'quarantined'"
        )
        named = {str(object_key) for (object_key,) in rows}
        return there - named, named - there


@pytest.fixture
def world(maria: MariaDb, s3_client: "S3Client", own_bucket: str) -> RealWorld:
    return RealWorld(maria, s3_client, own_bucket)


def planted(world: RealWorld) -> list[str]:
    """Five images, rendered, and something of each kind that dangles; what goes into quarantine."""
    originals = [world.put(b"k%d" % number, b"bytes %d" % number) for number in range(5)]
    world.work()
    lonely = object_key_of(ORPHAN, "preview")
    objects = world.objects
    for object_key in (ORPHAN, object_key_of(ORPHAN, "thumbnail"), lonely, "incoming/" + "2" * 32 + "/" + "3" * 32):
        objects.put(object_key, b"nobody's", "image/png")
    objects.put(object_key_of(originals[4], "greyscale"), b"greyscale of image/pngbytes 4", "image/webp")
    objects.copy(originals[0], quarantine_key(originals[0]))
    objects.remove([originals[0], object_key_of(originals[1], "flipped")])
    world.maria.execute(
        "INSERT INTO renditions (owner_id, image_key, kind, source_object_key, object_key, size, media_type, state, "
        "created_at) SELECT id, 'none', 'preview', %s, %s, 7, 'image/webp', 'ready', UTC_TIMESTAMP(6) FROM owners",
        (ORPHAN, lonely),
    )
    world.maria.execute("UPDATE owners SET bytes = bytes + 7")
    return [ORPHAN, object_key_of(ORPHAN, "thumbnail"), lonely, "incoming/" + "2" * 32 + "/" + "3" * 32]


def test_after_one_sweep_nothing_dangles_either_way(world: RealWorld) -> None:
    quarantined = planted(world)
    unnamed, missing = world.dangling()
    assert len(unnamed) >= 5
    assert len(missing) == 2
    world.sweep()
    assert world.dangling() == (set(), set())
    for object_key in quarantined:
        assert world.objects.get(object_key) is None
        assert world.objects.get(quarantine_key(object_key)) == b"nobody's"
    for number in range(5):
        _, served = world.services.images.get(DEMO, b"k%d" % number, NullStopwatch())
        assert served is not None
        assert bytes(served.data) == b"bytes %d" % number
    assert miscounted(world.database) == []
    assert {one.outcome for one in world.services.sweeping.findings(None, 100).findings} == {
        Outcome.QUARANTINED,
        Outcome.REPAIRED,
    }
    found = len(world.services.sweeping.findings(None, 100).findings)
    world.sweep()
    assert world.dangling() == (set(), set())
    assert len(world.services.sweeping.findings(None, 100).findings) == found


def test_small_pages_and_two_runs_at_once_come_to_the_same(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "PAGE", 3)
    monkeypatch.setattr(sweeping, "BATCH", 2)
    planted(world)
    world.clock.moved += timedelta(days=1)
    named = world.services.ports.sweep_rows.named
    beside: list[Phase] = []

    def named_beside(*args: Any) -> Any:
        beside.append(world.services.sweeping.run().phase)
        return named(*args)

    monkeypatch.setattr(world.services.ports.sweep_rows, "named", named_beside)
    while world.services.sweeping.run().phase is not Phase.DONE:
        pass
    world.work()
    assert set(beside) == {Phase.LOOKING}
    assert len(beside) > 10
    assert world.dangling() == (set(), set())


def test_a_bucket_that_seems_empty_changes_no_row(world: RealWorld, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(12):
        world.put(b"k%d" % number, b"bytes")
    world.work()
    before = world.maria.execute("SELECT state, COUNT(*) FROM renditions GROUP BY state")
    world.objects.remove([one.object_key for one in world.objects.listed("originals/", "originals/", 1000)])
    world.sweep()
    assert world.maria.execute("SELECT state, COUNT(*) FROM renditions GROUP BY state") == before
    assert world.maria.execute("SELECT state FROM findings") == [("stopped",)]
    assert [one.levelno for one in caplog.records if "touched nothing" in one.message] == [logging.ERROR]


def test_deleting_all_data_empties_the_quarantine_too(world: RealWorld) -> None:
    planted(world)
    world.sweep()
    removal = MySqlRemovalRows(world.database)
    assert removal.end_quarantine(b"a" * 16, 2) == 2
    assert removal.end_quarantine(b"b" * 16, 1000) > 0
    assert removal.end_quarantine(b"c" * 16, 1000) == 0
    world.work()
    assert [one.object_key for one in world.objects.listed("quarantine/", "quarantine/", 10)] == [MARKER]
    assert world.dangling() == (set(), set())


def test_an_image_whose_bytes_are_nowhere_is_told_and_kept(world: RealWorld) -> None:
    original = world.put(b"k", b"bytes")
    world.work()
    world.objects.remove([original])
    world.sweep()
    (finding,) = world.services.sweeping.findings(None, 10).findings
    assert (finding.outcome, finding.suspect.image_key) == (Outcome.LOST, b"k")
    with pytest.raises(StoreError):
        world.services.images.get(DEMO, b"k", NullStopwatch())
    assert world.services.images.rows.keys(DEMO) == [b"k"]
