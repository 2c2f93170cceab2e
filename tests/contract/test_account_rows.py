"""AccountRows: one suite over the fake and MySQL."""

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.adapters.mysql.job_rows import MySqlJobRows
from chalicelib.adapters.system_clock import SystemClock
from chalicelib.domain.account_ports import (
    ASKED_RESET,
    ASKED_VERIFY,
    FIRST_ADMIN,
    RESET,
    VERIFY,
    AccountRows,
    ApiToken,
    Link,
    Made,
)
from chalicelib.domain.accounts import Account, Principal, Scope, Way
from chalicelib.domain.errors import NotSignedInError, TooManyTriesError
from chalicelib.domain.jobs import ACCOUNT_MAIL, Job
from chalicelib.domain.ports import JobRows
from chalicelib.services.accounts import Accounts
from chalicelib.services.sending import Sending
from tests.contract.real_parts import MariaDb
from tests.fakes.account_rows import MemoryAccountRows
from tests.fakes.clock import ManualClock
from tests.fakes.job_rows import MemoryJobRows
from tests.fakes.mail import PlainPasswords
from tests.fakes.queue import MemoryQueue
from tests.fakes.settings_rows import MemorySettingsRows
from tests.fakes.store import MemoryStore

MINUTE = 60.0


@dataclass(frozen=True)
class Under:
    """Rows under test; `pass_time` makes so many seconds go by for them."""

    rows: AccountRows
    jobs: JobRows
    pass_time: Callable[[float], None]


@pytest.fixture(params=["memory", "mysql"])
def under(request: pytest.FixtureRequest) -> Under:
    if request.param == "memory":
        store = MemoryStore(ManualClock())
        return Under(MemoryAccountRows(store), MemoryJobRows(store), store.clock.advance)
    maria: MariaDb = request.getfixturevalue("maria")

    def pass_time(seconds: float) -> None:
        maria.execute(
            "UPDATE sessions SET seen_at = seen_at - INTERVAL %s SECOND, ends_at = ends_at - INTERVAL %s SECOND",
            (seconds, seconds),
        )
        maria.execute("UPDATE account_links SET ends_at = ends_at - INTERVAL %s SECOND", (seconds,))
        maria.execute("UPDATE tries SET ends_at = ends_at - INTERVAL %s SECOND", (seconds,))

    database = maria.database()
    return Under(MySqlAccountRows(database), MySqlJobRows(database), pass_time)


def account(admin: bool = False) -> Account:
    """An account that nobody has yet."""
    owner_id = secrets.token_bytes(16)
    return Account(owner_id, f"{owner_id.hex()}@example.org", "hash", admin=admin, disabled=False)


def created(rows: AccountRows) -> Account:
    one = account()
    assert rows.create(one)
    return one


def session_of(rows: AccountRows, one: Account, before: bytes | None = None) -> Principal:
    token_hash = secrets.token_bytes(32)
    rows.begin_session(one.owner_id, token_hash, before)
    return Principal("", way=Way.SESSION, token_hash=token_hash)


def test_an_account_is_found_by_address_and_by_owner(under: Under) -> None:
    one = created(under.rows)
    assert under.rows.by_email(one.email) == under.rows.of_owner(one.owner_id) == one
    assert under.rows.by_email("nobody@example.org") is None
    assert under.rows.of_owner(secrets.token_bytes(16)) is None


def test_an_address_has_one_account(under: Under) -> None:
    one = created(under.rows)
    assert under.rows.create(one)  # a try whose answer was lost
    assert not under.rows.create(replace(account(), email=one.email))
    assert under.rows.by_email(one.email) == one


def test_of_many_at_once_one_gets_the_address(under: Under) -> None:
    email = f"{secrets.token_hex(8)}@example.org"
    rivals = [replace(account(), email=email) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(under.rows.create, rivals)) == 1


def test_a_session_is_in_force_until_it_ends(under: Under) -> None:
    one = created(under.rows)
    session = session_of(under.rows, one)
    assert under.rows.of(session) == one
    under.rows.end_session(session.token_hash)
    assert under.rows.of(session) is None
    assert under.rows.of(Principal("", way=Way.SESSION, token_hash=secrets.token_bytes(32))) is None
    assert under.rows.of(Principal("demo")) is None


def test_a_session_ends_when_idle_and_is_kept_by_being_seen(under: Under) -> None:
    one = created(under.rows)
    session = session_of(under.rows, one)
    for _ in range(3):
        under.pass_time(20 * MINUTE)
        assert under.rows.of(session) == one
    under.pass_time(31 * MINUTE)
    assert under.rows.of(session) is None


def test_a_session_ends_in_any_case(under: Under) -> None:
    one = created(under.rows)
    session = session_of(under.rows, one)
    for _ in range(12 * 3):
        under.rows.of(session)
        under.pass_time(20 * MINUTE)
    assert under.rows.of(session) is None


def test_the_browsers_session_before_is_ended(under: Under) -> None:
    one = created(under.rows)
    before = session_of(under.rows, one)
    after = session_of(under.rows, one, before.token_hash)
    assert under.rows.of(before) is None
    assert under.rows.of(after) == one


def test_every_session_of_one_account_ends_but_the_one_that_is_named(under: Under) -> None:
    one, other = created(under.rows), created(under.rows)
    kept, ended, others = session_of(under.rows, one), session_of(under.rows, one), session_of(under.rows, other)
    under.rows.end_sessions(one.owner_id, kept.token_hash)
    assert [under.rows.of(session) for session in (kept, ended, others)] == [one, None, other]
    under.rows.end_sessions(one.owner_id)
    assert under.rows.of(kept) is None


def test_a_new_password_revokes_tokens_unless_a_session_of_one_s_own_set_it(under: Under) -> None:
    one, other = created(under.rows), created(under.rows)
    mine, others = (ApiToken(secrets.token_bytes(16), "script", Scope.WRITE, ManualClock().now()) for _ in range(2))
    under.rows.add_token(one.owner_id, secrets.token_bytes(32), mine)
    under.rows.add_token(other.owner_id, secrets.token_bytes(32), others)
    session = session_of(under.rows, one)
    under.rows.change_password(one.owner_id, "another hash", session.token_hash)
    assert [token.id for token in under.rows.tokens(one.owner_id)] == [mine.id]
    under.rows.change_password(one.owner_id, "a third")
    assert under.rows.tokens(one.owner_id) == []
    assert [token.id for token in under.rows.tokens(other.owner_id)] == [others.id]


def test_a_new_password_ends_sessions_and_links(under: Under) -> None:
    one = created(under.rows)
    session, link = session_of(under.rows, one), secrets.token_bytes(32)
    under.rows.add_link(link, Link(RESET, owner_id=one.owner_id), 3600)
    under.rows.change_password(one.owner_id, "another hash")
    assert under.rows.of(session) is None
    assert under.rows.use_link(link, RESET) is None
    assert under.rows.by_email(one.email) == replace(one, password_hash="another hash")


def test_a_link_is_good_once_for_its_purpose_and_for_its_time(under: Under) -> None:
    good, late, link = secrets.token_bytes(32), secrets.token_bytes(32), Link(VERIFY, None, "a@b.c", "hash")
    under.rows.add_link(good, link, 3600)
    under.rows.add_link(late, link, 3600)
    assert under.rows.use_link(good, RESET) is None
    assert under.rows.link(good, VERIFY) == link
    with ThreadPoolExecutor(8) as pool:
        used = list(pool.map(lambda _: under.rows.use_link(good, VERIFY), range(8)))
    assert sorted(used, key=str) == sorted([link] + [None] * 7, key=str)
    assert under.rows.link(good, VERIFY) is None
    under.pass_time(3601)
    assert under.rows.link(late, VERIFY) is None
    assert under.rows.use_link(late, VERIFY) is None


def test_tries_at_once_are_all_counted(under: Under) -> None:
    name = secrets.token_bytes(20)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: under.rows.tried(name, 10, 60), range(40))) == 10
    assert under.rows.tried(secrets.token_bytes(20), 10, 60)
    under.pass_time(61)
    assert under.rows.tried(name, 1, 60)
    assert not under.rows.tried(name, 1, 60)
    under.rows.forget_tries(name)
    assert under.rows.tried(name, 1, 60)


def test_tokens_are_listed_and_revoked_by_their_owner_only(under: Under) -> None:
    one, other = created(under.rows), created(under.rows)
    token_hash = secrets.token_bytes(32)
    token = ApiToken(secrets.token_bytes(16), "laptop é", Scope.READ, ManualClock().now())
    under.rows.add_token(one.owner_id, token_hash, token)
    principal = Principal("", way=Way.TOKEN, token_hash=token_hash)
    assert under.rows.of(principal) == one
    (listed,) = under.rows.tokens(one.owner_id)
    assert replace(listed, created_at=token.created_at) == token
    assert not under.rows.revoke_token(other.owner_id, token.id)
    assert under.rows.revoke_token(one.owner_id, token.id)
    assert under.rows.of(principal) is None
    assert under.rows.tokens(one.owner_id) == []


def linked(under: Under, purpose: str) -> bytes:
    """The hash of a new link that is good for an hour."""
    token_hash = secrets.token_bytes(32)
    under.rows.add_link(token_hash, Link(purpose), 3600)
    return token_hash


def test_an_account_and_the_end_of_its_link_are_one_change(under: Under) -> None:
    link, one = linked(under, VERIFY), account()
    taken = replace(account(), email=created(under.rows).email)
    assert under.rows.create_by_link(taken, link, VERIFY) is Made.ADDRESS_TAKEN
    assert under.rows.create_by_link(one, link, RESET) is Made.NO_LINK
    assert under.rows.of_owner(taken.owner_id) is under.rows.of_owner(one.owner_id) is None
    assert under.rows.create_by_link(one, link, VERIFY) is Made.MADE
    assert under.rows.by_email(one.email) == one
    assert under.rows.create_by_link(account(), link, VERIFY) is Made.NO_LINK
    old = linked(under, VERIFY)
    under.pass_time(3601)
    assert under.rows.create_by_link(account(), old, VERIFY) is Made.NO_LINK


def test_of_many_first_admins_at_once_one_is_made(under: Under) -> None:
    links = [linked(under, FIRST_ADMIN) for _ in range(8)]

    def make(link: bytes) -> Made:
        return under.rows.create_by_link(account(admin=True), link, FIRST_ADMIN)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(make, links))
    assert sorted(one.name for one in made) == ["MADE", *["NO_LINK"] * 7]
    assert under.rows.create_by_link(account(admin=True), linked(under, FIRST_ADMIN), FIRST_ADMIN) is Made.NO_LINK


def test_a_mail_that_is_owed_is_kept_with_its_job_for_its_time(under: Under) -> None:
    name, job = secrets.token_bytes(32), Job(secrets.token_bytes(16), ACCOUNT_MAIL, "[]")
    asked = Link(ASKED_VERIFY, email="ada@example.org", password_hash="a hash")
    under.rows.owe_mail(name, asked, 3600, job)
    assert under.jobs.due(10) == [job.id]
    assert under.jobs.claim(job.id) == job
    assert under.rows.link(name, ASKED_VERIFY) == asked
    assert under.rows.link(name, VERIFY) is None
    under.pass_time(3601)
    assert under.rows.link(name, ASKED_VERIFY) is None


def test_a_mail_is_owed_once_also_when_the_answer_to_its_commit_was_lost(maria: MariaDb) -> None:
    rows, job = MySqlAccountRows(maria.database()), Job(secrets.token_bytes(16), ACCOUNT_MAIL, "[]")
    name = secrets.token_bytes(32)
    for _ in range(2):
        rows.owe_mail(name, Link(ASKED_RESET, email="ada@example.org"), 3600, job)
    assert maria.execute("SELECT COUNT(*) FROM jobs") == [(1,)]


def test_tries_whose_window_is_over_are_forgotten_when_a_session_begins(maria: MariaDb) -> None:
    rows = MySqlAccountRows(maria.database())
    for name in (b"old", b"new"):
        assert rows.tried(name, 1, 60)
    maria.execute("UPDATE tries SET ends_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE name = 'old'")
    session_of(rows, created(rows))
    assert maria.execute("SELECT name FROM tries") == [(b"new",)]
    assert not rows.tried(b"new", 1, 60)


def test_whether_there_is_an_admin_is_known(under: Under) -> None:
    if not isinstance(under.rows, MySqlAccountRows):  # the database is shared with other tests
        assert not under.rows.has_admin()
    under.rows.create(account(admin=True))
    assert under.rows.has_admin()


def test_of_a_thousand_wrong_passwords_at_once_ten_are_looked_at(maria: MariaDb) -> None:
    passwords = PlainPasswords()
    rows = MySqlAccountRows(maria.database())
    store = MemoryStore()
    sending = Sending(MemoryJobRows(store), MemoryQueue())
    accounts = Accounts(rows, passwords, sending, SystemClock(), MemorySettingsRows(store))
    numbers = iter(range(1000))  # next() of it is atomic
    refused: list[type[Exception]] = []

    def guess() -> None:
        for number in numbers:
            try:
                accounts.sign_in("ada@example.org", f"guess {number}", f"192.0.2.{number % 250}", None)
            except (NotSignedInError, TooManyTriesError) as error:
                refused.append(type(error))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(refused) == 1000
    assert passwords.looked_at == refused.count(NotSignedInError) == 10
