"""JobRows: the same suite over the fake and over MySQL."""

import pytest

from chalicelib.domain.jobs import MAX_REMOVALS
from tests.contract.rows_under_test import DEMO, HOUR, RowsUnderTest, draft_of, no_precondition, rows_of


@pytest.fixture(params=["memory", "mysql"])
def rows(request: pytest.FixtureRequest) -> RowsUnderTest:
    return rows_of(request)


def due_job(rows: RowsUnderTest, key: bytes = b"k1") -> bytes:
    """A job that is due now."""
    intent = rows.announced(draft_of(key))
    rows.images.abandon(intent.id)
    return intent.id


def test_a_job_may_be_claimed_again_until_it_is_finished(rows: RowsUnderTest) -> None:
    job_id = due_job(rows)
    first = rows.jobs.claim(job_id)
    assert first is not None
    assert first.id == job_id
    assert rows.jobs.claim(job_id) == first
    rows.jobs.finish(job_id)
    assert rows.jobs.claim(job_id) is None
    rows.jobs.finish(job_id)


def test_a_job_tells_how_often_it_was_begun(rows: RowsUnderTest) -> None:
    job_id, other = due_job(rows), due_job(rows, b"k2")
    told = []
    for _ in range(3):
        job = rows.jobs.claim(job_id)
        assert job is not None
        told.append(job.tries)
    assert told == [1, 2, 3]
    job = rows.jobs.claim(other)
    assert job is not None
    assert job.tries == 1


def test_a_job_that_is_not_there_or_not_due_is_not_claimed(rows: RowsUnderTest) -> None:
    assert rows.jobs.claim(b"\x00" * 16) is None
    intent = rows.announced(draft_of(b"k1"))
    assert rows.jobs.claim(intent.id) is None
    assert rows.jobs.due(10) == []


def test_a_claimed_job_stays_due_until_it_is_finished(rows: RowsUnderTest) -> None:
    job_id = due_job(rows)
    rows.jobs.claim(job_id)
    assert rows.jobs.due(10) == [job_id]
    rows.jobs.finish(job_id)
    assert rows.jobs.due(10) == []


def test_objects_that_an_image_names_are_not_unreferenced(rows: RowsUnderTest) -> None:
    kept = rows.put(b"k1").image.object_key
    gone = [f"originals/{number:032x}" for number in range(MAX_REMOVALS - 1)]
    assert rows.jobs.unreferenced([*gone, kept]) == set(gone)
    assert rows.jobs.unreferenced([]) == set()
    rows.images.delete(DEMO, b"k1", b"j" * 16, no_precondition)
    assert rows.jobs.unreferenced([kept]) == {kept}


def test_a_sent_job_is_due_again_after_a_minute_then_two_then_four_up_to_a_day(rows: RowsUnderTest) -> None:
    job_id = due_job(rows)
    for patience_seconds in (60, 120, 240):
        assert rows.jobs.due(10) == [job_id]
        rows.jobs.mark_sent([job_id])
        assert rows.jobs.due(10) == []
        rows.pass_time(patience_seconds - 30)
        assert rows.jobs.due(10) == []
        rows.pass_time(60)
    for _ in range(40):
        rows.jobs.mark_sent([job_id])
    rows.pass_time(23 * HOUR)
    assert rows.jobs.due(10) == []
    rows.pass_time(2 * HOUR)
    assert rows.jobs.due(10) == [job_id]


def test_the_longest_due_come_first_and_no_more_than_asked_for(rows: RowsUnderTest) -> None:
    oldest = due_job(rows, b"k1")
    rows.pass_time(100)
    middle = due_job(rows, b"k2")
    rows.pass_time(100)
    due_job(rows, b"k3")
    assert rows.jobs.due(2) == [oldest, middle]


def test_sending_marks_only_what_was_sent(rows: RowsUnderTest) -> None:
    sent, other = due_job(rows, b"k1"), due_job(rows, b"k2")
    rows.jobs.mark_sent([sent, b"\x00" * 16])
    assert rows.jobs.due(10) == [other]
