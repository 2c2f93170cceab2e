"""Writes whose key another image has, and bytes that are there already: the same suite over the fakes and MySQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from chalicelib.adapters.mysql.taken_keys import TWIN
from chalicelib.domain.errors import PreconditionError
from chalicelib.domain.idempotency import Note, asked_by
from chalicelib.domain.keys import IfTaken, names_for
from chalicelib.domain.ports import Draft, Written
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import DEMO, RowsUnderTest, draft_of, no_precondition, rows_of

NAME = b"IMG_1.jpg"


@pytest.fixture(params=["memory", "mysql"])
def rows(request: pytest.FixtureRequest) -> RowsUnderTest:
    return rows_of(request)


def keeping_both(key: bytes = NAME, like: Written | None = None) -> Draft:
    """A fresh object that is to replace nothing; of the bytes of `like`."""
    draft = replace(draft_of(key), if_taken=IfTaken.KEEP_BOTH)
    return draft if like is None else replace(draft, sha256=like.image.sha256)


def written(rows: RowsUnderTest, draft: Draft) -> Written:
    return rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition)


def same_bytes(rows: RowsUnderTest, key: bytes, like: Written) -> Written:
    return written(rows, replace(draft_of(key), sha256=like.image.sha256))


def test_other_bytes_are_kept_under_the_next_free_name_and_nothing_is_replaced(rows: RowsUnderTest) -> None:
    first = written(rows, draft_of(NAME))
    drafts = [keeping_both() for _ in range(3)]
    kept = [written(rows, draft) for draft in drafts]
    assert [one.image.key for one in kept] == [b"IMG_1 (2).jpg", b"IMG_1 (3).jpg", b"IMG_1 (4).jpg"]
    assert [one.image.object_key for one in kept] == [draft.object_key for draft in drafts]
    assert all(one.created and one.stored and one.duplicate_of is None for one in kept)
    assert rows.images.row(DEMO, NAME).image == first.image
    assert rows.images.keys(DEMO) == sorted([NAME, *(one.image.key for one in kept)])
    assert rows.jobs.due(10) == [job_id for one in (first, *kept) for job_id in one.jobs]  # each is rendered


def test_a_free_name_is_taken_as_it_is(rows: RowsUnderTest) -> None:
    assert written(rows, keeping_both()).image.key == NAME


def test_a_name_whose_numbers_are_all_taken_gets_a_higher_one(rows: RowsUnderTest) -> None:
    names = names_for(NAME)
    for _ in range(70):  # more than are asked for at once
        rows.put(next(names))
    assert written(rows, keeping_both()).image.key == next(names) == b"IMG_1 (71).jpg"


def test_the_same_bytes_under_the_name_are_not_stored_again(rows: RowsUnderTest) -> None:
    first = written(rows, draft_of(NAME))
    same_bytes(rows, b"another", first)
    version, draft = rows.images.owner(DEMO).version, keeping_both(like=first)
    again = written(rows, draft)
    assert (again.image, again.stored, again.created, again.duplicate_of) == (first.image, False, False, NAME)
    assert rows.images.owner(DEMO).version == version
    assert [rows.removed_by(job_id) for job_id in again.jobs] == [[draft.object_key]]  # at once
    assert rows.images.keys(DEMO) == [NAME, b"another"]


def test_a_folder_sent_again_is_not_stored_again_under_more_numbers(rows: RowsUnderTest) -> None:
    written(rows, draft_of(NAME))
    second = written(rows, keeping_both())
    again = written(rows, keeping_both(like=second))
    assert (again.image, again.stored, again.duplicate_of) == (second.image, False, b"IMG_1 (2).jpg")


def test_the_same_bytes_under_another_name_are_stored_and_told(rows: RowsUnderTest) -> None:
    first = written(rows, draft_of(b"b"))
    for key, twin in ((b"c", b"b"), (b"a", b"b"), (b"d", b"a")):
        told = written(rows, keeping_both(key, like=first))
        assert (told.image.key, told.stored, told.duplicate_of) == (key, True, twin)


def test_every_write_tells_of_the_same_bytes(rows: RowsUnderTest) -> None:
    first = written(rows, draft_of(b"b"))
    assert first.duplicate_of is None
    assert same_bytes(rows, b"b", first).duplicate_of == b"b"  # what it replaced
    assert same_bytes(rows, b"c", first).duplicate_of == b"b"
    assert same_bytes(rows, b"b", first).duplicate_of == b"c"  # another rather than its own
    assert written(rows, draft_of(b"b")).duplicate_of is None


def test_a_kept_answer_tells_what_became_of_the_write(rows: RowsUnderTest) -> None:
    first, told = written(rows, draft_of(NAME)), list[Written]()

    def answer_of(done: Written) -> str:
        told.append(done)
        return "kept"

    for number, draft in enumerate((keeping_both(like=first), keeping_both())):
        note = Note(asked_by(str(number), b"a request"), answer_of)
        done = rows.images.put(DEMO, draft, rows.announced(draft).id, no_precondition, note)
        assert (told[-1].image, told[-1].stored) == (done.image, done.stored)


def test_a_write_that_must_be_new_is_refused_and_leaves_what_is_there(rows: RowsUnderTest) -> None:
    first, draft = written(rows, draft_of(NAME)), replace(draft_of(NAME), if_taken=IfTaken.REFUSE)
    intent = rows.announced(draft)
    with pytest.raises(PreconditionError):
        rows.images.put(DEMO, draft, intent.id, no_precondition)
    assert rows.images.row(DEMO, NAME).image == first.image
    rows.images.abandon(intent.id)
    assert rows.removed_by(intent.id) == [draft.object_key]
    assert written(rows, replace(draft_of(b"new"), if_taken=IfTaken.REFUSE)).created


def test_of_many_with_one_name_at_once_all_are_kept(rows: RowsUnderTest) -> None:
    drafts = [keeping_both() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        keys = sorted(pool.map(lambda draft: written(rows, draft).image.key, drafts))
    names = names_for(NAME)
    assert keys == sorted(next(names) for _ in range(8)) == rows.images.keys(DEMO)
    stored = [rows.images.row(DEMO, key).image for key in keys]
    assert sorted(one.object_key for one in stored if one) == sorted(draft.object_key for draft in drafts)


def test_of_many_of_the_same_bytes_at_once_one_is_stored_and_the_others_go(rows: RowsUnderTest) -> None:
    first = keeping_both()
    drafts = [first, *(replace(draft_of(NAME), sha256=first.sha256, if_taken=IfTaken.KEEP_BOTH) for _ in range(7))]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda draft: written(rows, draft), drafts))
    assert sorted(one.stored for one in done) == [False] * 7 + [True]
    image = rows.images.row(DEMO, NAME).image
    assert image is not None
    assert {one.image.object_key for one in done} == {image.object_key}
    owed = [rows.removed_by(job_id) for one in done if not one.stored for job_id in one.jobs]
    assert sorted(owed) == sorted([draft.object_key] for draft in drafts if draft.object_key != image.object_key)


def test_an_image_of_the_same_bytes_is_found_by_an_index_without_sorting(maria: MariaDb) -> None:
    maria.execute(
        "INSERT INTO images (owner_id, image_key, object_key, sha256, size, media_type, width, height, frames, "
        "created_at) SELECT o.id, CONCAT('k', s.seq), CONCAT(o.name, s.seq), REPEAT('h', 32), 1, 'image/png', 1, 1, "
        "1, UTC_TIMESTAMP(6) FROM owners o JOIN seq_1_to_3000 s"
    )
    maria.execute("ANALYZE TABLE images")
    database = maria.database()
    ((owner_id,),) = database.select("SELECT id FROM owners WHERE name = 'demo'", ())
    for sha256 in (b"h" * 32, b"i" * 32):
        (plan,) = database.select(f"EXPLAIN {TWIN}", (owner_id, sha256, b"k7"))
        assert (plan[5], "filesort" in str(plan[-1])) == ("images_content", False)
