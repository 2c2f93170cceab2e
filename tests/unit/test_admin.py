"""What admins do: what is changed, what is refused, what the log says, and what jobs do of it."""

from dataclasses import dataclass, field, replace

import pytest

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Account, Principal, Way, hash_of
from chalicelib.domain.admin import (
    BEGUN,
    DONE,
    FAILED,
    MIB,
    MOST_QUOTA_MIB,
    REFUSED,
    UploadsBlock,
    UserChange,
    note_of,
    quota_of,
)
from chalicelib.domain.errors import (
    InvalidValueError,
    LastAdminError,
    MailUnavailableError,
    NoticesUnavailableError,
    RowsUnavailableError,
    TooManyTriesError,
    UnknownDumpError,
    UnknownUserError,
    UploadsBlockedError,
)
from chalicelib.domain.notices import SETTINGS, settings_name
from chalicelib.services.accounts import ACCOUNT_TRIES
from chalicelib.services.admin import By
from chalicelib.services.data_removal import JOB_SECONDS
from chalicelib.services.images import no_precondition
from chalicelib.services.uploads_state import KEPT_SECONDS
from tests.fakes import MemoryParts, NullStopwatch
from tests.fakes.notices import MemoryNotices

SITE, HERE, PASSWORD = "https://store.test", "192.0.2.1", "correct horse"
DAY = 24 * 3600


@dataclass
class World:
    """The services on fakes, and an admin who is signed in."""

    parts: MemoryParts = field(default_factory=MemoryParts)

    def __post_init__(self) -> None:
        self.services = self.parts.services()
        self.admin = self.services.admin
        self.first = self.joined("admin@example.org", admin=True)
        token = self.services.accounts.sign_in(self.first.email, PASSWORD, HERE, None).token
        session = Principal(self.first.email, admin=True, way=Way.SESSION, token_hash=hash_of(token))
        self.by = By(session, HERE)

    def joined(self, email: str, admin: bool = False) -> Account:
        owner_id = email.encode().ljust(16, b".")[:16]
        account = Account(owner_id, email, self.parts.passwords.hashed(PASSWORD), admin=admin, disabled=False)
        assert self.parts.account_rows.create(account)
        return account

    def put(self, key: bytes = b"k1") -> None:
        self.services.images.put(Principal("demo"), key, b"bytes of " + key, no_precondition, NullStopwatch())

    def log(self) -> list[tuple[str, str, str]]:
        """What, about what and with which outcome, oldest first."""
        return [(entry.what, entry.about, entry.outcome) for entry in self.parts.store.audit]

    def work(self) -> None:
        """The worker, until nothing is left in the queue."""
        while self.parts.queue.messages:
            self.services.worker.perform(self.parts.queue.messages.pop(0))


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("text", "size"), [("", 0), ("  ", 0), ("1", MIB), (" 25 ", 25 * MIB), (str(MOST_QUOTA_MIB), MOST_QUOTA_MIB * MIB)]
)
def test_a_quota_is_whole_mebibytes_or_none(text: str, size: int) -> None:
    assert quota_of(text) == size


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "²", "9" * 30, str(MOST_QUOTA_MIB + 1)])
def test_what_is_no_quota_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        quota_of(text)


def test_a_note_is_one_line_of_printable_text() -> None:
    assert note_of(" Back\r\n at six. ") == "Back at six."
    for text in ("x" * 201, "a\x00b"):
        with pytest.raises(InvalidValueError):
            note_of(text)
    assert UploadsBlock(True, "Back at six.").words == "Uploads are blocked for now. Back at six."


def test_each_change_of_a_user_is_done_and_in_the_log(world: World) -> None:
    ada = world.joined("ada@example.org")
    for change, words in (
        (UserChange(disabled=True), "disable"),
        (UserChange(disabled=False), "enable"),
        (UserChange(admin=True, quota_bytes=3 * MIB), "make admin, quota 3 MiB"),
        (UserChange(quota_bytes=0), "no quota"),
    ):
        world.admin.change_user(world.by, ada.owner_id, change)
        assert world.log()[-1] == (words, ada.email, DONE)
    user = world.admin.user(ada.owner_id)
    assert (user.admin, user.disabled, user.quota_bytes) == (True, False, None)
    assert world.parts.store.audit[-1].actor == world.first.email
    assert world.parts.store.audit[-1].address == HERE


def test_the_last_admin_is_refused_and_the_try_is_in_the_log(world: World) -> None:
    for change in (UserChange(disabled=True), UserChange(admin=False)):
        with pytest.raises(LastAdminError):
            world.admin.change_user(world.by, world.first.owner_id, change)
        assert world.log()[-1] == (change.words, world.first.email, REFUSED)
    assert world.admin.user(world.first.owner_id).admin


def test_nothing_to_change_and_nobody_to_change_are_refused(world: World) -> None:
    with pytest.raises(InvalidValueError):
        world.admin.change_user(world.by, world.first.owner_id, UserChange())
    with pytest.raises(UnknownUserError):
        world.admin.change_user(world.by, b"\x00" * 16, UserChange(disabled=True))


def test_a_reset_link_is_mailed_and_sets_a_new_password(world: World) -> None:
    ada = world.joined("ada@example.org")
    world.admin.mail_reset(world.by, ada.owner_id, SITE)
    to, _, text = world.parts.mail.sent[-1]
    assert to == ada.email
    world.services.accounts.reset(text.split("link=")[1].split()[0], "battery staple")
    assert world.log() == [("reset link", ada.email, DONE)]


def test_a_mail_that_is_not_sent_is_told_and_logged_and_who_is_disabled_gets_none(world: World) -> None:
    ada = world.joined("ada@example.org")
    world.parts.steps.fail("mail.send", MailUnavailableError("no"))
    with pytest.raises(MailUnavailableError):
        world.admin.mail_reset(world.by, ada.owner_id, SITE)
    assert world.log() == [("reset link", ada.email, FAILED)]
    world.admin.change_user(world.by, ada.owner_id, UserChange(disabled=True))
    with pytest.raises(InvalidValueError):
        world.admin.mail_reset(world.by, ada.owner_id, SITE)


def test_sign_up_closes_and_opens(world: World) -> None:
    world.admin.set_sign_up(world.by, False)
    assert not world.services.accounts.sign_up_open()
    world.admin.set_sign_up(world.by, True)
    assert world.services.accounts.sign_up_open()
    assert [what for what, _, _ in world.log()] == ["close sign-up", "open sign-up"]


def test_an_upload_under_way_is_refused_when_uploads_are_blocked_and_leaves_nothing(world: World) -> None:
    world.parts.steps.before("rows.put", lambda: world.admin.block_uploads(world.by, True, "Back at six."))
    with pytest.raises(UploadsBlockedError, match="Back at six"):
        world.put()
    world.services.worker.resend()
    world.work()
    assert (world.parts.objects.stored, world.parts.store.jobs) == ({}, {})
    world.admin.block_uploads(world.by, False, "forgotten")
    world.put()
    assert world.log() == [("block uploads", "Back at six.", DONE), ("unblock uploads", "", DONE)]


def test_whether_uploads_are_taken_is_kept_for_two_seconds_and_never_makes_a_page_fail(world: World) -> None:
    uploads = world.admin.uploads
    assert not uploads.now().blocked
    world.parts.store.settings["uploads"] = (2, {"blocked": True})  # by another process
    assert not uploads.now().blocked
    world.parts.clock.advance(KEPT_SECONDS)
    assert uploads.now().blocked
    world.parts.clock.advance(KEPT_SECONDS)
    world.parts.steps.stop("settings", RowsUnavailableError("down"))
    assert uploads.now().blocked
    world.parts.steps.start("settings")
    world.admin.block_uploads(world.by, False, "")
    assert not uploads.now().blocked  # this process knows at once


def test_a_dump_is_made_in_the_background_and_fetched_by_a_link_of_five_minutes(world: World) -> None:
    world.put()
    dump = world.services.dumps.ask(world.by, PASSWORD)
    assert dump.done_at is None
    with pytest.raises(UnknownDumpError, match="still"):
        world.services.dumps.link(world.by, dump.id)
    assert world.log() == [("dump", "", BEGUN)]
    world.work()
    assert world.log() == [("dump", "", DONE)]
    link = world.services.dumps.link(world.by, dump.id)
    assert link.startswith(f"https://objects.test/{dump.object_key}?")
    assert "X-Amz-Expires=300" in link
    assert dump.object_key.startswith("dumps/")
    assert len(dump.object_key.split("/")[1]) == 64
    assert [what for what, _, _ in world.log()] == ["dump", "link to a dump"]
    (shown,) = world.services.dumps.list()
    assert (shown.rows, shown.size) == (2, len(world.parts.objects.stored[dump.object_key][0]))


def test_a_dump_needs_the_password_again_and_of_many_tries_ten_are_looked_at(world: World) -> None:
    for _ in range(ACCOUNT_TRIES):
        with pytest.raises(InvalidValueError):
            world.services.dumps.ask(world.by, "wrong password")
    looked_at = world.parts.passwords.looked_at
    with pytest.raises(TooManyTriesError):
        world.services.dumps.ask(world.by, PASSWORD)
    assert world.parts.passwords.looked_at == looked_at
    assert set(world.log()) == {("dump", "", REFUSED)}
    assert (world.parts.store.dumps, world.parts.store.jobs) == ({}, {})


def test_who_has_no_account_has_no_password_to_give(world: World) -> None:
    with pytest.raises(InvalidValueError):
        world.services.dumps.ask(By(Principal("demo", admin=True), HERE), "anything")


def test_all_data_goes_in_the_background_and_accounts_stay_unless_asked_for(world: World) -> None:
    world.joined("ada@example.org")
    for number in range(5):
        world.put(b"k%d" % number)
    version = world.parts.store.owners["demo"].version
    world.parts.clock.advance(1)
    world.services.data_removal.ask(world.by, "test", accounts=False)
    assert world.log() == [("delete all data", "5 images", BEGUN)]
    world.work()
    assert (world.parts.store.images, world.parts.objects.stored, world.parts.store.jobs) == ({}, {}, {})
    assert world.parts.store.owners["demo"].version > version
    assert len(world.parts.store.accounts) == 2
    world.services.data_removal.ask(world.by, "test", accounts=True)
    world.parts.clock.advance(1)
    world.work()
    assert set(world.parts.store.accounts) == {world.first.owner_id}
    assert world.log()[-1] == ("delete all data", "0 images, 1 accounts", DONE)


def test_bytes_that_arrive_after_their_account_was_deleted_make_no_image(world: World) -> None:
    token = world.services.accounts.sign_in(world.joined("ada@example.org").email, PASSWORD, HERE, None).token
    session = Principal("", way=Way.SESSION, token_hash=hash_of(token))
    begun = [world.services.uploads.begin(session, key, "image/png", 10) for key in (b"k1", b"k2")]
    uploads = [one.upload for one in begun]
    world.parts.objects.arrive(uploads[0].incoming_key, b"an image")
    world.parts.clock.advance(1)
    world.services.data_removal.ask(world.by, "test", accounts=True)
    world.work()
    assert world.parts.objects.stored == {}
    world.parts.objects.arrive(uploads[1].incoming_key, b"an image")
    for upload in uploads:
        world.services.uploads.arrived(upload.incoming_key)
    assert (world.parts.store.images, world.parts.objects.stored) == ({}, {})


def test_an_image_that_a_person_stored_while_their_account_was_to_be_deleted_goes_too(world: World) -> None:
    token = world.services.accounts.sign_in(world.joined("ada@example.org").email, PASSWORD, HERE, None).token
    session = Principal("", way=Way.SESSION, token_hash=hash_of(token))
    world.parts.clock.advance(1)
    world.services.data_removal.ask(world.by, "test", accounts=True)
    world.parts.clock.advance(1)
    world.services.images.put(session, b"late", b"an image", no_precondition, NullStopwatch())
    world.put(b"of the built-in owner")
    world.work()
    assert [key for _, key in world.parts.store.images] == [b"of the built-in owner"]


def told_by_mail(world: World, email: str) -> Account:
    """Somebody new who is told of edits by mail."""
    account = world.joined(email)
    token = world.services.accounts.sign_in(email, PASSWORD, HERE, None).token
    world.services.notice_switch.turn_on(Principal("", way=Way.SESSION, token_hash=hash_of(token)))
    assert world.parts.notices is not None
    world.parts.notices.confirm(email)
    return account


def test_who_was_told_of_edits_by_mail_is_not_any_more_when_the_account_is_deleted() -> None:
    parts = MemoryParts()
    parts.notices = MemoryNotices(parts.steps)
    world = World(parts)
    admin = told_by_mail(world, "second@example.org")
    world.parts.store.accounts[admin.owner_id] = replace(admin, admin=True)
    told_by_mail(world, "ada@example.org")
    world.put()
    world.parts.clock.advance(1)
    world.services.data_removal.ask(world.by, "test", accounts=True)
    world.parts.steps.stop("notices", NoticesUnavailableError("away"))
    with pytest.raises(NoticesUnavailableError):
        world.work()
    assert (world.parts.store.images, world.log()[-1][2]) == ({}, BEGUN)
    world.parts.steps.start("notices")
    world.parts.queue.messages += world.parts.store.jobs
    world.work()
    assert [email for email, *_ in parts.notices.subscribed.values()] == ["second@example.org"]
    assert [name for name in world.parts.store.settings if name.startswith(SETTINGS)] == [settings_name(admin.owner_id)]
    assert world.log()[-1][2] == DONE


def test_the_store_s_name_must_be_typed(world: World) -> None:
    world.put()
    for name in ("", "Test", "production"):
        with pytest.raises(InvalidValueError):
            world.services.data_removal.ask(world.by, name, accounts=True)
    assert set(world.log()) == {("delete all data", "1 images, 0 accounts", REFUSED)}
    assert len(world.parts.store.images) == 1
    assert jobs.REMOVE_DATA not in {row.job.kind for row in world.parts.store.jobs.values()}


def test_what_is_stored_after_it_was_asked_for_stays_however_late_the_job_comes(world: World) -> None:
    world.put(b"old")
    world.parts.clock.advance(1)
    world.services.data_removal.ask(world.by, "test", accounts=False)
    world.parts.clock.advance(3600)
    world.put(b"new")
    world.work()
    assert [key for _, key in world.parts.store.images] == [b"new"]


def test_a_long_removal_goes_on_in_a_following_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        world.put(b"k%d" % number)
    world.parts.clock.advance(1)
    monkeypatch.setattr("chalicelib.services.data_removal.BATCH", 1)
    removed = world.parts.admin_rows.remove_images

    def slow(*args: object) -> int:
        world.parts.clock.advance(JOB_SECONDS / 2)
        return removed(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(world.parts.admin_rows, "remove_images", slow)
    world.work()
    world.services.data_removal.ask(world.by, "test", accounts=False)
    (job_id,) = world.parts.queue.messages
    world.services.worker.perform(job_id)
    assert len(world.parts.store.images) == 3
    assert world.log()[-1][2] == BEGUN
    world.work()
    assert (world.parts.store.images, world.parts.objects.stored, world.parts.store.jobs) == ({}, {}, {})
    assert world.log()[-1][2] == DONE
