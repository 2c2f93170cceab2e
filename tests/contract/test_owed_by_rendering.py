"""What a finished rendering owes, and labels: the same suite over the fake rows and over MySQL."""

import secrets

import pytest

from chalicelib.domain import jobs
from chalicelib.domain.jobs import Job
from chalicelib.domain.notices import EditNotice
from chalicelib.domain.stored_renditions import ImageTag
from tests.contract.rows_under_test import DEMO, RowsUnderTest, no_precondition, rows_of
from tests.contract.test_rendition_rows import completed, intent_of, made, order_of, put


@pytest.fixture(params=["memory", "mysql"])
def rows(request: pytest.FixtureRequest) -> RowsUnderTest:
    return rows_of(request)


def notice(ready: bool = True) -> Job:
    told = EditNotice(b"o" * 16, "k é".encode(), ("greyscale",), ready)
    return jobs.edit_notice_job(secrets.token_bytes(16), told)


def test_a_notice_and_a_label_job_say_again_what_they_were_made_of(rows: RowsUnderTest) -> None:
    _, job_id = put(rows)
    order = order_of(rows, job_id)
    labels = jobs.label_job(b"l" * 16, order, 3)
    assert jobs.label_of(labels)[0].source_object_key == order.source_object_key
    assert jobs.label_of(labels)[1] == 3
    told = EditNotice(b"o" * 16, "k é".encode(), ("greyscale",), False)
    assert jobs.edit_notices_of(notice(ready=False).body) == [told]
    gathered = jobs.gathered_notices([notice().body, jobs.gathered_notices([notice().body, notice(False).body])])
    assert [one.ready for one in jobs.edit_notices_of(gathered)] == [True, True, False]
    assert jobs.edit_notices_of(gathered)[2] == told


def test_what_is_owed_is_due_once_however_often_the_job_ends(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    order, owed = order_of(rows, job_id), [notice(), notice()]
    done = [made(order, kind) for kind in order.kinds]
    for one in owed:
        intent_id = intent_of(rows, image, *order.kinds)
        assert rows.rendering.complete(order, job_id, intent_id, done, [], owed=[one])
    assert rows.jobs.due(10) == [owed[0].id]
    found = rows.jobs.claim(owed[0].id)
    assert found is not None
    assert (found.kind, found.body) == (jobs.EDIT_NOTICE, owed[0].body)


def test_a_failure_owes_once_too(rows: RowsUnderTest) -> None:
    _, job_id = put(rows)
    order, owed = order_of(rows, job_id), [notice(), notice()]
    for one in owed:
        rows.rendering.fail(order, job_id, "no", owed=[one])
    assert rows.jobs.due(10) == [owed[0].id]


def test_an_image_that_was_replaced_meanwhile_owes_nothing(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    order = order_of(rows, job_id)
    intent_id = intent_of(rows, image, *order.kinds)
    rows.images.delete(DEMO, b"k1", b"d" * 16, no_precondition)
    owed = notice()
    done = [made(order, kind) for kind in order.kinds]
    assert not rows.rendering.complete(order, job_id, intent_id, done, [], owed=[owed])
    rows.rendering.fail(order, job_id, "no", owed=[owed])
    assert owed.id not in rows.jobs.due(10)


def test_labels_are_added_to_the_automatic_tags_and_removed_ones_stay_removed(rows: RowsUnderTest) -> None:
    _, job_id = put(rows)
    order = order_of(rows, job_id)
    completed(rows, job_id, "red", "sea")
    rows.renditions.remove_tag(DEMO, b"k1", "sea")
    rows.renditions.add_tag(DEMO, b"k1", "mine", 100)
    before = rows.images.owner(DEMO).version
    rows.rendering.label(order, b"l" * 16, ["beach", "mine", "sea"])
    assert rows.renditions.about(DEMO, b"k1").tags == (
        ImageTag("beach", True),
        ImageTag("mine", False),
        ImageTag("red", True),
    )
    assert rows.images.owner(DEMO).version == before + 1
    rows.rendering.label(order, b"l" * 16, ["beach"])
    assert len(rows.renditions.about(DEMO, b"k1").tags) == 3


def test_a_run_that_comes_late_takes_no_label_away(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    order = order_of(rows, job_id)
    done = [made(order, kind) for kind in order.kinds]
    label = jobs.label_job(b"l" * 16, order, 3)
    assert rows.rendering.complete(order, job_id, intent_of(rows, image, *order.kinds), done, ["red"], owed=[label])
    rows.rendering.label(order, label.id, ["beach"])
    assert rows.rendering.complete(order, job_id, intent_of(rows, image, *order.kinds), done, ["red"], owed=[label])
    assert [one.tag for one in rows.renditions.about(DEMO, b"k1").tags] == ["beach", "red"]
    assert rows.jobs.due(10) == []


def test_tags_are_given_by_whoever_makes_ready_what_another_run_gave_up(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    order = order_of(rows, job_id)
    done = [made(order, kind) for kind in order.kinds]
    rows.rendering.fail(order, job_id, "no")
    assert rows.rendering.complete(order, job_id, intent_of(rows, image, *order.kinds), done, ["red"])
    assert [one.tag for one in rows.renditions.about(DEMO, b"k1").tags] == ["red"]


def test_labels_end_their_job_and_leave_another_image_alone(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    order, label = order_of(rows, job_id), jobs.label_job(b"l" * 16, order_of(rows, job_id), 1)
    intent_id = intent_of(rows, image, *order.kinds)
    done = [made(order, kind) for kind in order.kinds]
    assert rows.rendering.complete(order, job_id, intent_id, done, [], owed=[label])
    rows.images.delete(DEMO, b"k1", b"d" * 16, no_precondition)
    put(rows)
    assert rows.jobs.claim(label.id) is not None
    rows.rendering.label(order, label.id, ["beach"])
    assert rows.jobs.claim(label.id) is None
    assert rows.renditions.about(DEMO, b"k1").tags == ()


def test_a_job_that_is_put_off_stands_under_another_name_and_is_not_due_yet(rows: RowsUnderTest) -> None:
    image, job_id = put(rows)
    order = order_of(rows, job_id)
    first, second, third = (jobs.label_job(secrets.token_bytes(16), order, left) for left in (3, 2, 2))
    intent_id = intent_of(rows, image, *order.kinds)
    done = [made(order, kind) for kind in order.kinds]
    rows.rendering.complete(order, job_id, intent_id, done, [], owed=[first])
    rows.rendering.replace_job(first.id, [second], 60)
    rows.rendering.replace_job(first.id, [third])  # as if it were delivered twice
    assert rows.jobs.due(10) == []
    assert [rows.jobs.claim(one.id) for one in (first, second, third)] == [None, None, None]
    rows.pass_time(61)
    assert rows.jobs.due(10) == [second.id]


def test_notices_of_one_owner_that_are_due_are_gathered_into_one_and_others_stay(rows: RowsUnderTest) -> None:
    _, job_id = put(rows)
    another = jobs.edit_notice_job(secrets.token_bytes(16), EditNotice(b"p" * 16, b"k", ("greyscale",), True))
    label = jobs.label_job(secrets.token_bytes(16), order_of(rows, job_id), 3)
    owed = [notice(), notice(ready=False), notice(), another, label]
    rows.rendering.fail(order_of(rows, job_id), job_id, "no", owed=owed)
    first = rows.jobs.claim(owed[0].id)
    assert first is not None
    gathered = rows.jobs.gather(first, jobs.notices_begin(first), 10, jobs.gathered_notices)
    assert gathered is not None
    assert (gathered.id, gathered.kind, gathered.tries) == (first.id, first.kind, 1)
    told = jobs.edit_notices_of(gathered.body)
    assert sorted(one.ready for one in told) == [False, True, True]
    assert set(rows.jobs.due(10)) == {owed[0].id, another.id, label.id}
    again = rows.jobs.claim(owed[0].id)  # it may be performed twice
    assert again is not None
    assert again.body == gathered.body
    alone = rows.jobs.gather(again, jobs.notices_begin(again), 10, jobs.gathered_notices)
    assert alone is not None
    assert alone.body == gathered.body
    assert rows.jobs.gather(owed[1], jobs.notices_begin(owed[1]), 10, jobs.gathered_notices) is None


def test_no_more_are_gathered_than_are_asked_for(rows: RowsUnderTest) -> None:
    _, job_id = put(rows)
    owed = [notice() for _ in range(5)]
    rows.rendering.fail(order_of(rows, job_id), job_id, "no", owed=owed)
    gathered = rows.jobs.gather(owed[0], jobs.notices_begin(owed[0]), 2, jobs.gathered_notices)
    assert gathered is not None
    assert len(jobs.edit_notices_of(gathered.body)) in (2, 3)
    assert len(rows.jobs.due(10)) in (3, 4)
