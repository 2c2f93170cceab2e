"""How many SELECTs the first page of the gallery costs, counted at a real MariaDB."""

import secrets
from typing import Any

import pytest

from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.adapters.mysql.database import Database
from chalicelib.adapters.mysql.gallery_rows import MySqlGalleryRows
from chalicelib.adapters.mysql.image_lists import ImageLists
from chalicelib.adapters.mysql.rendition_rows import MySqlRenditionRows
from chalicelib.domain.accounts import Account, hash_of
from tests.contract.real_parts import MariaDb
from tests.fakes import MemoryParts, memory_app
from tests.fakes.parts import memory_config
from tests.web.caller import VISITOR, Caller


def test_a_first_page_that_is_cached_costs_one_select_and_a_change_is_shown_at_once(
    maria: MariaDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = maria.database()
    accounts, parts, caller = MySqlAccountRows(database), MemoryParts(), Caller()
    services = parts.services(
        config=memory_config(open_to="compatible-api"),
        account_rows=accounts,
        gallery_rows=MySqlGalleryRows(database, ImageLists(database)),
        rendition_rows=MySqlRenditionRows(database),
    )
    caller.app = memory_app(services)
    account = Account(secrets.token_bytes(16), "ada@example.org", "hash", admin=False, disabled=False)
    assert accounts.create(account)
    accounts.begin_session(account.owner_id, hash_of("a-session"), None)
    asked: list[str] = []
    select = Database.select

    def counted(self: Database, sql: str, *args: Any, **named: Any) -> Any:
        asked.append(sql)
        return select(self, sql, *args, **named)

    monkeypatch.setattr(Database, "select", counted)

    def page() -> tuple[str, int]:
        asked.clear()
        answer = caller("GET", "/", {"Cookie": f"visitor={VISITOR}; session=a-session"})
        assert answer.status == 200
        return answer.headers["server-timing"], len(asked)

    timing, selects = page()
    assert 'rows;desc="primary"' in timing
    assert selects > 1
    for _ in range(2):
        timing, selects = page()
        assert 'rows;desc="cache"' in timing
        assert 'source;desc="node ' in timing
        assert selects == 1, asked
    maria.execute("UPDATE owners SET version = version + 1 WHERE id = %s", (account.owner_id,))
    assert 'rows;desc="primary"' in page()[0]
    assert page()[1] == 1
