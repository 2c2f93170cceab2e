"""RenditionRows and RenderRows: the same suite over the fake and over MySQL."""

import secrets
import threading

import pytest

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import InvalidValueError, RowsUnavailableError
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Removal, Render
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Draft
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.stored_renditions import ImageTag, Rendition, State, object_key_of
from tests.contract.rows_under_test import DEMO, HOUR, RowsUnderTest, draft_of, no_precondition, rows_of

ARRIVAL = tuple(kind.name for kind in ON_ARRIVAL)
HARD_TAGS = ["sea", "see", "é", "e", "海", "\U0001f600", "a b", "x" * 50, "<b>", "'\"", "%", "_"]


@pytest.fixture(params=["memory", "mysql"])
def rows(request: pytest.FixtureRequest) -> RowsUnderTest:
    return rows_of(request)


def put(rows: RowsUnderTest, key: bytes = b"k1") -> tuple[Image, bytes]:
    """A new image and the job of its renditions."""
    draft = draft_of(key)
    written = rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition)
    return written.image, written.jobs[-1]


def order_of(rows: RowsUnderTest, job_id: bytes) -> Render:
    job = rows.jobs.claim(job_id)
    assert job is not None
    assert job.kind == jobs.RENDER
    return jobs.render_of(job)


def made(order: Render, kind: str) -> Rendition:
    object_key = object_key_of(order.source_object_key, kind)
    return Rendition(kind, State.READY, object_key, secrets.token_bytes(32), width=320, height=200, size=1234)


def intent_of(rows: RowsUnderTest, image: Image, *kinds: str) -> bytes:
    removals = [
        Removal(image.owner_id, object_key_of(image.object_key, kind), partition_of(image.key)) for kind in kinds
    ]
    intent = jobs.removal_job(secrets.token_bytes(16), removals)
    rows.images.announce(intent)
    return intent.id


def completed(rows: RowsUnderTest, job_id: bytes, *tags: str) -> list[Rendition]:
    """The job done as the worker does it."""
    order = order_of(rows, job_id)
    image = rows.rendering.source(order)
    assert image is not None
    done = [made(order, kind) for kind in order.kinds]
    assert rows.rendering.complete(order, job_id, intent_of(rows, image, *order.kinds), done, tags)
    return done


def kinds_of(rows: RowsUnderTest, key: bytes = b"k1") -> dict[str, State]:
    return {one.kind: one.state for one in rows.renditions.about(DEMO, key).renditions}


def test_a_new_image_has_its_renditions_due_and_a_job_that_makes_them(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    assert rows.jobs.due(10) == [job_id]
    assert order_of(rows, job_id) == Render(image.owner_id, b"k1", image.object_key, ARRIVAL)
    about = rows.renditions.about(DEMO, b"k1")
    assert [(one.kind, one.state) for one in about.renditions] == [(kind, State.DUE) for kind in ARRIVAL]
    assert about.tags == ()
    assert rows.rendering.source(order_of(rows, job_id)) == image


def test_finished_renditions_are_read_as_they_were_made(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    before = rows.images.owner(DEMO).version
    done = completed(rows, job_id, "red", "jpeg")
    assert rows.renditions.about(DEMO, b"k1").renditions == tuple(done)
    row = rows.renditions.row(DEMO, b"k1", "preview")
    assert (row.image, row.rendition) == (image, done[ARRIVAL.index("preview")])
    assert (row.owner, row.map_version) == (rows.images.owner(DEMO), 0)
    assert row.owner.version == before + 1
    assert rows.renditions.of_images(DEMO, [b"k1", b"k2"]) == {b"k1": tuple(done)}
    assert rows.renditions.about(DEMO, b"k1").tags == (ImageTag("jpeg", True), ImageTag("red", True))
    rows.pass_time(2 * HOUR)
    assert rows.jobs.due(10) == []


def test_what_is_not_there_is_none(rows: RowsUnderTest) -> None:
    row = rows.renditions.row(DEMO, b"k1", "thumbnail")
    assert (row.image, row.rendition) == (None, None)
    image, _ = put(rows)
    row = rows.renditions.row(DEMO, b"k1", "greyscale")
    assert (row.image, row.rendition) == (image, None)
    assert rows.renditions.about(DEMO, b"k2").renditions == ()
    assert {one.state for one in rows.renditions.of_images(DEMO, [b"k1"])[b"k1"]} == {State.DUE}
    assert rows.renditions.of_images(DEMO, [b"k2"]) == rows.renditions.of_images(DEMO, []) == {}
    assert rows.renditions.ask(DEMO, b"k2", "greyscale", b"j" * 16) is None
    assert rows.renditions.ask_again(DEMO, b"k2", b"j" * 16) is None
    assert not rows.renditions.add_tag(DEMO, b"k2", "sea", 100)
    assert not rows.renditions.remove_tag(DEMO, b"k2", "sea")


def test_a_principal_without_an_owner_is_refused(rows: RowsUnderTest) -> None:
    with pytest.raises(RowsUnavailableError):
        rows.renditions.row(Principal("nobody"), b"k1", "thumbnail")
    with pytest.raises(RowsUnavailableError):
        rows.renditions.ask(Principal("nobody"), b"k1", "greyscale", b"j" * 16)


@pytest.mark.parametrize("how", ["replaced", "deleted", "deleted all"])
def test_what_was_made_of_an_image_that_is_gone_is_owed_its_removal(rows: RowsUnderTest, how: str) -> None:
    image, job_id = put(rows)
    order = order_of(rows, job_id)
    intent_id = intent_of(rows, image, *ARRIVAL)
    if how == "replaced":
        due = rows.unrendered(rows.images.put(DEMO, *_drafted(rows), no_precondition)).jobs
    elif how == "deleted":
        due = rows.images.delete(DEMO, b"k1", b"j" * 16, no_precondition) or ()
    else:
        due = rows.images.delete_all(DEMO, b"j" * 16)[1]
    (removal,) = due
    objects = {image.object_key, *(object_key_of(image.object_key, kind) for kind in ARRIVAL)}
    assert set(rows.all_removed_by(removal)) == objects
    assert rows.jobs.unreferenced(sorted(objects)) == objects
    assert rows.rendering.source(order) is None
    assert not rows.rendering.complete(order, job_id, intent_id, [made(order, kind) for kind in ARRIVAL], ["red"])
    assert set(rows.jobs.due(10)) == {removal, intent_id}
    assert rows.jobs.claim(job_id) is None
    assert kinds_of(rows) == (dict.fromkeys(ARRIVAL, State.DUE) if how == "replaced" else {})
    assert rows.renditions.about(DEMO, b"k1").tags == ()


def test_renditions_of_an_object_that_an_image_names_are_not_to_be_removed(rows: RowsUnderTest) -> None:
    image, _ = put(rows)
    objects = [object_key_of(image.object_key, kind) for kind in ARRIVAL]
    assert rows.jobs.unreferenced([*objects, object_key_of("originals/none", "thumbnail")]) == {
        object_key_of("originals/none", "thumbnail")
    }


def test_what_cannot_be_made_says_why_and_is_made_due_again_by_one_job(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    order = order_of(rows, job_id)
    rows.rendering.fail(order, job_id, "The image is damaged: “é”.")
    found = rows.renditions.about(DEMO, b"k1").renditions
    assert {(one.state, one.why) for one in found} == {(State.FAILED, "The image is damaged: “é”.")}
    assert rows.jobs.due(10) == []
    assert rows.renditions.ask_again(DEMO, b"k1", b"j" * 16) == (b"j" * 16,)
    again = order_of(rows, b"j" * 16)
    assert (again.source_object_key, set(again.kinds)) == (image.object_key, set(ARRIVAL))
    assert kinds_of(rows) == dict.fromkeys(ARRIVAL, State.DUE)
    assert {one.why for one in rows.renditions.about(DEMO, b"k1").renditions} == {None}
    assert rows.renditions.ask_again(DEMO, b"k1", b"i" * 16) == ()


def test_a_failure_that_comes_late_takes_nothing_away(rows: RowsUnderTest) -> None:
    _, job_id = put(rows)
    order = order_of(rows, job_id)
    completed(rows, job_id)
    rows.rendering.fail(order, job_id, "no")
    assert kinds_of(rows) == dict.fromkeys(ARRIVAL, State.READY)


def test_an_edit_is_due_once(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    completed(rows, job_id)
    assert rows.renditions.ask(DEMO, b"k1", "greyscale", b"j" * 16) == (b"j" * 16,)
    assert rows.renditions.ask(DEMO, b"k1", "greyscale", b"i" * 16) == ()
    assert rows.renditions.ask(DEMO, b"k1", "flipped", b"i" * 16) == ()
    assert order_of(rows, b"j" * 16) == Render(image.owner_id, b"k1", image.object_key, ("greyscale",))
    assert rows.jobs.claim(b"i" * 16) is None
    assert kinds_of(rows) == {**dict.fromkeys(ARRIVAL, State.READY), "greyscale": State.DUE}


def test_of_many_who_ask_for_one_edit_at_once_one_makes_it_due(rows: RowsUnderTest) -> None:
    put(rows)
    askers = 6
    start, due = threading.Barrier(askers), list[tuple[bytes, ...] | None]()

    def ask(number: int) -> None:
        start.wait(20)
        due.append(rows.renditions.ask(DEMO, b"k1", "greyscale", bytes([number]) * 16))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(askers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(len(made_due or ()) for made_due in due) == [0] * (askers - 1) + [1]


def test_tags_are_kept_apart_byte_for_byte_and_in_order(rows: RowsUnderTest) -> None:
    put(rows)
    for tag in HARD_TAGS:
        assert rows.renditions.add_tag(DEMO, b"k1", tag, 100)
    assert rows.renditions.about(DEMO, b"k1").tags == tuple(
        ImageTag(tag, False) for tag in sorted(HARD_TAGS, key=str.encode)
    )
    for tag in HARD_TAGS:
        assert rows.renditions.remove_tag(DEMO, b"k1", tag)
        assert not rows.renditions.remove_tag(DEMO, b"k1", tag)
    assert rows.renditions.about(DEMO, b"k1").tags == ()


def test_removed_automatic_tags_stay_removed_until_they_are_put_back_and_own_ones_stay(rows: RowsUnderTest) -> None:
    _, job_id = put(rows)
    completed(rows, job_id, "red", "sea", "jpeg")
    rows.renditions.add_tag(DEMO, b"k1", "mine", 100)
    rows.renditions.remove_tag(DEMO, b"k1", "red")
    rows.renditions.remove_tag(DEMO, b"k1", "sea")
    _, job_id = put(rows)  # replaced
    completed(rows, job_id, "red", "sea", "png", "mine")
    own, png, sea = ImageTag("mine", False), ImageTag("png", True), ImageTag("sea", False)
    assert rows.renditions.about(DEMO, b"k1").tags == (own, png)
    rows.renditions.add_tag(DEMO, b"k1", "sea", 100)
    assert rows.renditions.about(DEMO, b"k1").tags == (own, png, sea)
    put(rows)  # replaced
    assert rows.renditions.about(DEMO, b"k1").tags == (own, sea)


def test_automatic_tags_go_with_their_bytes_at_once_and_are_not_found_in_the_gallery_any_more(
    rows: RowsUnderTest,
) -> None:
    _, job_id = put(rows)
    completed(rows, job_id, "red", "sea")
    rows.renditions.add_tag(DEMO, b"k1", "mine", 100)
    _, job_id = put(rows)  # replaced, and nothing is rendered yet
    assert rows.renditions.about(DEMO, b"k1").tags == (ImageTag("mine", False),)
    rows.rendering.fail(order_of(rows, job_id), job_id, "no")
    assert rows.renditions.about(DEMO, b"k1").tags == (ImageTag("mine", False),)


def test_an_automatic_tag_that_is_written_by_hand_stays_and_once_removed_is_not_found_again(
    rows: RowsUnderTest,
) -> None:
    _, job_id = put(rows)
    completed(rows, job_id, "red", "sea")
    assert rows.renditions.add_tag(DEMO, b"k1", "sea", 2)
    assert rows.renditions.about(DEMO, b"k1").tags == (ImageTag("red", True), ImageTag("sea", False))
    _, job_id = put(rows)
    completed(rows, job_id, "blue")
    assert rows.renditions.about(DEMO, b"k1").tags == (ImageTag("blue", True), ImageTag("sea", False))
    assert rows.renditions.remove_tag(DEMO, b"k1", "sea")
    _, job_id = put(rows)
    completed(rows, job_id, "sea", "blue")
    assert rows.renditions.about(DEMO, b"k1").tags == (ImageTag("blue", True),)


def test_an_image_has_no_more_tags_than_are_allowed(rows: RowsUnderTest) -> None:
    put(rows)
    for number in range(3):
        rows.renditions.add_tag(DEMO, b"k1", f"tag {number}", 3)
    assert rows.renditions.add_tag(DEMO, b"k1", "tag 1", 3)
    with pytest.raises(InvalidValueError):
        rows.renditions.add_tag(DEMO, b"k1", "tag 3", 3)
    rows.renditions.remove_tag(DEMO, b"k1", "tag 0")
    assert rows.renditions.add_tag(DEMO, b"k1", "tag 3", 3)


def test_tags_go_with_their_image_and_stay_when_it_is_replaced(rows: RowsUnderTest) -> None:
    put(rows)
    put(rows, b"k2")
    for key in (b"k1", b"k2"):
        rows.renditions.add_tag(DEMO, key, "mine", 100)
    put(rows)
    assert rows.renditions.about(DEMO, b"k1").tags == (ImageTag("mine", False),)
    rows.images.delete(DEMO, b"k1", b"j" * 16, no_precondition)
    put(rows)
    assert rows.renditions.about(DEMO, b"k1").tags == ()
    assert rows.renditions.about(DEMO, b"k2").tags == (ImageTag("mine", False),)
    rows.images.delete_all(DEMO, b"i" * 16)
    put(rows, b"k2")
    assert rows.renditions.about(DEMO, b"k2").tags == ()


def test_every_change_bumps_the_owners_version(rows: RowsUnderTest) -> None:
    _, job_id = put(rows)
    seen = [rows.images.owner(DEMO).version]
    order = order_of(rows, job_id)
    for change in (
        lambda: rows.rendering.fail(order, job_id, "no"),
        lambda: rows.renditions.ask_again(DEMO, b"k1", b"j" * 16),
        lambda: completed(rows, b"j" * 16, "red"),
        lambda: rows.renditions.ask(DEMO, b"k1", "greyscale", b"i" * 16),
        lambda: rows.renditions.add_tag(DEMO, b"k1", "mine", 100),
        lambda: rows.renditions.remove_tag(DEMO, b"k1", "mine"),
        lambda: rows.renditions.remove_tag(DEMO, b"k1", "red"),
    ):
        change()
        seen.append(rows.images.owner(DEMO).version)
    assert seen == sorted(set(seen))


def _drafted(rows: RowsUnderTest) -> tuple[Draft, bytes]:
    draft = draft_of(b"k1")
    return draft, rows.announced(draft).id
