"""GalleryRows and DetailRows: the same suite over the fake and over MySQL."""

from datetime import datetime

import pytest

from chalicelib.domain import jobs
from chalicelib.domain.errors import KeyTakenError, PreconditionError
from chalicelib.domain.gallery import Cursor
from chalicelib.domain.image_details import Details, SeenFacts
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Render
from chalicelib.domain.stored_renditions import State
from tests.contract.rows_under_test import DEMO, RowsUnderTest, draft_of, no_precondition, rows_of

JOB = b"j" * 16
SEEN = SeenFacts("green", "nikon d750", datetime(2024, 5, 17, 8, 30))


@pytest.fixture(params=["memory", "mysql"])
def rows(request: pytest.FixtureRequest) -> RowsUnderTest:
    return rows_of(request)


def put(rows: RowsUnderTest, key: bytes = b"k1") -> tuple[Image, bytes]:
    draft = draft_of(key)
    written = rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition)
    return written.image, written.jobs[-1]


def look_at(rows: RowsUnderTest, job_id: bytes, seen: SeenFacts = SEEN) -> None:
    """The job done as the worker does it, as far as details go."""
    job = rows.jobs.claim(job_id)
    assert job is not None
    assert rows.rendering.complete(jobs.render_of(job), job_id, b"i" * 16, [], [], seen)


def listed(rows: RowsUnderTest, limit: int = 2) -> list[list[bytes]]:
    """The keys of every page."""
    pages: list[list[bytes]] = []
    after = None
    while True:
        entries, _ = rows.gallery.page(DEMO, after, limit)
        pages.append([entry.image.key for entry in entries])
        if len(entries) < limit:
            return pages
        after = Cursor(entries[-1].image.created_at, entries[-1].image.key)


def stale(image: Image | None) -> None:
    raise PreconditionError("It has changed.")


def test_pages_hold_every_image_once_newest_first(rows: RowsUnderTest) -> None:
    for key in (b"k1", b"a", b"z", b"\xc3\xa9", b"k0"):
        put(rows, key)
        rows.pass_time(1)
    assert listed(rows) == [[b"k0", b"\xc3\xa9"], [b"z", b"a"], [b"k1"]]


def test_images_of_one_moment_are_told_apart_by_their_keys(rows: RowsUnderTest, request: pytest.FixtureRequest) -> None:
    keys = [bytes([letter]) for letter in b"acbed"]
    for key in keys:
        put(rows, key)  # the fake's clock stands still
    if "mysql" in request.node.name:
        request.getfixturevalue("maria").execute("UPDATE images SET created_at = '2030-01-01 00:00:00.5'")
    assert [key for page in listed(rows) for key in page] == sorted(keys, reverse=True)


def test_a_list_says_the_caption_and_the_colour_of_the_present_bytes(rows: RowsUnderTest) -> None:
    _, job_id = put(rows)
    rows.details.describe(DEMO, b"k1", "The sea, 海", no_precondition)
    look_at(rows, job_id)
    ((entry,), _) = rows.gallery.page(DEMO, None, 10)
    assert (entry.caption, entry.colour) == ("The sea, 海", "green")
    assert rows.renditions.about(DEMO, b"k1").details == Details("The sea, 海", SEEN)
    put(rows)  # other bytes, which nobody has looked at
    ((entry,), _) = rows.gallery.page(DEMO, None, 10)
    assert (entry.caption, entry.colour) == ("The sea, 海", None)
    assert rows.renditions.about(DEMO, b"k1").details == Details("The sea, 海")


def test_a_caption_is_of_an_image_that_is_there_and_as_it_was_seen(rows: RowsUnderTest) -> None:
    assert not rows.details.describe(DEMO, b"k1", "sea", no_precondition)
    put(rows)
    version = rows.images.owner(DEMO).version
    with pytest.raises(PreconditionError):
        rows.details.describe(DEMO, b"k1", "sea", stale)
    assert rows.images.owner(DEMO).version == version
    assert rows.details.describe(DEMO, b"k1", "sea", no_precondition)
    assert rows.images.owner(DEMO).version == version + 1
    rows.images.delete(DEMO, b"k1", JOB, no_precondition)
    put(rows)
    assert rows.renditions.about(DEMO, b"k1").details == Details()


def test_a_new_key_takes_everything_with_it(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    look_at(rows, job_id)
    rows.renditions.add_tag(DEMO, b"k1", "sea", 10)
    rows.details.describe(DEMO, b"k1", "The sea", no_precondition)
    before = rows.renditions.about(DEMO, b"k1")
    version = rows.images.owner(DEMO).version
    assert rows.details.rename(DEMO, b"k1", b"k2", JOB, no_precondition) is not None
    assert rows.images.row(DEMO, b"k1").image is None
    renamed = rows.images.row(DEMO, b"k2").image
    assert renamed is not None
    assert (renamed.object_key, renamed.created_at) == (image.object_key, image.created_at)
    assert rows.renditions.about(DEMO, b"k2") == before
    assert rows.images.owner(DEMO).version == version + 1


def test_what_is_still_to_be_made_is_owed_under_the_new_key(rows: RowsUnderTest) -> None:
    image, former_job = put(rows)
    assert rows.details.rename(DEMO, b"k1", b"k2", JOB, no_precondition) == (JOB,)
    job = rows.jobs.claim(JOB)
    assert job is not None
    order = jobs.render_of(job)
    assert (order.key, order.source_object_key) == (b"k2", image.object_key)
    assert set(order.kinds) == {"thumbnail", "preview", "flipped"}
    former = rows.jobs.claim(former_job)
    assert former is not None
    assert rows.rendering.source(jobs.render_of(former)) is None
    assert rows.rendering.source(order) is not None


def test_the_objects_of_a_renamed_image_are_not_given_up(rows: RowsUnderTest) -> None:
    image, _ = put(rows)
    rendition = rows.renditions.about(DEMO, b"k1").renditions[0].object_key
    rows.details.rename(DEMO, b"k1", b"k2", JOB, no_precondition)
    assert rows.jobs.unreferenced([image.object_key, rendition]) == set()


def test_a_key_that_is_taken_changes_nothing(rows: RowsUnderTest) -> None:
    put(rows)
    put(rows, b"k2")
    version = rows.images.owner(DEMO).version
    with pytest.raises(KeyTakenError):
        rows.details.rename(DEMO, b"k1", b"k2", JOB, no_precondition)
    with pytest.raises(PreconditionError):
        rows.details.rename(DEMO, b"k1", b"k3", JOB, stale)
    assert rows.details.rename(DEMO, b"none", b"k3", JOB, no_precondition) is None
    assert rows.details.rename(DEMO, b"k1", b"k1", JOB, no_precondition) == ()
    assert rows.images.owner(DEMO).version == version
    assert rows.images.keys(DEMO) == [b"k1", b"k2"]


def test_a_renamed_image_is_rendered_as_any(rows: RowsUnderTest) -> None:
    image, _ = put(rows)
    rows.details.rename(DEMO, b"k1", b"k2", JOB, no_precondition)
    order = Render(image.owner_id, b"k2", image.object_key, ("thumbnail",))
    rows.rendering.fail(order, JOB, "It is no image.")
    states = {one.kind: one.state for one in rows.renditions.about(DEMO, b"k2").renditions}
    assert states["thumbnail"] is State.FAILED
