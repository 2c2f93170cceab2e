"""How MariaDB goes about the gallery's pages: one range of an index in their order, look-ups by key, no sorting."""

from collections.abc import Iterator

import pytest

from chalicelib.adapters.mysql.gallery_rows import wanted_page
from chalicelib.adapters.mysql.image_lists import _at_primary, _at_replica
from chalicelib.adapters.mysql.principals import whose
from chalicelib.domain.accounts import Principal, Way
from chalicelib.domain.gallery import Cursor
from chalicelib.domain.search import query_of
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import DEMO

QUERIES = (
    *("", "-tag:rare", "uploaded:2026-01-02"),
    *("tag:common", "tag:rare", "bea", "b", "taken:2026"),
    *("tag:rare tag:common", "tag:common b", "tag:common -tag:rare", "b tag:common tag:rare uploaded:2026-01.."),
)
TERMS = ("tcommon", "wb", "wbe", "wbea", "y2026")


@pytest.fixture(scope="module")
def filled(one_mariadb: MariaDb) -> Iterator[MariaDb]:
    """An owner with 3,000 images that all have the same terms but for the rare one, and as many of another's."""
    maria = one_mariadb
    maria.empty()
    maria.execute("INSERT INTO owners (id, name, created_at) VALUES (REPEAT('o', 16), 'other', UTC_TIMESTAMP(6))")
    maria.execute(
        "INSERT INTO images (owner_id, image_key, object_key, sha256, size, media_type, width, height, frames, "
        "created_at) SELECT o.id, CONCAT('bea ', s.seq), CONCAT(o.name, s.seq), REPEAT('h', 32), 1, 'image/png', 1, 1, "
        "1, '2026-01-01' + INTERVAL s.seq MINUTE FROM owners o JOIN seq_1_to_3000 s"
    )
    for term in TERMS:
        _give(maria, term, b"")
    _give(maria, "trare", b"7")
    maria.execute("ANALYZE TABLE images, image_terms")
    yield maria
    maria.empty()


def _give(maria: MariaDb, term: str, key_ends: bytes) -> None:
    maria.execute(
        "INSERT INTO image_terms (owner_id, term, created_at, image_key) "
        "SELECT i.owner_id, %s, i.created_at, i.image_key FROM images i WHERE RIGHT(i.image_key, %s) = %s",
        (term, len(key_ends), key_ends),
    )


def plan(maria: MariaDb, sql: str, args: object) -> list[tuple[str, str, str, str]]:
    """Table, type of access, key and remark of each step that is more than one row by a unique key."""
    assert isinstance(args, tuple)
    steps = [tuple(map(str, row)) for row in maria.execute(f"EXPLAIN {sql}", args)]
    return [(table, access, key, extra) for _, _, table, access, _, key, _, _, _, extra in steps if access != "const"]


def assert_goes_by_the_index(steps: list[tuple[str, str, str, str]]) -> None:
    (_, access, key, extra), *others = steps
    assert access in ("range", "ref"), steps
    assert key in ("images_newest", "PRIMARY"), steps
    for _, other_access, _, other_extra in others:
        assert other_access == "eq_ref", steps
        assert "filesort" not in other_extra, steps
    assert "filesort" not in extra, steps
    assert "temporary" not in extra, steps


@pytest.mark.parametrize("after", [None, Cursor(query_of("uploaded:2026-01-02").since, b"bea 2000")])  # type: ignore[arg-type]
@pytest.mark.parametrize("text", QUERIES)
def test_a_page_is_one_range_of_an_index_and_look_ups_by_key(filled: MariaDb, text: str, after: Cursor | None) -> None:
    query = query_of(text)
    page = wanted_page(query.required, query, after, 49)
    sql, args, _ = _at_primary(whose(DEMO), page)
    assert_goes_by_the_index(plan(filled, sql, args))
    ((owner_id,),) = filled.execute("SELECT id FROM owners WHERE name = 'demo'")
    assert isinstance(owner_id, bytes)
    sql, args, _ = _at_replica(owner_id, page)
    inner = [step for step in plan(filled, sql, args) if not step[0].startswith("<derived")]
    assert_goes_by_the_index(inner)


@pytest.mark.parametrize("way", [Way.SESSION, Way.TOKEN])
def test_a_session_s_page_is_so_too(filled: MariaDb, way: Way) -> None:
    ((owner_id,),) = filled.execute("SELECT id FROM owners WHERE name = 'demo'")
    filled.execute(
        "INSERT IGNORE INTO accounts (owner_id, email, password, created_at) VALUES (%s, 'a@b', '', UTC_TIMESTAMP(6))",
        (owner_id,),
    )
    filled.execute(
        "INSERT IGNORE INTO sessions (token_hash, owner_id, created_at, seen_at, ends_at) VALUES (REPEAT('t', 32), %s, "
        "UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 1 DAY)",
        (owner_id,),
    )
    filled.execute(
        "INSERT IGNORE INTO api_tokens (token_hash, id, owner_id, label, scope, created_at) VALUES (REPEAT('t', 32), "
        "REPEAT('i', 16), %s, '', 'read', UTC_TIMESTAMP(6))",
        (owner_id,),
    )
    query = query_of("tag:common b")
    who = whose(Principal("", way=way, token_hash=b"t" * 32))
    sql, args, _ = _at_primary(who, wanted_page(query.required, query, None, 49))
    assert_goes_by_the_index(plan(filled, sql, args))


def test_a_sort_would_be_noticed(filled: MariaDb) -> None:
    sql = (
        "SELECT i.image_key FROM images i FORCE INDEX (images_newest) "
        "WHERE i.owner_id = REPEAT('o', 16) ORDER BY i.size"
    )
    with pytest.raises(AssertionError, match="filesort"):
        assert_goes_by_the_index(plan(filled, sql, ()))
