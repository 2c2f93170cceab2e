"""ManyRows: the same suite over the fake and over MySQL."""

import secrets
from collections.abc import Mapping

import pytest

from chalicelib.domain.errors import DoneBeforeError
from chalicelib.domain.idempotency import Note, asked_by
from chalicelib.domain.jobs import removals_of
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.stored_renditions import ImageTag
from chalicelib.domain.trash_ports import Refused
from tests.contract.rows_under_test import DEMO, RowsUnderTest, draft_of, no_precondition, rows_of
from tests.contract.test_rendition_rows import completed

KEYS = [b"k1", b"k2", b"k3"]


@pytest.fixture(params=["memory", "mysql"])
def rows(request: pytest.FixtureRequest) -> RowsUnderTest:
    return rows_of(request)


def tags_of(rows: RowsUnderTest, key: bytes) -> tuple[ImageTag, ...]:
    return rows.renditions.about(DEMO, key).tags


def put(rows: RowsUnderTest, key: bytes, *automatic: str) -> None:
    draft = draft_of(key)
    completed(rows, rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition).jobs[-1], *automatic)


def test_a_tag_goes_on_all_that_there_are_and_the_others_are_named(rows: RowsUnderTest) -> None:
    for key in KEYS:
        put(rows, key)
    version = rows.images.owner(DEMO).version
    assert rows.many.add_tag(DEMO, [*KEYS, b"none", b"k1"], "sea", 100) == {b"none": "not-found"}
    assert [tags_of(rows, key) for key in KEYS] == [(ImageTag("sea", automatic=False),)] * 3
    assert rows.images.owner(DEMO).version == version + 1
    assert rows.many.add_tag(DEMO, KEYS, "sea", 100) == {}
    assert rows.images.owner(DEMO).version == version + 1


def test_an_image_with_as_many_tags_as_it_may_have_gets_no_more(rows: RowsUnderTest) -> None:
    put(rows, b"k1", "one", "two")
    put(rows, b"k2", "one")
    assert rows.many.add_tag(DEMO, [b"k1", b"k2"], "sea", 2) == {b"k1": "too-many-tags"}
    assert rows.many.add_tag(DEMO, [b"k1", b"k2"], "one", 2) == {}
    assert [one.tag for one in tags_of(rows, b"k2")] == ["one", "sea"]


def test_a_removed_automatic_tag_is_put_back_as_ones_own_and_stays_off_when_it_is_removed(rows: RowsUnderTest) -> None:
    put(rows, b"k1", "blue")
    put(rows, b"k2")
    assert rows.many.add_tag(DEMO, [b"k2"], "blue", 100) == {}
    assert rows.many.remove_tag(DEMO, [b"k1", b"k2", b"k3"], "blue") == {b"k3": "not-found"}
    assert (tags_of(rows, b"k1"), tags_of(rows, b"k2")) == ((), ())
    assert rows.many.remove_tag(DEMO, [b"k1"], "blue") == {b"k1": "not-found"}
    assert rows.many.add_tag(DEMO, [b"k1", b"k2"], "blue", 100) == {}
    assert tags_of(rows, b"k1") == (ImageTag("blue", automatic=False),)
    assert tags_of(rows, b"k2") == (ImageTag("blue", automatic=False),)


def test_an_automatic_tag_that_is_written_by_hand_is_ones_own(rows: RowsUnderTest) -> None:
    put(rows, b"k1", "blue")
    put(rows, b"k2", "sea")
    assert rows.many.add_tag(DEMO, [b"k1", b"k2"], "blue", 2) == {}
    version = rows.images.owner(DEMO).version
    assert rows.many.add_tag(DEMO, [b"k1", b"k2"], "blue", 2) == {}
    assert rows.images.owner(DEMO).version == version
    for key in (b"k1", b"k2"):
        put(rows, key)  # replaced
        assert tags_of(rows, key) == (ImageTag("blue", automatic=False),)


def test_many_are_deleted_for_ever_with_all_that_is_theirs(rows: RowsUnderTest) -> None:
    keys = [b"k%03d" % number for number in range(260)]
    for key in keys:
        draft = draft_of(key)
        rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition)
    gone = rows.many.delete(DEMO, [*keys, b"none"], secrets.token_bytes(16))
    assert list(gone.names) == keys
    claimed = [rows.jobs.claim(job_id) for job_id in gone.jobs]
    assert sum(len(removals_of(job)) for job in claimed if job is not None) == 260 * (1 + len(ON_ARRIVAL))
    assert rows.images.keys(DEMO) == []
    assert rows.trash.count(DEMO) == (0, 0)
    assert rows.many.delete(DEMO, keys, secrets.token_bytes(16)).names == ()


def test_an_answer_is_kept_by_the_transaction_that_does_it(rows: RowsUnderTest) -> None:
    put(rows, b"k1")
    note: Note[Mapping[bytes, Refused]] = Note(asked_by("a key", b"tag"), lambda refused: str(len(refused)))
    rows.many.add_tag(DEMO, [b"k1"], "sea", 100, note)
    with pytest.raises(DoneBeforeError):
        rows.many.remove_tag(DEMO, [b"k1"], "sea", note)
    assert [one.tag for one in tags_of(rows, b"k1")] == ["sea"]
