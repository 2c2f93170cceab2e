"""ImageRows: the same suite over the fake and over MySQL."""

import random
import threading
import unicodedata
from datetime import UTC, datetime

import pytest

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import PreconditionError, RowsUnavailableError
from chalicelib.domain.images import Image
from chalicelib.domain.keys import key_from_text
from chalicelib.domain.ports import Written
from chalicelib.domain.stored_renditions import original_of
from tests.contract.rows_under_test import DEMO, HOUR, RowsUnderTest, draft_of, no_precondition, rows_of

LOOK_ALIKES = [
    "k1",
    "k1 ",
    "k1  ",
    " k1",
    "K1",
    unicodedata.normalize("NFC", "é"),
    unicodedata.normalize("NFD", "é"),
    "e",
    "ß",
    "ss",
    "שלום",
    "שלום ",
    "a/../b",
    "a%2Fb",
    "ﬁ",
    "fi",
    "\U0001f600" * 255,
    "\U0001f600" * 254 + "\U0001f601",
]


@pytest.fixture(params=["memory", "mysql"])
def rows(request: pytest.FixtureRequest) -> RowsUnderTest:
    return rows_of(request)


def test_keys_that_look_alike_are_kept_apart_byte_for_byte(rows: RowsUnderTest) -> None:
    keys = [key_from_text(text) for text in LOOK_ALIKES]
    written = {key: rows.put(key) for key in keys}
    assert all(outcome.created for outcome in written.values())
    for key in keys:
        assert rows.images.row(DEMO, key).image == written[key].image
        assert written[key].image.key == key
    assert rows.images.keys(DEMO) == sorted(keys)


def test_a_written_image_is_read_as_it_was_drafted(rows: RowsUnderTest) -> None:
    draft = draft_of(b"k1")
    written = rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition)
    row = rows.images.row(DEMO, b"k1")
    assert row.image == written.image
    image = written.image
    assert (image.key, image.object_key, image.sha256, image.size, image.facts) == (
        draft.key,
        draft.object_key,
        draft.sha256,
        draft.size,
        draft.facts,
    )
    assert image.owner_id == row.owner.id
    assert image.created_at.tzinfo is UTC
    assert image.created_at > datetime(2020, 1, 1, tzinfo=UTC)


def test_a_key_without_an_image_has_a_row_without_one(rows: RowsUnderTest) -> None:
    row = rows.images.row(DEMO, b"k1")
    assert row.image is None
    assert len(row.owner.id) == 16
    assert row.map_version == 0


def test_a_principal_without_an_owner_is_refused(rows: RowsUnderTest) -> None:
    with pytest.raises(RowsUnavailableError):
        rows.images.row(Principal("nobody"), b"k1")
    assert rows.images.keys(Principal("nobody")) == []


def test_every_write_bumps_the_owners_version(rows: RowsUnderTest) -> None:
    seen = [rows.images.owner(DEMO).version]

    def bumped() -> bool:
        seen.append(rows.images.owner(DEMO).version)
        return seen[-1] > seen[-2]

    rows.put(b"k1")
    assert bumped()
    rows.put(b"k1")
    assert bumped()
    rows.images.delete(DEMO, b"k1", b"j" * 16, no_precondition)
    assert bumped()
    rows.put(b"k2")
    assert bumped()
    rows.images.delete_all(DEMO, b"i" * 16)
    assert bumped()


def test_a_write_that_is_stopped_bumps_nothing(rows: RowsUnderTest) -> None:
    before = rows.images.owner(DEMO).version

    def refuse(image: Image | None) -> None:
        raise PreconditionError("no")

    with pytest.raises(PreconditionError):
        rows.put(b"k1", refuse)
    assert rows.images.delete(DEMO, b"k1", b"j" * 16, no_precondition) is None
    assert rows.images.owner(DEMO).version == before


def test_pages_follow_each_other_in_byte_order_and_miss_nothing(rows: RowsUnderTest) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    source = random.Random(seed)
    alphabet = "aAbé \u05e9\U0001f600~"
    keys = {"".join(source.choices(alphabet, k=source.randint(1, 6))).encode() for _ in range(40)}
    for key in keys:
        rows.put(key)
    for limit in (1, 7, len(keys), 100):
        found: list[bytes] = []
        after: bytes | None = None
        while page := rows.images.page(DEMO, after, limit):
            assert len(page) <= limit
            found += [image.key for image in page]
            after = page[-1].key
        assert found == sorted(keys)


def test_a_page_goes_on_behind_a_key_that_was_deleted(rows: RowsUnderTest) -> None:
    for key in (b"a", b"b", b"c"):
        rows.put(key)
    rows.images.delete(DEMO, b"b", b"j" * 16, no_precondition)
    assert [image.key for image in rows.images.page(DEMO, b"b", 10)] == [b"c"]


def test_images_are_found_by_their_objects(rows: RowsUnderTest) -> None:
    first, second = rows.put(b"k1").image, rows.put(b"k2").image
    replaced = rows.put(b"k3").image
    rows.put(b"k3")
    asked = [second.object_key, first.object_key, second.object_key, replaced.object_key, "originals/none"]
    found = rows.images.by_object_keys(asked)
    assert sorted(found, key=lambda image: image.key) == [first, second]
    assert rows.images.by_object_keys([]) == []


def test_a_precondition_sees_the_image_as_it_is_and_stops_the_write(rows: RowsUnderTest) -> None:
    first = rows.put(b"k1").image
    seen: list[Image | None] = []

    def refuse(image: Image | None) -> None:
        seen.append(image)
        raise PreconditionError("not this one")

    with pytest.raises(PreconditionError):
        rows.put(b"k1", refuse)
    with pytest.raises(PreconditionError):
        rows.images.delete(DEMO, b"k1", b"j" * 16, refuse)
    assert seen == [first, first]
    assert rows.images.row(DEMO, b"k1").image == first
    assert rows.jobs.claim(b"j" * 16) is None


def test_a_write_withdraws_its_intent(rows: RowsUnderTest) -> None:
    draft = draft_of(b"k1")
    intent = rows.announced(draft)
    written = rows.unrendered(rows.images.put(DEMO, draft, intent.id, no_precondition))
    assert (written.created, written.jobs) == (True, ())
    rows.pass_time(2 * HOUR)
    assert rows.jobs.due(10) == []
    assert rows.jobs.claim(intent.id) is None


def test_a_replaced_object_is_owed_its_removal(rows: RowsUnderTest) -> None:
    first = rows.put(b"k1").image
    second = rows.put(b"k1")
    assert not second.created
    assert len(second.jobs) == 1
    assert rows.jobs.due(10) == list(second.jobs)
    assert rows.removed_by(second.jobs[0]) == [first.object_key]
    assert rows.images.row(DEMO, b"k1").image == second.image


def test_a_write_whose_intent_was_acted_on_fails_and_leaves_nothing(rows: RowsUnderTest) -> None:
    draft = draft_of(b"k1")
    intent = rows.announced(draft)
    rows.pass_time(2 * HOUR)
    assert rows.jobs.claim(intent.id) == intent
    with pytest.raises(RowsUnavailableError):
        rows.images.put(DEMO, draft, intent.id, no_precondition)
    assert rows.images.row(DEMO, b"k1").image is None
    rows.jobs.finish(intent.id)
    with pytest.raises(RowsUnavailableError):
        rows.images.put(DEMO, draft, intent.id, no_precondition)
    assert rows.images.row(DEMO, b"k1").image is None
    assert rows.images.owner(DEMO).version == 0


def test_a_write_whose_intent_was_acted_on_leaves_the_image_before_it(rows: RowsUnderTest) -> None:
    first = rows.put(b"k1").image
    draft = draft_of(b"k1")
    intent = rows.announced(draft)
    rows.images.abandon(intent.id)
    assert rows.jobs.claim(intent.id) == intent
    with pytest.raises(RowsUnavailableError):
        rows.images.put(DEMO, draft, intent.id, no_precondition)
    assert rows.images.row(DEMO, b"k1").image == first


def test_an_intent_is_due_after_an_hour_or_once_it_is_abandoned(rows: RowsUnderTest) -> None:
    left, abandoned = rows.announced(draft_of(b"k1")), rows.announced(draft_of(b"k2"))
    assert rows.jobs.claim(left.id) is None
    rows.images.abandon(abandoned.id)
    assert rows.jobs.due(10) == [abandoned.id]
    rows.pass_time(2 * HOUR)
    assert set(rows.jobs.due(10)) == {left.id, abandoned.id}
    assert rows.jobs.claim(left.id) == left


def test_announcing_twice_is_announcing_once(rows: RowsUnderTest) -> None:
    intent = rows.announced(draft_of(b"k1"))
    rows.images.announce(intent)
    rows.images.abandon(intent.id)
    assert rows.jobs.due(10) == [intent.id]


def test_abandoning_what_was_completed_does_nothing(rows: RowsUnderTest) -> None:
    draft = draft_of(b"k1")
    intent = rows.announced(draft)
    rows.unrendered(rows.images.put(DEMO, draft, intent.id, no_precondition))
    rows.images.abandon(intent.id)
    assert rows.jobs.due(10) == []


def test_a_deleted_image_is_gone_and_its_object_is_owed_its_removal(rows: RowsUnderTest) -> None:
    image, other = rows.put(b"k1").image, rows.put(b"k1 ").image
    assert rows.images.delete(DEMO, b"k1", b"j" * 16, no_precondition) == (b"j" * 16,)
    assert rows.images.row(DEMO, b"k1").image is None
    assert rows.images.row(DEMO, b"k1 ").image == other
    assert rows.removed_by(b"j" * 16) == [image.object_key]
    assert rows.images.delete(DEMO, b"k1", b"i" * 16, no_precondition) is None


def test_deleting_all_owes_every_removal_a_thousand_a_job(rows: RowsUnderTest) -> None:
    count = jobs.MAX_REMOVALS // 4 + 1  # each with three renditions
    objects = {rows.put(f"k{number}".encode()).image.object_key for number in range(count)}
    deleted, due = rows.images.delete_all(DEMO, b"j" * 16)
    assert deleted == count
    assert rows.images.keys(DEMO) == []
    chunks = [rows.all_removed_by(job_id) for job_id in due]
    assert sorted(map(len, chunks)) == [4, jobs.MAX_REMOVALS]
    assert {original_of(object_key) for chunk in chunks for object_key in chunk} == objects
    assert set(rows.jobs.due(10)) == set(due)


def test_deleting_all_of_nothing_owes_nothing(rows: RowsUnderTest) -> None:
    assert rows.images.delete_all(DEMO, b"j" * 16) == (0, ())
    assert rows.jobs.due(10) == []


def test_of_writes_to_one_key_at_once_each_object_is_the_image_or_owed_its_removal(rows: RowsUnderTest) -> None:
    writers = 6
    start, outcomes = threading.Barrier(writers), list[Written]()

    def write() -> None:
        start.wait(20)
        outcomes.append(rows.put(b"k1"))

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outcomes) == writers
    assert sum(outcome.created for outcome in outcomes) == 1
    image = rows.images.row(DEMO, b"k1").image
    assert image is not None
    due = rows.jobs.due(100)
    removed = [object_key for job_id in due for object_key in rows.removed_by(job_id)]
    assert sorted([*removed, image.object_key]) == sorted(outcome.image.object_key for outcome in outcomes)
    assert rows.images.owner(DEMO).version == writers


def test_of_writes_for_a_new_key_at_once_one_may_create_it(rows: RowsUnderTest) -> None:
    writers = 6
    start, created, refused = threading.Barrier(writers), list[Written](), list[PreconditionError]()

    def must_be_new(image: Image | None) -> None:
        if image is not None:
            raise PreconditionError("there is one")

    def write() -> None:
        start.wait(20)
        try:
            created.append(rows.put(b"k1", must_be_new))
        except PreconditionError as error:
            refused.append(error)

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(created), len(refused)) == (1, writers - 1)
    assert rows.images.row(DEMO, b"k1").image == created[0].image
