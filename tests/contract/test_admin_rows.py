"""AdminRows, RemovalRows and DumpRows, and what they decide of uploads: one suite over the fakes and MySQL."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.adapters.mysql.admin_rows import MySqlAdminRows
from chalicelib.adapters.mysql.dump_rows import MySqlDumpRows
from chalicelib.adapters.mysql.image_rows import MySqlImageRows
from chalicelib.adapters.mysql.job_rows import MySqlJobRows
from chalicelib.adapters.mysql.removal_rows import MySqlRemovalRows
from chalicelib.adapters.mysql.settings_rows import MySqlSettingsRows
from chalicelib.adapters.mysql.upload_rows import MySqlUploadRows
from chalicelib.domain import jobs
from chalicelib.domain.account_ports import RESET, AccountRows, ApiToken, Link
from chalicelib.domain.accounts import Account, Principal, Scope, Way
from chalicelib.domain.admin import BEGUN, BLOCKED, DONE, FAILED, NOTE, REFUSED, UPLOADS, Deed, UserChange
from chalicelib.domain.admin_ports import AdminRows, DumpRows, RemovalRows
from chalicelib.domain.dumps import DumpSoFar, SavedDump
from chalicelib.domain.errors import (
    LastAdminError,
    NotSignedInError,
    QuotaError,
    RowsUnavailableError,
    UnknownUserError,
    UploadsBlockedError,
)
from chalicelib.domain.images import ImageFacts
from chalicelib.domain.jobs import Job, Removal
from chalicelib.domain.notices import settings_name
from chalicelib.domain.parted import Parted
from chalicelib.domain.ports import Draft, ImageRows, JobRows, SettingsRows, Written
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.upload_ports import UploadRows
from chalicelib.domain.uploads import ACCOUNT_GONE, NewUpload, UploadState
from chalicelib.services.images import no_precondition
from tests.contract.real_parts import MariaDb
from tests.fakes import ManualClock, MemoryImageRows, MemoryJobRows, MemorySettingsRows, MemoryStore
from tests.fakes.account_rows import MemoryAccountRows
from tests.fakes.admin_rows import MemoryAdminRows
from tests.fakes.dump_rows import MemoryDumpRows
from tests.fakes.upload_rows import MemoryUploadRows

DAY = 24 * 3600.0


@dataclass(frozen=True)
class Under:
    """Rows under test. `pass_time` makes that many seconds go by for dumps and jobs; `now` is the rows' clock."""

    admin: AdminRows
    removal: RemovalRows
    dumps: DumpRows
    accounts: AccountRows
    images: ImageRows
    jobs: JobRows
    settings: SettingsRows
    uploads: UploadRows
    pass_time: Callable[[float], None]
    now: Callable[[], datetime]

    def joined(self, admin: bool = False) -> Account:
        """An account that is new."""
        owner_id = secrets.token_bytes(16)
        account = Account(owner_id, f"{owner_id.hex()}@example.org", "hash", admin=admin, disabled=False)
        assert self.accounts.create(account)
        return account

    def session_of(self, account: Account) -> Principal:
        token_hash = secrets.token_bytes(32)
        self.accounts.begin_session(account.owner_id, token_hash, None)
        return Principal("", way=Way.SESSION, token_hash=token_hash)

    def put(self, principal: Principal, key: bytes, size: int) -> Written:
        """A whole write of a fresh object."""
        facts = ImageFacts("image/png", width=3, height=2, frames=1)
        draft = Draft(key, f"originals/{secrets.token_hex(16)}", secrets.token_bytes(32), size, facts)
        owner = self.images.owner(principal)
        intent = jobs.removal_job(secrets.token_bytes(16), [Removal(owner.id, draft.object_key, 0)])
        self.images.announce(intent)
        return self.images.put(principal, draft, intent.id, no_precondition)

    def taken(self, account: Account) -> tuple[int, int]:
        """How many images, and how many bytes."""
        user = self.admin.user(account.owner_id)
        assert user is not None
        return user.images, user.bytes


@pytest.fixture(params=["memory", "mysql"])
def under(request: pytest.FixtureRequest) -> Under:
    if request.param == "memory":
        store = MemoryStore(ManualClock())
        accounts = MemoryAccountRows(store)
        rows = MemoryAdminRows(store, accounts)
        return Under(
            *(rows, rows, MemoryDumpRows(store, rows), accounts),
            *(MemoryImageRows(store), MemoryJobRows(store), MemorySettingsRows(store), MemoryUploadRows(store)),
            store.clock.advance,
            store.clock.now,
        )
    maria: MariaDb = request.getfixturevalue("maria")
    database = maria.database()

    def pass_time(seconds: float) -> None:
        maria.execute(
            "UPDATE dumps SET asked_at = asked_at - INTERVAL %s SECOND, ends_at = ends_at - INTERVAL %s SECOND",
            (seconds, seconds),
        )
        maria.execute("UPDATE jobs SET due_at = due_at - INTERVAL %s SECOND", (seconds,))

    def now() -> datetime:
        ((found,),) = maria.execute("SELECT UTC_TIMESTAMP(6)")
        assert isinstance(found, datetime)
        return found

    return Under(
        MySqlAdminRows(database),
        MySqlRemovalRows(database),
        MySqlDumpRows(database),
        MySqlAccountRows(database),
        MySqlImageRows(database),
        MySqlJobRows(database),
        MySqlSettingsRows(database),
        MySqlUploadRows(database),
        pass_time,
        now,
    )


def deed(what: str = "something") -> Deed:
    return Deed(secrets.token_bytes(16), "admin@example.org", "192.0.2.1", what, "about")


def test_users_come_by_address_page_by_page(under: Under) -> None:
    emails = sorted(under.joined().email for _ in range(5))
    seen: list[str] = []
    after = None
    while page := under.admin.users(after, 2):
        seen += [user.email for user in page]
        after = page[-1].owner_id
    assert seen == emails
    assert under.admin.users(b"\x00" * 16, 2) == []


def test_what_an_owner_s_images_take_is_counted_by_every_write(under: Under) -> None:
    ada = under.joined()
    session = under.session_of(ada)
    under.put(session, b"k1", 100)
    under.put(session, b"k2", 50)
    assert under.taken(ada) == (2, 150)
    under.put(session, b"k1", 30)
    assert under.taken(ada) == (2, 80)
    under.images.delete(session, b"k2", secrets.token_bytes(16), no_precondition)
    assert under.taken(ada) == (1, 30)
    under.put(session, b"k3", 5)
    under.images.delete_all(session, secrets.token_bytes(16))
    assert under.taken(ada) == (0, 0)


def test_a_quota_is_kept_to_the_byte_and_what_is_refused_leaves_nothing(under: Under) -> None:
    ada = under.joined()
    session = under.session_of(ada)
    under.admin.change_user(ada.owner_id, UserChange(quota_bytes=100), deed())
    under.put(session, b"k1", 60)
    under.put(session, b"k2", 40)
    for key, size in ((b"k3", 1), (b"k1", 61)):
        with pytest.raises(QuotaError):
            under.put(session, key, size)
    assert under.taken(ada) == (2, 100)
    assert under.images.keys(session) == [b"k1", b"k2"]
    under.put(session, b"k1", 10)  # a smaller one always fits
    under.admin.change_user(ada.owner_id, UserChange(quota_bytes=20), deed())  # below what is there
    under.put(session, b"k1", 9)
    with pytest.raises(QuotaError):
        under.put(session, b"k4", 1)
    under.admin.change_user(ada.owner_id, UserChange(quota_bytes=0), deed())
    under.put(session, b"k4", 1 << 30)


def test_writers_at_once_do_not_pass_the_quota_together(under: Under) -> None:
    ada = under.joined()
    session = under.session_of(ada)
    under.admin.change_user(ada.owner_id, UserChange(quota_bytes=50), deed())

    def put(number: int) -> bool:
        try:
            under.put(session, b"k%d" % number, 10)
        except (QuotaError, RowsUnavailableError):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        stored = sum(pool.map(put, range(16)))
    assert under.taken(ada) == (stored, 10 * stored)
    assert 0 < stored <= 5


def test_blocked_uploads_are_refused_in_the_write_itself_with_the_admin_s_words(under: Under) -> None:
    ada = under.joined()
    session = under.session_of(ada)
    under.put(session, b"k1", 1)
    under.admin.change_setting(UPLOADS, {BLOCKED: True, NOTE: "Back at six."}, deed())
    with pytest.raises(UploadsBlockedError, match="Back at six"):
        under.put(session, b"k2", 1)
    assert under.taken(ada) == (1, 1)
    under.images.delete(session, b"k1", secrets.token_bytes(16), no_precondition)
    under.admin.change_setting(UPLOADS, {BLOCKED: False, NOTE: ""}, deed())
    under.put(session, b"k2", 1)


def test_settings_beside_the_changed_ones_stay(under: Under) -> None:
    under.admin.change_setting("accounts", {"sign_up_open": False}, deed())
    under.admin.change_setting("accounts", {"other": 1}, deed())
    version, values = under.settings.read("accounts")
    assert (version, values) == (2, {"sign_up_open": False, "other": 1})


def test_who_is_disabled_is_out_everywhere_at_once(under: Under) -> None:
    ada, bob = under.joined(), under.joined()
    session, other = under.session_of(ada), under.session_of(bob)
    token = Principal("", way=Way.TOKEN, token_hash=secrets.token_bytes(32))
    made = ApiToken(secrets.token_bytes(16), "script", Scope.WRITE, datetime(2026, 1, 1))
    under.accounts.add_token(ada.owner_id, token.token_hash, made)
    link = secrets.token_bytes(32)
    under.accounts.add_link(link, Link(RESET, owner_id=ada.owner_id), 3600)
    under.admin.change_user(ada.owner_id, UserChange(disabled=True), deed())
    for principal in (session, token):
        assert under.accounts.of(principal) is None
        with pytest.raises(NotSignedInError):
            under.images.owner(principal)
    assert under.accounts.link(link, RESET) is None
    assert under.accounts.tokens(ada.owner_id) == []
    under.admin.change_user(ada.owner_id, UserChange(disabled=False), deed())
    assert under.accounts.of(session) is None  # ended, not asleep
    assert under.accounts.of(other) == bob
    user = under.admin.user(ada.owner_id)
    assert user is not None
    assert not user.disabled


@pytest.mark.parametrize("change", [UserChange(disabled=True), UserChange(admin=False)])
def test_the_last_admin_stays_one(under: Under, change: UserChange) -> None:
    first, second = under.joined(admin=True), under.joined(admin=True)
    under.admin.change_user(second.owner_id, change, deed())
    refused = deed()
    with pytest.raises(LastAdminError):
        under.admin.change_user(first.owner_id, change, refused)
    user = under.admin.user(first.owner_id)
    assert user is not None
    assert (user.admin, user.disabled) == (True, False)
    under.admin.note(refused, REFUSED)
    assert under.admin.audit(None, 1)[0].outcome == REFUSED
    under.admin.change_user(second.owner_id, change, deed())  # who is none any more is not the last


def test_two_admins_who_end_each_other_at_once_do_not_both_succeed(under: Under) -> None:
    both = [under.joined(admin=True).owner_id for _ in range(2)]

    def demote(owner_id: bytes) -> None:
        with suppress(LastAdminError, RowsUnavailableError):
            under.admin.change_user(owner_id, UserChange(admin=False), deed())

    for _ in range(10):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(demote, both))
        assert under.admin.counts().admins >= 1
        for owner_id in both:
            under.admin.change_user(owner_id, UserChange(admin=True), deed())


def test_there_is_no_change_of_a_user_who_is_none(under: Under) -> None:
    with pytest.raises(UnknownUserError):
        under.admin.change_user(b"\x01" * 16, UserChange(admin=True), deed())
    assert under.admin.audit(None, 10) == []


def test_a_deed_is_put_down_once_however_often_it_is_tried(under: Under) -> None:
    ada, one = under.joined(), deed("make admin")
    for _ in range(2):
        under.admin.change_user(ada.owner_id, UserChange(admin=True), one)
        under.admin.note(one, DONE)
    (entry,) = under.admin.audit(None, 10)
    told = (entry.actor, entry.what, entry.about, entry.outcome, entry.address)
    assert told == (one.actor, one.what, one.about, DONE, one.address)


def test_a_deed_that_was_begun_is_concluded_once(under: Under) -> None:
    one = deed()
    under.admin.begin(one)
    assert under.admin.audit(None, 1)[0].outcome == BEGUN
    under.admin.conclude(one.id, DONE)
    under.admin.conclude(one.id, REFUSED)
    assert under.admin.audit(None, 1)[0].outcome == DONE


def test_the_log_comes_newest_first_page_by_page(under: Under) -> None:
    for number in range(5):
        under.admin.note(deed(f"deed {number}"), DONE)
    first = under.admin.audit(None, 3)
    rest = under.admin.audit(first[-1].id, 3)
    assert [entry.what for entry in (*first, *rest)] == [f"deed {number}" for number in reversed(range(5))]


def test_images_stored_after_the_moment_stay_and_objects_of_the_others_are_owed(under: Under) -> None:
    ada = under.joined()
    session = under.session_of(ada)
    gone = [under.put(session, b"k%d" % number, 10).image.object_key for number in range(5)]
    under.pass_time(0.01)
    before = under.now()
    under.pass_time(0.01)
    under.put(session, b"new", 7)
    removed: list[str] = []
    counts = []
    for _ in range(4):
        job_id = secrets.token_bytes(16)
        counts.append(under.removal.remove_images(ada.owner_id, before, job_id, 2))
        job = under.jobs.claim(job_id)
        assert (job is not None) == bool(counts[-1])
        removed += [one.object_key for one in jobs.removals_of(job)] if job else []
    assert counts == [2, 2, 1, 0]
    assert sorted(key for key in removed if key.startswith("originals/")) == sorted(gone)
    assert len(removed) == len(gone) * (1 + len(ON_ARRIVAL))
    assert under.images.keys(session) == [b"new"]
    assert under.taken(ada) == (1, 7)
    assert under.removal.next_owner(b"") == ada.owner_id
    assert under.removal.next_owner(ada.owner_id) is None


def test_what_came_after_the_moment_goes_too_if_its_account_is_gone(under: Under) -> None:
    """Between the asking and the end of the account its person could still store."""
    ada = under.joined()
    session = under.session_of(ada)
    under.pass_time(0.01)
    before = under.now()
    under.pass_time(0.01)
    under.put(session, b"late", 7)
    assert under.removal.remove_images(ada.owner_id, before, secrets.token_bytes(16), 10) == 0
    assert under.removal.remove_accounts(before, secrets.token_bytes(16), 10) == 1
    assert under.removal.remove_images(ada.owner_id, before, secrets.token_bytes(16), 10) == 1
    assert under.removal.next_owner(b"") is None


def test_accounts_go_but_those_of_admins_and_newer_ones(under: Under) -> None:
    admin, ada = under.joined(admin=True), under.joined()
    session = under.session_of(ada)
    under.pass_time(0.01)
    before = under.now()
    under.pass_time(0.01)
    new = under.joined()
    assert under.removal.remove_accounts(before, secrets.token_bytes(16), 10) == 1
    assert {user.email for user in under.admin.users(None, 10)} == {admin.email, new.email}
    assert under.accounts.of(session) is None
    assert under.removal.remove_accounts(before, secrets.token_bytes(16), 10) == 0


def test_uploads_that_wait_end_with_their_account_and_what_came_of_them_goes(under: Under) -> None:
    admin, ada, bob = under.joined(admin=True), under.joined(), under.joined()
    of_ada, of_admin = under.session_of(ada), under.session_of(admin)
    waiting, refused, kept = (
        under.uploads.begin(session, NewUpload(secrets.token_bytes(16), b"k1", "image/png", 1000))
        for session in (of_ada, of_ada, of_admin)
    )
    under.uploads.refuse(refused, "no image", secrets.token_bytes(16))
    under.session_of(bob)
    under.pass_time(0.01)
    before = under.now()
    job_id = secrets.token_bytes(16)
    assert under.removal.remove_accounts(before, job_id, 10) == 2
    job = under.jobs.claim(job_id)
    assert job is not None
    assert [(one.owner_id, one.object_key) for one in jobs.removals_of(job)] == [(ada.owner_id, waiting.incoming_key)]
    ended = under.uploads.at(waiting.incoming_key)
    assert ended is not None
    assert (ended.state, ended.refusal) == (UploadState.REFUSED, ACCOUNT_GONE)
    assert under.uploads.at(refused.incoming_key) == replace(refused, state=UploadState.REFUSED, refusal="no image")
    assert under.uploads.at(kept.incoming_key) == kept


def test_accounts_that_have_no_upload_waiting_owe_no_removal_of_what_came(under: Under) -> None:
    under.joined()
    under.pass_time(0.01)
    job_id = secrets.token_bytes(16)
    assert under.removal.remove_accounts(under.now(), job_id, 10) == 1
    assert under.jobs.claim(job_id) is None


def test_subscriptions_of_accounts_that_are_gone_are_told_one_by_one(under: Under) -> None:
    admin, gone = under.joined(admin=True), sorted(secrets.token_bytes(16) for _ in range(2))
    for owner_id in (admin.owner_id, *gone):
        assert under.settings.write(settings_name(owner_id), 0, {"subscription": "its name"})
    told = []
    while (nobody := under.removal.next_notices()) is not None:
        told.append(nobody)
        under.removal.forget_notices(nobody)
        under.removal.forget_notices(nobody)
    assert sorted(told) == gone
    assert under.settings.read(settings_name(admin.owner_id))[1] == {"subscription": "its name"}


def test_the_removal_of_all_data_is_owed_and_in_the_log(under: Under) -> None:
    one = deed("delete all data")
    job = under.jobs.claim(under.removal.ask_removal(one, accounts=True))
    assert job is not None
    assert job.kind == jobs.REMOVE_DATA
    assert under.admin.audit(None, 1)[0].outcome == BEGUN


def test_a_dump_is_owed_and_for_a_day_later_its_removal(under: Under) -> None:
    dump_id, key = secrets.token_bytes(16), f"dumps/{secrets.token_hex(16)}"
    job_id = under.dumps.ask_dump(dump_id, key, deed("dump"))
    assert under.jobs.due(10) == [job_id]
    (dump,) = under.dumps.dumps()
    assert (dump.object_key, dump.done_at, dump.ends_at - dump.asked_at) == (key, None, timedelta(days=1))
    under.pass_time(DAY + 1)
    assert (under.dumps.dump(dump_id), under.dumps.dumps()) == (None, [])
    (removal_id,) = set(under.jobs.due(10)) - {job_id}
    job = under.jobs.claim(removal_id)
    assert job is not None
    assert [one.object_key for one in jobs.removals_of(job)] == [key]


def test_a_stretch_of_a_dump_goes_on_from_what_the_one_before_kept(under: Under) -> None:
    dump_id, key = secrets.token_bytes(16), f"dumps/{secrets.token_hex(16)}"
    job_id = under.dumps.ask_dump(dump_id, key, deed("dump"))
    stretch = under.dumps.begin(dump_id)
    assert stretch is not None
    assert (stretch.so_far, stretch.dump.state) == (DumpSoFar(), "being made")
    assert DAY - 60 < stretch.left_seconds <= DAY
    kept = DumpSoFar("é", {"images": 7}, Parted(key, "an upload", ("tag",), 60), bytes(range(256)) * 4, 3, 1)
    following = Job(secrets.token_bytes(16), jobs.MAKE_DUMP, "{}")
    for _ in range(2):  # as when the answer was lost
        assert under.dumps.save(stretch, SavedDump(kept, done_job=job_id, following=following))
    assert under.jobs.due(10) == [following.id]
    (shown,) = under.dumps.dumps()
    assert (shown.state, shown.rows, shown.size) == ("being made", 7, 60 + 1024)
    earlier, later = under.dumps.begin(dump_id), under.dumps.begin(dump_id)
    assert earlier is not None
    assert later is not None
    assert (earlier.so_far, later.so_far) == (kept, kept)
    assert not under.dumps.save(earlier, SavedDump(DumpSoFar(), is_ready=True, done_job=following.id))
    assert under.jobs.due(10) == [following.id]
    assert under.dumps.save(later, SavedDump(kept, is_ready=True, done_job=following.id))
    found = under.dumps.dump(dump_id)
    assert found is not None
    assert (found.state, found.rows, found.size) == ("ready", 7, 60 + 1024)
    assert (under.jobs.due(10), under.admin.audit(None, 1)[0].outcome) == ([], DONE)
    assert under.dumps.begin(dump_id) is None
    assert not under.dumps.save(later, SavedDump(kept, why="no"))


def test_a_dump_that_failed_says_why_and_stays_so(under: Under) -> None:
    dump_id, key = secrets.token_bytes(16), f"dumps/{secrets.token_hex(16)}"
    job_id = under.dumps.ask_dump(dump_id, key, deed("dump"))
    stretch = under.dumps.begin(dump_id)
    assert stretch is not None
    assert under.dumps.save(stretch, SavedDump(DumpSoFar(), why="It could not be made.", done_job=job_id))
    (dump,) = under.dumps.dumps()
    assert (dump.state, dump.why, under.jobs.due(10)) == ("failed", "It could not be made.", [])
    assert under.admin.audit(None, 1)[0].outcome == FAILED
    assert under.dumps.begin(dump_id) is None
    assert under.dumps.begin(secrets.token_bytes(16)) is None


def test_counts_are_of_everybody(under: Under) -> None:
    for admin in (True, False):
        under.put(under.session_of(under.joined(admin)), b"k1", 10)
    counts = under.admin.counts()
    assert (counts.accounts, counts.admins, counts.images, counts.bytes) == (2, 1, 2, 20)
