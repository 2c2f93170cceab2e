"""TrashRows: the same suite over the fake and over MySQL, with every other read of images rows beside it."""

import secrets
from dataclasses import replace

import pytest

from chalicelib.adapters.mysql.image_renditions import DEPENDENTS
from chalicelib.adapters.mysql.spending import miscounted
from chalicelib.adapters.mysql.sweep_rows import MySqlSweepRows
from chalicelib.adapters.mysql.trash_moves import LEFT_BEHIND, MOVED
from chalicelib.domain import jobs, sweeping
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import DoneBeforeError, RowsUnavailableError
from chalicelib.domain.idempotency import Note, asked_by
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import removals_of, render_of
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.stored_renditions import object_key_of
from chalicelib.domain.sweeping_ports import SweepRows
from chalicelib.domain.trash import KEPT_DAYS, Restored, TrashedImage, place_of
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import DEMO, RowsUnderTest, draft_of, memory_rows_of, no_precondition, rows_of
from tests.contract.test_rendition_rows import completed, made, order_of
from tests.fakes import ManualClock, MemoryStore
from tests.fakes.sweep_rows import MemorySweepRows

DAY = 24 * 3600.0
ARRIVAL = sorted(kind.name for kind in ON_ARRIVAL)


@pytest.fixture(params=["memory", "mysql"])
def rows(request: pytest.FixtureRequest) -> RowsUnderTest:
    return rows_of(request)


def some_id() -> bytes:
    return secrets.token_bytes(16)


def trashed(rows: RowsUnderTest, *keys: bytes) -> tuple[TrashedImage, ...]:
    return rows.trash.trash(DEMO, keys, some_id())


def rendered(rows: RowsUnderTest, key: bytes, *tags: str) -> Image:
    """An image whose renditions are ready."""
    draft = draft_of(key)
    written = rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition)
    completed(rows, written.jobs[-1], *tags)
    return written.image


def removed_by(rows: RowsUnderTest, job_ids: tuple[bytes, ...]) -> set[str]:
    claimed = [rows.jobs.claim(job_id) for job_id in job_ids]
    return {one.object_key for job in claimed if job is not None for one in removals_of(job)}


def test_what_is_in_the_trash_is_nowhere_else(rows: RowsUnderTest) -> None:
    image = rendered(rows, b"k1", "sea")
    rows.put(b"k2")
    (one,) = trashed(rows, b"k1")
    assert one.image == image
    assert rows.images.row(DEMO, b"k1").image is None
    assert rows.images.row_to_change(DEMO, b"k1").image is None
    assert rows.images.keys(DEMO) == [b"k2"]
    assert [found.key for found in rows.images.page(DEMO, None, 10)] == [b"k2"]
    assert rows.images.by_object_keys([image.object_key]) == []
    about = rows.renditions.about(DEMO, b"k1")
    assert (about.renditions, about.tags) == ((), ())
    assert rows.renditions.of_images(DEMO, [b"k1"]) == {}
    assert rows.renditions.row(DEMO, b"k1", "thumbnail").image is None
    assert rows.renditions.ask(DEMO, b"k1", "greyscale", some_id()) is None
    assert not rows.renditions.add_tag(DEMO, b"k1", "boat", 100)
    assert not rows.renditions.remove_tag(DEMO, b"k1", "sea")
    assert rows.images.delete(DEMO, b"k1", some_id(), no_precondition) is None
    assert trashed(rows, b"k1") == ()
    assert rows.trash.page(DEMO, None, 10) == [one]
    assert rows.trash.count(DEMO) == (1, image.size)


def test_its_objects_are_wanted_until_it_is_deleted_for_ever(rows: RowsUnderTest) -> None:
    image = rendered(rows, b"k1")
    thumbnail = object_key_of(image.object_key, "thumbnail")
    (one,) = trashed(rows, b"k1")
    assert rows.jobs.unreferenced([image.object_key, thumbnail]) == set()
    gone = rows.trash.delete(DEMO, [one.id], some_id())
    assert gone.names == (one.id,)
    assert rows.jobs.unreferenced([image.object_key, thumbnail]) == {image.object_key, thumbnail}
    of_kinds = {object_key_of(image.object_key, kind) for kind in ARRIVAL}
    assert removed_by(rows, gone.jobs) == {image.object_key} | of_kinds
    assert rows.trash.page(DEMO, None, 10) == []
    assert rows.trash.delete(DEMO, [one.id], some_id()).names == ()


def test_it_comes_back_as_it_was(rows: RowsUnderTest) -> None:
    image = rendered(rows, b"k1", "sea")
    rows.renditions.add_tag(DEMO, b"k1", "mine", 100)
    before = rows.renditions.about(DEMO, b"k1")
    (one,) = trashed(rows, b"k1")
    back = rows.trash.restore(DEMO, [one.id, some_id()], some_id())
    assert back.restored == (Restored(one.id, b"k1", b"k1"),)
    assert back.jobs == ()
    assert rows.images.row(DEMO, b"k1").image == image
    assert rows.renditions.about(DEMO, b"k1") == before
    assert rows.trash.page(DEMO, None, 10) == []
    assert rows.trash.restore(DEMO, [one.id], some_id()).restored == ()


def test_its_key_is_free_and_it_comes_back_beside_what_was_stored_there_meanwhile(rows: RowsUnderTest) -> None:
    first = rendered(rows, b"a.png", "first")
    (one,) = trashed(rows, b"a.png")
    second = rendered(rows, b"a.png", "second")
    (two,) = trashed(rows, b"a.png")
    third = rendered(rows, b"a.png", "third")
    back = rows.trash.restore(DEMO, [one.id, two.id], some_id())
    assert [found.key for found in back.restored] == [b"a.png", b"a (2).png", b"a (3).png"][1:]
    for key, image, tag in (
        (b"a.png", third, "third"),
        (b"a (2).png", first, "first"),
        (b"a (3).png", second, "second"),
    ):
        assert rows.images.row(DEMO, key).image == replace(image, key=key)
        about = rows.renditions.about(DEMO, key)
        assert [found.tag for found in about.tags] == [tag]
        assert {found.object_key for found in about.renditions} == {
            object_key_of(image.object_key, kind) for kind in ARRIVAL
        }


def test_what_was_to_be_rendered_is_rendered_when_it_is_back(rows: RowsUnderTest) -> None:
    draft = draft_of(b"k1")
    written = rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition)
    order = order_of(rows, written.jobs[-1])
    (one,) = trashed(rows, b"k1")
    assert rows.rendering.source(order) is None
    intent = jobs.removal_job(some_id(), [])
    rows.images.announce(intent)
    assert not rows.rendering.complete(order, written.jobs[-1], intent.id, [made(order, "thumbnail")], ["sea"])
    (job_id,) = rows.trash.restore(DEMO, [one.id], some_id()).jobs
    job = rows.jobs.claim(job_id)
    assert job is not None
    again = render_of(job)
    assert (again.key, again.source_object_key, sorted(again.kinds)) == (b"k1", draft.object_key, ARRIVAL)
    completed(rows, job_id)
    assert rows.renditions.about(DEMO, b"k1").ready("thumbnail") is not None


def test_what_was_rendered_for_the_key_touches_no_image_that_came_after(rows: RowsUnderTest) -> None:
    draft = draft_of(b"k1")
    order = order_of(rows, rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition).jobs[-1])
    trashed(rows, b"k1")
    other = rows.put(b"k1").image
    rows.rendering.fail(order, some_id(), "no")
    assert rows.images.row(DEMO, b"k1").image == other
    assert {one.state.value for one in rows.renditions.about(DEMO, b"k1").renditions} == {"due"}


def test_one_row_says_what_may_be_shown_of_it(rows: RowsUnderTest) -> None:
    image = rendered(rows, b"k1")
    (one,) = trashed(rows, b"k1")
    row = rows.trash.row(DEMO, one.id)
    assert (row.trashed, row.owner, row.map_version) == (one, rows.images.owner(DEMO), 0)
    assert row.thumbnail is not None
    assert row.thumbnail.object_key == object_key_of(image.object_key, "thumbnail")
    none = rows.trash.row(DEMO, some_id())
    assert (none.trashed, none.thumbnail) == (None, None)
    with pytest.raises(RowsUnavailableError):
        rows.trash.row(Principal("nobody"), one.id)


def test_a_thumbnail_that_is_not_made_yet_is_none(rows: RowsUnderTest) -> None:
    rows.put(b"k1")
    (one,) = trashed(rows, b"k1")
    row = rows.trash.row(DEMO, one.id)
    assert (row.trashed, row.thumbnail) == (one, None)


def test_pages_have_everything_once_put_away_last_first(rows: RowsUnderTest) -> None:
    keys = [b"k%02d" % number for number in range(7)]
    for key in keys:
        rows.put(key)
    batch = some_id()
    rows.trash.trash(DEMO, keys[:3], batch)
    rows.pass_time(60.0)
    trashed(rows, *keys[3:])
    found: list[TrashedImage] = []
    while page := rows.trash.page(DEMO, (found[-1].trashed_at, found[-1].id) if found else None, 2):
        assert len(page) <= 2
        found += page
    assert {one.image.key for one in found[:4]} == set(keys[3:])
    assert sorted(one.image.key for one in found) == keys
    in_batch = rows.trash.batch(DEMO, batch)
    assert {one.id for one in found if one.image.key in keys[:3]} == set(in_batch)
    rows.trash.restore(DEMO, in_batch, some_id())
    assert rows.trash.batch(DEMO, batch) == []
    assert rows.images.keys(DEMO) == keys[:3]


def test_every_change_counts_the_owner_s_version_up_and_nothing_else_does(rows: RowsUnderTest) -> None:
    rows.put(b"k1")
    versions = [rows.images.owner(DEMO).version]

    def steps() -> int:
        versions.append(rows.images.owner(DEMO).version)
        return versions[-1] - versions[-2]

    assert (trashed(rows, b"none"), steps()) == ((), 0)
    (one,) = trashed(rows, b"k1")
    assert steps() == 1
    rows.trash.restore(DEMO, [some_id()], some_id())
    assert steps() == 0
    rows.trash.restore(DEMO, [one.id], some_id())
    assert steps() == 1
    (two,) = trashed(rows, b"k1")
    rows.trash.delete(DEMO, [two.id], some_id())
    assert steps() == 2


def test_after_thirty_days_it_is_overdue_and_purged(rows: RowsUnderTest) -> None:
    images = {key: rendered(rows, key) for key in (b"k1", b"k2", b"k3")}
    owner_id = rows.images.owner(DEMO).id
    trashed(rows, b"k1", b"k2")
    rows.pass_time(KEPT_DAYS * DAY - 3600)
    (late,) = trashed(rows, b"k3")
    assert rows.trash.overdue() is None
    assert rows.trash.purge(owner_id, some_id(), 10).names == ()
    rows.pass_time(3700)
    assert rows.trash.overdue() == owner_id
    first = rows.trash.purge(owner_id, some_id(), 1)
    second = rows.trash.purge(owner_id, some_id(), 10)
    assert (len(first.names), len(second.names)) == (1, 1)
    assert rows.trash.overdue() is None
    removed = {one for one in removed_by(rows, (*first.jobs, *second.jobs)) if one.startswith("originals/")}
    assert removed == {images[b"k1"].object_key, images[b"k2"].object_key}
    assert [one.id for one in rows.trash.page(DEMO, None, 10)] == [late.id]


def test_deleting_all_empties_the_trash_too(rows: RowsUnderTest) -> None:
    images = [rendered(rows, key) for key in (b"k1", b"k2")]
    trashed(rows, b"k1")
    count, due = rows.images.delete_all(DEMO, some_id())
    assert count == 2
    kinds = [object_key_of(image.object_key, kind) for image in images for kind in ARRIVAL]
    assert removed_by(rows, due) == {*(image.object_key for image in images), *kinds}
    assert rows.trash.count(DEMO) == (0, 0)


def test_hundreds_at_once(rows: RowsUnderTest) -> None:
    keys = [b"k%04d" % number for number in range(260)]
    for key in keys:
        draft = draft_of(key)
        rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition)
    found = trashed(rows, *keys)
    assert [one.image.key for one in found] == keys
    assert rows.images.keys(DEMO) == []
    back = rows.trash.restore(DEMO, [one.id for one in found[:130]], some_id())
    assert [one.key for one in back.restored] == keys[:130]
    assert len(back.jobs) == 130
    gone = rows.trash.delete(DEMO, [one.id for one in found[130:]], some_id())
    assert len(gone.names) == 130
    assert len(removed_by(rows, gone.jobs)) == 130 * (1 + len(ARRIVAL))
    assert rows.images.keys(DEMO) == keys[:130]


def test_an_answer_is_kept_by_the_transaction_that_does_it(rows: RowsUnderTest) -> None:
    rows.put(b"k1")
    note: Note[tuple[TrashedImage, ...]] = Note(asked_by("a key", b"trash"), lambda found: str(len(found)))
    (one,) = rows.trash.trash(DEMO, [b"k1"], some_id(), note)
    rows.put(b"k1")
    with pytest.raises(DoneBeforeError):
        rows.trash.trash(DEMO, [b"k1"], some_id(), note)
    assert rows.images.keys(DEMO) == [b"k1"]
    assert rows.trash.page(DEMO, None, 10) == [one]


def test_every_column_of_an_image_goes_into_the_trash_with_it(maria: MariaDb) -> None:
    """A migration that adds a column to images adds it to trashed_images and to MOVED."""
    sql = "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s"
    of_images, of_trashed = ({str(name) for (name,) in maria.execute(sql, (table,))} for table in TABLES)
    assert of_trashed - of_images == {"id", "batch_id", "trashed_at"}
    assert of_images - of_trashed == set()
    assert of_images == set(MOVED.split(", "))


def test_what_hangs_on_an_image_by_its_key_goes_with_it_or_is_left_behind_by_name(
    maria: MariaDb,
) -> None:
    found = maria.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = DATABASE() "
        "AND column_name IN ('owner_id', 'image_key') GROUP BY table_name HAVING COUNT(*) = 2"
    )
    assert {str(name) for (name,) in found} - set(TABLES) == set(DEPENDENTS) | set(LEFT_BEHIND)


TABLES = ("images", "trashed_images")


def test_what_is_counted_is_what_is_there(maria: MariaDb) -> None:
    rows = rows_of_maria(maria)
    for key in (b"k1", b"k2", b"k3"):
        rows.put(key)

    def counted() -> object:
        return maria.execute("SELECT images, bytes FROM owners WHERE name = 'demo'")

    (one, two) = trashed(rows, b"k1", b"k2")
    assert counted() == [(1, 210)]
    assert miscounted(maria.database()) == []
    rows.trash.restore(DEMO, [one.id], some_id())
    assert counted() == [(2, 210)]
    rows.trash.delete(DEMO, [two.id], some_id())
    assert counted() == [(2, 140)]
    trashed(rows, b"k3")
    rows.images.delete_all(DEMO, some_id())
    assert counted() == [(0, 0)]
    assert maria.execute("SELECT COUNT(*) FROM renditions") == [(0,)]


def rows_of_maria(maria: MariaDb) -> RowsUnderTest:
    from tests.contract.rows_under_test import mysql_rows

    return mysql_rows(maria)


@pytest.mark.parametrize("which", ["memory", "mysql"])
def test_a_sweep_knows_what_is_in_the_trash(request: pytest.FixtureRequest, which: str) -> None:
    sweeps: SweepRows
    if which == "memory":
        store = MemoryStore(ManualClock())
        rows, sweeps = memory_rows_of(store), MemorySweepRows(store)
    else:
        maria: MariaDb = request.getfixturevalue("maria")
        rows, sweeps = rows_of_maria(maria), MySqlSweepRows(maria.database())
    images = [rendered(rows, key) for key in (b"k1", b"k2")]
    trashed(rows, b"k1")
    named = sweeps.named(sweeping.ORIGINALS, "", "p", 10)
    assert [one.object_key for one in named] == sorted(image.object_key for image in images)
    made_of = sweeps.named(sweeping.RENDITIONS, "", "s", 10)
    assert [one.parentless for one in made_of] == [False] * len(ARRIVAL) * 2
    for object_key in (images[0].object_key, object_key_of(images[0].object_key, "thumbnail")):
        facts = sweeps.facts(object_key)
        assert (facts.named, facts.owed, facts.parent) == (True, False, True)


def test_the_place_of_a_trashed_image_is_no_key(rows: RowsUnderTest) -> None:
    rows.put(b"k1")
    (one,) = trashed(rows, b"k1")
    assert place_of(one.id)[0] == 0


def test_an_album_keeps_the_place_of_an_image_through_the_trash(maria: MariaDb) -> None:
    rows, album_id = rows_of_maria(maria), some_id()
    image = rows.put(b"k1").image
    maria.execute(
        "INSERT INTO albums (id, owner_id, title, created_at) VALUES (%s, %s, 'an album', UTC_TIMESTAMP(6))",
        (album_id, image.owner_id),
    )
    maria.execute(
        "INSERT INTO album_images (id, album_id, owner_id, image_key, place) VALUES (%s, %s, %s, 'k1', 7)",
        (some_id(), album_id, image.owner_id),
    )
    in_album = (
        "SELECT a.place FROM album_images a JOIN images i ON i.owner_id = a.owner_id AND i.image_key = a.image_key "
        "WHERE a.album_id = %s"
    )
    assert maria.execute(in_album, (album_id,)) == [(7,)]
    (one,) = trashed(rows, b"k1")
    rows.put(b"k1")
    assert maria.execute(in_album, (album_id,)) == []
    rows.trash.restore(DEMO, [one.id], some_id())
    assert maria.execute(in_album, (album_id,)) == [(7,)]
    (two,) = trashed(rows, b"k1 (2)")
    rows.trash.delete(DEMO, [two.id], some_id())
    assert maria.execute("SELECT COUNT(*) FROM album_images WHERE album_id = %s", (album_id,)) == [(0,)]
