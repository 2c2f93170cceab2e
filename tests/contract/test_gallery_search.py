"""Searches over memory and over MySQL: the same images for the same queries, whatever was written before."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

import pytest

from chalicelib.adapters.mysql.index_rows import MySqlIndexRows
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.gallery import Cursor
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job, Render
from chalicelib.domain.keys import text_of
from chalicelib.domain.search import query_of
from chalicelib.domain.search_completion import Suggestion
from chalicelib.domain.search_terms import terms_of, whole_terms_of
from chalicelib.domain.words import words_of
from ops.migrate import MIGRATIONS
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import DEMO, RowsUnderTest, draft_of, memory_rows_of, mysql_rows, no_precondition
from tests.fakes import ManualClock, MemoryStore

BEACHES = ("beach 1", "Beach at sunset", "beaches/2", "sea side", "old town")


@dataclass
class Case:
    """Rows, and searches over them. Each image is a moment newer than the one before."""

    rows: RowsUnderTest
    store: MemoryStore | None = None

    def put(self, *keys: str) -> None:
        for key in keys:
            self.rows.put(key.encode())
            if self.store is not None:
                self.store.clock.advance(1.0)

    def tag(self, key: str, *tags: str) -> None:
        for tag in tags:
            assert self.rows.renditions.add_tag(DEMO, key.encode(), tag, 50)

    def found(self, text: str, limit: int = 100) -> list[str]:
        return [text_of(image.key) for image in self.page(text, None, limit)]

    def page(self, text: str, after: Cursor | None, limit: int, principal: Principal = DEMO) -> list[Image]:
        return [entry.image for entry in self.rows.gallery.page(principal, after, limit, query_of(text))[0]]

    def render(self, key: str, *tags: str) -> None:
        """What the worker does when it has seen the image."""
        image = self.rows.images.row(DEMO, key.encode()).image
        assert image is not None
        order = Render(image.owner_id, image.key, image.object_key, ())
        job = self.rows.announced(draft_of(key.encode()))  # any that is there: a run without its job came late
        assert self.rows.rendering.complete(order, job.id, secrets.token_bytes(16), [], tags)


def memory_case() -> Case:
    store = MemoryStore(ManualClock())
    return Case(memory_rows_of(store), store)


def mysql_case(maria: MariaDb) -> Case:
    return Case(mysql_rows(maria))


@pytest.fixture(params=["memory", "mysql"])
def case(request: pytest.FixtureRequest) -> Case:
    return memory_case() if request.param == "memory" else mysql_case(request.getfixturevalue("maria"))


def test_an_image_is_found_by_its_labels(case: Case) -> None:
    case.put("one", "two")
    case.render("one", "png")
    image = case.rows.images.row(DEMO, b"one").image
    assert image is not None
    order = Render(image.owner_id, image.key, image.object_key, ())
    case.rows.rendering.label(order, secrets.token_bytes(16), ["lighthouse"])
    assert case.found("tag:lighthouse") == ["one"]
    assert case.found("tag:png") == ["one"]


def test_all_images_come_newest_first_page_by_page(case: Case) -> None:
    case.put("b", "a", "c", "d", "e")
    assert case.found("") == ["e", "d", "c", "a", "b"]
    seen: list[str] = []
    after = None
    while page := case.page("", after, 2):
        seen += [text_of(image.key) for image in page]
        after = Cursor(page[-1].created_at, page[-1].key)
    assert seen == ["e", "d", "c", "a", "b"]


def test_words_are_found_by_their_beginnings_whatever_the_case(case: Case) -> None:
    case.put(*BEACHES)
    assert case.found("beach") == ["beaches/2", "Beach at sunset", "beach 1"]
    assert case.found("BEACHES") == ["beaches/2"]
    assert case.found("sun bea") == ["Beach at sunset"]
    assert case.found("each") == []
    assert case.found("s") == ["sea side", "Beach at sunset"]
    assert case.found("s -sea") == ["Beach at sunset"]
    assert case.found("-beach") == ["old town", "sea side"]
    assert case.found("beach", limit=1) == ["beaches/2"]


def test_tags_filter_alone_and_together(case: Case) -> None:
    case.put(*BEACHES)
    case.tag("beach 1", "sea", "2026-05")
    case.tag("beaches/2", "sea", "old town", "blue", "portrait")
    assert case.found("tag:sea") == ["beaches/2", "beach 1"]
    assert case.found('tag:"Old Town"') == ["beaches/2"]
    assert case.found("tag:se") == []
    assert case.found("tag:sea -tag:blue") == ["beach 1"]
    assert case.found("tag:sea side") == []
    assert case.found("colour:blue orientation:portrait beach") == ["beaches/2"]
    assert case.found("taken:2026-05") == case.found("taken:2026") == ["beach 1"]
    assert case.found("taken:2025") == []


def test_the_time_of_upload_filters(case: Case) -> None:
    case.put(*BEACHES)
    today = case.page("", None, 1)[0].created_at
    tomorrow = today + timedelta(days=1)
    assert len(case.found(f"uploaded:{today:%Y-%m-%d}..{tomorrow:%Y-%m-%d}")) == len(BEACHES)
    assert case.found(f"beach uploaded:..{today:%Y-%m-%d}") == case.found("beach")
    assert case.found(f"uploaded:{tomorrow:%Y-%m-%d}") == []
    assert case.found("uploaded:..2001") == []


def test_pages_of_a_search_go_on_where_the_last_one_ended(case: Case) -> None:
    case.put(*(f"beach {number}" for number in range(7)))
    first = case.page("beach -6", None, 3)
    rest = case.page("beach -6", Cursor(first[-1].created_at, first[-1].key), 9)
    assert [text_of(image.key) for image in (*first, *rest)] == [f"beach {number}" for number in (5, 4, 3, 2, 1, 0)]


def test_every_write_is_found_at_once(case: Case) -> None:
    case.put("one two", "two three")
    case.render("one two", "blue", "jpeg")
    assert case.found("colour:blue") == ["one two"]
    case.render("one two", "red")
    assert (case.found("colour:blue"), case.found("colour:red")) == ([], ["one two"])
    assert case.rows.renditions.remove_tag(DEMO, b"one two", "red")
    assert case.found("colour:red") == []
    case.render("one two", "red")
    assert case.found("colour:red") == []  # it stays removed
    case.tag("one two", "red")
    assert case.found("colour:red") == ["one two"]
    case.put("one two")  # replaced: the newest now
    assert case.found("two") == ["one two", "two three"]
    assert case.rows.images.delete(DEMO, b"one two", secrets.token_bytes(16), no_precondition)
    assert case.found("two") == ["two three"]
    assert case.found("tag:red") == []
    case.rows.images.delete_all(DEMO, secrets.token_bytes(16))
    assert (case.found(""), case.found("two")) == ([], [])


def test_captions_and_new_keys_are_found_at_once(case: Case) -> None:
    case.put("one", "two")
    case.tag("one", "sea")
    assert case.rows.details.describe(DEMO, b"one", "Low tide at dawn", no_precondition)
    assert case.found("tide") == ["one"]
    assert case.rows.details.rename(DEMO, b"one", b"harbour", secrets.token_bytes(16), no_precondition) is not None
    assert case.found("one") == []
    assert case.found("harbour tide tag:sea") == ["harbour"]
    assert case.rows.details.describe(DEMO, b"harbour", "", no_precondition)
    assert case.found("tide") == []


def test_tags_and_words_are_suggested_those_of_most_images_first(case: Case) -> None:
    case.put(*BEACHES)
    for key in ("beach 1", "beaches/2"):
        case.tag(key, "seaside")
    case.tag("beach 1", "sand", "beach")
    suggest = case.rows.gallery.suggestions
    assert suggest(DEMO, "s", None, 9) == [Suggestion("seaside", True, 2), Suggestion("sand", True, 1)]
    assert suggest(DEMO, "be", "be", 9) == [
        Suggestion("beach", True, 1),
        Suggestion("beach", False, 2),
        Suggestion("beaches", False, 1),
    ]
    assert suggest(DEMO, "be", "be", 2) == [Suggestion("beach", True, 1), Suggestion("beach", False, 2)]
    assert suggest(DEMO, None, "zzz", 9) == []
    case.rows.images.delete(DEMO, b"beach 1", secrets.token_bytes(16), no_precondition)
    assert suggest(DEMO, "", None, 9) == [Suggestion("seaside", True, 1)]


def test_nothing_of_another_owner_s_is_found(maria: MariaDb) -> None:
    case = mysql_case(maria)
    case.put("beach 1")
    case.tag("beach 1", "sea")
    maria.execute("INSERT INTO owners (id, name, created_at) VALUES (%s, 'other', UTC_TIMESTAMP(6))", (b"o" * 16,))
    other = Principal("other")
    for text in ("", "beach", "tag:sea", "beach tag:sea", "-x", "uploaded:2001.."):
        assert case.page(text, None, 9, other) == []
    assert case.rows.gallery.suggestions(other, "", "b", 9) == []


def test_what_images_are_found_by_is_what_their_rows_say(maria: MariaDb) -> None:
    case = mysql_case(maria)
    case.put(*BEACHES, "beach 1", "צילום 1", "🌊")
    case.tag("beach 1", "sea", "2026-05", "2026-07")
    case.rows.renditions.remove_tag(DEMO, b"beach 1", "2026-07")
    case.rows.images.delete(DEMO, b"sea side", secrets.token_bytes(16), no_precondition)
    assert_indexed(maria)


def assert_indexed(maria: MariaDb) -> None:
    """The rows of terms are those that the images' rows amount to, no more and no less."""
    tags: dict[object, list[str]] = {}
    for key, tag in maria.execute("SELECT image_key, tag FROM image_tags WHERE removed = 0"):
        tags.setdefault(key, []).append(str(tag))
    wanted, counts = set(), dict[bytes, int]()
    for key, at in maria.execute("SELECT image_key, created_at FROM images"):
        assert isinstance(key, bytes)
        words = words_of(text_of(key))
        wanted |= {(term, at, key) for term in terms_of(words, tags.get(key, []))}
        for term in whole_terms_of(words, tags.get(key, [])):
            counts[term] = counts.get(term, 0) + 1
    assert set(maria.execute("SELECT term, created_at, image_key FROM image_terms")) == wanted
    assert maria.execute("SELECT term, images FROM owner_terms ORDER BY term") == sorted(counts.items())


def test_images_of_before_are_put_in_by_jobs_in_batches(maria: MariaDb) -> None:
    case = mysql_case(maria)
    case.put(*BEACHES)
    case.tag("beach 1", "sea")
    for table in ("image_terms", "indexed_images", "owner_terms", "jobs"):
        maria.execute(f"DELETE FROM {table}")  # noqa: S608
    assert case.found("beach") == []
    migration = (MIGRATIONS / "0012_search.sql").read_text(encoding="utf-8")
    maria.execute(migration[migration.index("INSERT IGNORE INTO jobs") :].rstrip().rstrip(";"))
    index = MySqlIndexRows(maria.database())
    performed = 0
    while due := case.rows.jobs.due(10):
        (job_id,) = due
        job = case.rows.jobs.claim(job_id)
        assert job is not None and job.kind == jobs.INDEX_IMAGES
        following = index.index(job, 2)
        index.index(job, 2)  # again: nothing is done twice
        assert len(following) <= 1
        performed += 1
    assert performed == 3
    assert_indexed(maria)
    assert case.found("beach tag:sea") == ["beach 1"]
    index.index(Job(b"n" * 16, jobs.INDEX_IMAGES, jobs.index_job(b"n" * 16, b"n" * 16, b"").body), 2)  # no such owner
