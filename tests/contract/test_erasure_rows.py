"""ErasureRows: one suite over the fake and MySQL; and the erasure of versions at the S3 stand-in."""

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.adapters.mysql.admin_rows import MySqlAdminRows
from chalicelib.adapters.mysql.download_rows import MySqlDownloadRows
from chalicelib.adapters.mysql.erasure_rows import MySqlErasureRows
from chalicelib.adapters.mysql.image_rows import MySqlImageRows
from chalicelib.adapters.mysql.job_rows import MySqlJobRows
from chalicelib.adapters.s3_objects import S3Objects
from chalicelib.domain.account_ports import AccountRows, ApiToken
from chalicelib.domain.accounts import Account, Principal, Scope, Way
from chalicelib.domain.admin import DONE, Deed, UserChange
from chalicelib.domain.admin_ports import AdminRows
from chalicelib.domain.download_ports import Saved
from chalicelib.domain.downloads import Making, OpenZip, Place, What
from chalicelib.domain.erasing import Erasure, State, opaque
from chalicelib.domain.erasing_ports import ErasureRows
from chalicelib.domain.errors import InvalidValueError, LastAdminError
from chalicelib.domain.images import ImageFacts
from chalicelib.domain.jobs import Removal, removal_job
from chalicelib.domain.parted import Parted
from chalicelib.domain.ports import Draft, ImageRows, JobRows
from chalicelib.services.images import no_precondition
from tests.contract.real_parts import MariaDb
from tests.fakes import ManualClock, MemoryImageRows, MemoryJobRows, MemoryStore
from tests.fakes.account_rows import MemoryAccountRows
from tests.fakes.admin_rows import MemoryAdminRows
from tests.fakes.erasure_rows import MemoryErasureRows

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DAY = 24 * 3600


def deed() -> Deed:
    """Something that an admin does."""
    return Deed(secrets.token_bytes(16), "admin@example.org", "192.0.2.1", "change user")


@dataclass(frozen=True)
class Under:
    """Rows under test; `pass_days` makes that many days go by for erasures and jobs."""

    erasures: ErasureRows
    accounts: AccountRows
    images: ImageRows
    jobs: JobRows
    admin: AdminRows
    pass_days: Callable[[float], None]

    def joined(self, admin: bool = False) -> tuple[Account, Principal]:
        """An account that is new, signed in, with two images."""
        email = f"{secrets.token_hex(6)}@example.org"
        account = Account(secrets.token_bytes(16), email, "hash", admin, disabled=False)
        assert self.accounts.create(account)
        session = secrets.token_bytes(32)
        self.accounts.begin_session(account.owner_id, session, None)
        principal = Principal("", admin, Way.SESSION, session)
        for key in (b"k1", b"k2"):
            draft = Draft(
                key,
                f"originals/{account.owner_id.hex()}/{secrets.token_hex(16)}",
                b"d" * 32,
                100,
                ImageFacts("image/png", 4, 3, 1),
            )
            intent = removal_job(secrets.token_bytes(16), [Removal(account.owner_id, draft.object_key, 0)])
            self.images.announce(intent)
            self.images.put(principal, draft, intent.id, no_precondition)
        return account, principal

    def ask(self, account: Account, days: int = 7) -> tuple[Erasure, bytes, bytes]:
        """The erasure, its job, and the hash of its receipt."""
        receipt_hash = secrets.token_bytes(32)
        return (*self.erasures.ask(secrets.token_bytes(16), receipt_hash, account.owner_id, days * DAY), receipt_hash)


@pytest.fixture(params=["fake", "mysql"])
def under(request: pytest.FixtureRequest) -> Under:
    if request.param == "mysql":
        maria: MariaDb = request.getfixturevalue("maria")
        database = maria.database()

        def pass_days(days: float) -> None:
            seconds = int(days * DAY)
            maria.execute("UPDATE erasures SET due_at = due_at - INTERVAL %s SECOND", (seconds,))
            maria.execute("UPDATE jobs SET due_at = due_at - INTERVAL %s SECOND", (seconds,))

        return Under(
            MySqlErasureRows(database),
            MySqlAccountRows(database),
            MySqlImageRows(database),
            MySqlJobRows(database),
            MySqlAdminRows(database),
            pass_days,
        )
    clock = ManualClock()
    store = MemoryStore(clock)
    accounts = MemoryAccountRows(store)
    return Under(
        MemoryErasureRows(store, accounts),
        accounts,
        MemoryImageRows(store),
        MemoryJobRows(store),
        MemoryAdminRows(store, accounts),
        lambda days: clock.advance(timedelta(days=days).total_seconds()),
    )


def test_asking_closes_the_account_and_owes_the_job_for_when_the_grace_is_over(under: Under) -> None:
    account, principal = under.joined()
    under.accounts.add_token(
        account.owner_id, b"t" * 32, ApiToken(b"i" * 16, "a script", Scope.WRITE, ManualClock().now())
    )
    assert under.erasures.holdings(account.owner_id).rows["images"] == 2
    assert under.erasures.holdings(account.owner_id).bytes == 200
    erasure, job_id, receipt_hash = under.ask(account)
    assert erasure.due_at - erasure.asked_at == timedelta(days=7)
    assert under.accounts.of(principal) is None
    assert under.accounts.tokens(account.owner_id) == []
    closed = under.accounts.of_owner(account.owner_id)
    assert closed is not None
    assert (closed.disabled, closed.erase_at) == (True, erasure.due_at)
    assert under.jobs.claim(job_id) is None
    begun = under.erasures.begin(erasure.id)
    assert begun is not None
    assert begun.state is State.ASKED
    assert under.erasures.of_receipt(receipt_hash) == erasure
    assert under.erasures.of_receipt(b"x" * 32) is None


def test_asking_twice_is_asking_once(under: Under) -> None:
    account, _ = under.joined()
    first, job_id, _ = under.ask(account)
    second, second_job, _ = under.ask(account, days=0)
    assert (second.id, second.due_at, second_job) == (first.id, first.due_at, job_id)


def test_withdrawing_opens_the_account_until_the_erasure_has_begun(under: Under) -> None:
    account, _ = under.joined()
    erasure, job_id, receipt_hash = under.ask(account)
    assert under.erasures.withdraw(account.owner_id)
    opened = under.accounts.of_owner(account.owner_id)
    assert opened is not None
    assert (opened.disabled, opened.erase_at) == (False, None)
    assert under.erasures.begin(erasure.id) is None
    assert under.erasures.of_receipt(receipt_hash) is None
    under.pass_days(8)
    assert under.jobs.claim(job_id) is None
    again, _, _ = under.ask(account, days=0)
    assert under.erasures.begin(again.id) is not None
    assert not under.erasures.withdraw(account.owner_id)


def test_who_was_disabled_by_an_admin_meanwhile_stays_out_after_withdrawing(under: Under) -> None:
    account, _ = under.joined()
    under.ask(account)
    with pytest.raises(InvalidValueError, match="asked to erase"):
        under.admin.change_user(account.owner_id, UserChange(disabled=False), deed())
    under.admin.change_user(account.owner_id, UserChange(disabled=True), deed())
    assert under.erasures.withdraw(account.owner_id)
    kept = under.accounts.of_owner(account.owner_id)
    assert kept is not None
    assert (kept.disabled, kept.erase_at) == (True, None)
    under.admin.change_user(account.owner_id, UserChange(disabled=False), deed())
    opened = under.accounts.of_owner(account.owner_id)
    assert opened is not None
    assert not opened.disabled


def test_asked_many_times_at_once_it_is_asked_once(under: Under) -> None:
    account, _ = under.joined()
    start = threading.Barrier(8)

    def ask() -> bytes:
        start.wait(30)
        return under.ask(account)[0].id

    with ThreadPoolExecutor(8) as pool:
        asked = [one.result() for one in [pool.submit(ask) for _ in range(8)]]
    assert len(set(asked)) == 1


def test_it_begins_when_it_is_due_erases_everything_and_keeps_the_receipt(under: Under) -> None:
    account, _ = under.joined()
    other, other_session = under.joined()
    erasure, job_id, receipt_hash = under.ask(account)
    under.pass_days(7.5)
    assert under.jobs.claim(job_id) is not None
    begun = under.erasures.begin(erasure.id)
    assert begun is not None
    assert (begun.state, begun.rows["images"], begun.bytes, begun.email) == (State.BEGUN, 2, 200, account.email)
    while under.erasures.erase_some(account.owner_id, 1):
        pass
    under.erasures.note(erasure.id, "versions", 3)
    under.erasures.note(erasure.id, "versions", 4)
    for _ in range(2):  # each may be done again
        under.erasures.forget(erasure.id)
    for _ in range(2):
        under.erasures.finish(erasure.id, b"a" * 16)
    done = under.erasures.of_receipt(receipt_hash)
    assert done is not None
    assert (done.state, done.email, done.rows["images"], done.erased) == (State.DONE, None, 2, {"versions": 7})
    assert set(under.erasures.holdings(account.owner_id).rows.values()) == {0}
    assert under.accounts.by_email(account.email) is None
    assert under.accounts.create(Account(b"n" * 16, account.email, "hash", admin=False, disabled=False))
    under.accounts.begin_session(other.owner_id, other_session.token_hash, None)  # a week has passed
    assert [image.key for image in under.images.page(other_session, b"", 10)] == [b"k1", b"k2"]
    assert under.accounts.by_email(other.email) == other
    assert under.jobs.claim(b"a" * 16) is None  # hours later
    under.pass_days(1)
    assert under.jobs.claim(b"a" * 16) is not None


def test_the_last_admin_stays(under: Under) -> None:
    first, session = under.joined(admin=True)
    with pytest.raises(LastAdminError):
        under.ask(first)
    assert under.accounts.of(session) is not None
    second, _ = under.joined(admin=True)
    under.ask(first)
    with pytest.raises(LastAdminError):
        under.ask(second)


def test_every_table_that_names_an_owner_is_empty_of_it_and_no_table_names_the_address(maria: MariaDb) -> None:
    database = maria.database()
    rows = MySqlErasureRows(database)
    admin = MySqlAdminRows(database)
    images, jobs = MySqlImageRows(database), MySqlJobRows(database)
    under = Under(rows, MySqlAccountRows(database), images, jobs, admin, lambda days: None)
    account, _ = under.joined()
    assert under.accounts.tried(b"account:" + account.email.encode(), 10, 900)
    admin.note(Deed(b"1" * 16, account.email, "192.0.2.1", "change user", f"{account.email}: disable"), DONE)
    erasure, _, _ = under.ask(account, days=0)
    assert rows.begin(erasure.id) is not None
    while rows.erase_some(account.owner_id, 3):
        pass
    rows.forget(erasure.id)
    rows.finish(erasure.id, b"a" * 16)
    assert admin.audit(None, 10)[0].actor == opaque(erasure.id)
    named = maria.execute(
        "SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t "
        "ON t.table_schema = c.table_schema AND t.table_name = c.table_name "
        "WHERE c.table_schema = DATABASE() AND c.column_name = 'owner_id' AND t.table_type = 'BASE TABLE'"
    )
    of_owner = "SELECT COUNT(*) FROM `{}` WHERE owner_id = %s"
    counts = {table: maria.execute(of_owner.format(table), (account.owner_id,))[0][0] for (table,) in named}
    assert {table for table, count in counts.items() if count} == {"erasures"}
    every = maria.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() "
        "AND data_type IN ('varchar', 'varbinary', 'text', 'mediumtext')"
    )
    naming = "SELECT COUNT(*) FROM `{}` WHERE LOCATE(%s, CONVERT(`{}` USING utf8mb4)) > 0"
    for table, column in every:
        assert maria.execute(naming.format(table, column), (account.email,)) == [(0,)], (table, column)


def test_what_the_log_says_of_others_stays_as_it_is(maria: MariaDb) -> None:
    database = maria.database()
    rows, admin = MySqlErasureRows(database), MySqlAdminRows(database)
    images, jobs = MySqlImageRows(database), MySqlJobRows(database)
    under = Under(rows, MySqlAccountRows(database), images, jobs, admin, lambda days: None)
    account, _ = under.joined()
    for about in (f"{account.email}: disable", f"jo.{account.email}", f"{account.email}.au"):
        admin.note(replace(deed(), about=about), DONE)
    erasure, _, _ = under.ask(account, days=0)
    assert rows.begin(erasure.id) is not None
    while rows.erase_some(account.owner_id, 100):
        pass
    rows.forget(erasure.id)
    told = [one.about for one in admin.audit(None, 3)]
    assert told == [f"{account.email}.au", f"jo.{account.email}", f"{opaque(erasure.id)}: disable"]


def test_no_zip_is_begun_once_the_erasure_knows_which_there_are(maria: MariaDb) -> None:
    database = maria.database()
    rows, downloads = MySqlErasureRows(database), MySqlDownloadRows(database)
    images, jobs = MySqlImageRows(database), MySqlJobRows(database)
    under = Under(rows, MySqlAccountRows(database), images, jobs, MySqlAdminRows(database), lambda days: None)
    account, principal = under.joined()
    asked = downloads.ask(principal, secrets.token_bytes(16), What.EXPORT, (), None)
    stretch = downloads.begin(asked.download.id)
    assert stretch is not None
    first, second = (
        OpenZip(number, Parted(f"downloads/{secrets.token_hex(32)}/images.zip", "upload"), stretch.asked_at, Place())
        for number in (1, 2)
    )
    assert downloads.save(stretch, Saved(Making(open_zip=first, zips=1)))
    erasure, _, _ = under.ask(account, days=0)
    begun = rows.begin(erasure.id)
    assert begun is not None
    assert begun.loose_keys == (first.stored.object_key,)
    assert not downloads.save(stretch, Saved(Making(open_zip=second, zips=2)))
    assert downloads.begin(asked.download.id) is None


def test_every_version_and_marker_below_a_prefix_goes_and_nothing_beside_it(s3_client: "S3Client", bucket: str) -> None:
    own = f"erased-{secrets.token_hex(8)}"
    s3_client.create_bucket(Bucket=own)
    s3_client.put_bucket_versioning(Bucket=own, VersioningConfiguration={"Status": "Enabled"})
    objects = S3Objects(s3_client, own)
    for number in range(3):
        s3_client.put_object(Bucket=own, Key="originals/aa/1", Body=b"%d" % number)
        s3_client.put_object(Bucket=own, Key=f"originals/aa/other-{number}", Body=b"x")
    s3_client.put_object(Bucket=own, Key="originals/ab/1", Body=b"another's")
    objects.remove(["originals/aa/1"])
    assert sum(len(page.get("Versions", [])) for page in _versions(s3_client, own, "originals/aa/")) == 6
    erased = [0, 0]
    for _ in range(10):
        counts = objects.erase("originals/aa/", 4)
        erased = [before + now for before, now in zip(erased, counts, strict=True)]
        if not any(counts):
            break
    assert erased == [6, 1]
    assert objects.erase("originals/aa/", 4) == (0, 0)
    left = [one["Key"] for page in _versions(s3_client, own, "") for one in page.get("Versions", [])]
    assert left == ["originals/ab/1"]
    assert objects.get("originals/ab/1") == b"another's"


def test_a_bucket_without_versions_loses_its_objects_too(s3_client: "S3Client", bucket: str) -> None:
    objects = S3Objects(s3_client, bucket)
    prefix = f"originals/{secrets.token_hex(16)}/"
    objects.put(f"{prefix}1", b"bytes", "image/png")
    assert objects.erase(prefix, 1000) == (1, 0)
    assert objects.get(f"{prefix}1") is None


def _versions(client: "S3Client", bucket: str, prefix: str) -> list[dict[str, list[dict[str, str]]]]:
    return list(client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix))  # type: ignore[arg-type]
