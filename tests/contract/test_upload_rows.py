"""UploadRows and AnswerRows: the same suite over the fakes and over MySQL."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest

from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.adapters.mysql.idempotency_rows import MySqlAnswerRows
from chalicelib.adapters.mysql.settings_rows import MySqlSettingsRows
from chalicelib.adapters.mysql.upload_rows import MySqlUploadRows
from chalicelib.domain.account_ports import AccountRows
from chalicelib.domain.accounts import Account, Principal, Way
from chalicelib.domain.admin import BLOCKED, NOTE, UPLOADS
from chalicelib.domain.errors import (
    DoneBeforeError,
    IdempotencyKeyReusedError,
    NotSignedInError,
    PreconditionError,
    QuotaError,
    RowsUnavailableError,
    StoreError,
    UnknownUploadError,
    UploadsBlockedError,
    UploadsClosedError,
)
from chalicelib.domain.idempotency import Asked, Note, asked_by
from chalicelib.domain.images import Image
from chalicelib.domain.keys import IfTaken
from chalicelib.domain.ports import Draft, SettingsRows, Written
from chalicelib.domain.upload_ports import AnswerRows, Ended, UploadRows
from chalicelib.domain.uploads import FORM_SECONDS, NewUpload, Upload, UploadState
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import (
    DEMO,
    HOUR,
    RowsUnderTest,
    draft_of,
    memory_rows_of,
    mysql_rows,
    no_precondition,
)
from tests.fakes import ManualClock, MemoryStore
from tests.fakes.account_rows import MemoryAccountRows
from tests.fakes.answers import MemoryAnswerRows
from tests.fakes.settings_rows import MemorySettingsRows
from tests.fakes.upload_rows import MemoryUploadRows

ASKED = asked_by("a key", b"a request")


@dataclass(frozen=True)
class Under:
    """Rows under test over one store; `pass_time` makes so many seconds go by for uploads and answers."""

    rows: UploadRows
    answers: AnswerRows
    others: RowsUnderTest
    accounts: AccountRows
    disable: Callable[[Account], None]
    forget: Callable[[Account], None]  # deletes the account, and leaves its owner and uploads
    pass_time: Callable[[float], None]
    quota: Callable[[Account, int], object]
    settings: SettingsRows

    def block(self) -> None:
        """What an admin does who blocks uploads."""
        assert self.settings.write(UPLOADS, self.settings.read(UPLOADS)[0], {BLOCKED: True, NOTE: ""})

    def begun(self, key: bytes = b"k1", principal: Principal = DEMO) -> Upload:
        return self.rows.begin(principal, new_upload(key))

    def finish(self, upload: Upload, draft: Draft | None = None) -> tuple[Draft, Ended]:
        """Ends the upload with a fresh object."""
        drafted = draft or draft_of(upload.key)
        return drafted, self.rows.finish(upload, drafted, self.others.announced(drafted).id)

    def image(self, key: bytes = b"k1") -> Image | None:
        return self.others.images.row(DEMO, key).image

    def owner_version(self) -> int:
        return self.others.images.owner(DEMO).version


@pytest.fixture(params=["memory", "mysql"])
def under(request: pytest.FixtureRequest) -> Under:
    if request.param == "memory":
        store = MemoryStore(ManualClock())

        def disable(account: Account) -> None:
            store.accounts[account.owner_id] = replace(account, disabled=True)

        def forget(account: Account) -> None:
            store.sessions.clear()
            del store.accounts[account.owner_id]

        return Under(
            MemoryUploadRows(store),
            MemoryAnswerRows(store),
            memory_rows_of(store),
            MemoryAccountRows(store),
            disable,
            forget,
            store.clock.advance,
            lambda account, size: store.quotas.update({account.owner_id: size}),
            MemorySettingsRows(store),
        )
    maria: MariaDb = request.getfixturevalue("maria")
    database = maria.database()

    def disable_row(account: Account) -> None:
        maria.execute("UPDATE accounts SET disabled_at = UTC_TIMESTAMP(6) WHERE owner_id = %s", (account.owner_id,))

    def forget_rows(account: Account) -> None:
        maria.execute("DELETE FROM sessions WHERE owner_id = %s", (account.owner_id,))
        maria.execute("DELETE FROM accounts WHERE owner_id = %s", (account.owner_id,))

    def pass_time(seconds: float) -> None:
        maria.execute("UPDATE uploads SET ends_at = ends_at - INTERVAL %s SECOND", (seconds,))
        maria.execute("UPDATE idempotency_keys SET created_at = created_at - INTERVAL %s SECOND", (seconds,))

    return Under(
        MySqlUploadRows(database),
        MySqlAnswerRows(database),
        mysql_rows(maria),
        MySqlAccountRows(database),
        disable_row,
        forget_rows,
        pass_time,
        lambda account, size: maria.execute(
            "UPDATE accounts SET quota_bytes = %s WHERE owner_id = %s", (size, account.owner_id)
        ),
        MySqlSettingsRows(database),
    )


def new_upload(key: bytes = b"k1") -> NewUpload:
    return NewUpload(secrets.token_bytes(16), key, "image/png", 1000)


def signed_in(under: Under) -> tuple[Account, Principal]:
    """An account and a session of it."""
    owner_id, token_hash = secrets.token_bytes(16), secrets.token_bytes(32)
    account = Account(owner_id, f"{owner_id.hex()}@example.org", "hash", admin=False, disabled=False)
    assert under.accounts.create(account)
    under.accounts.begin_session(owner_id, token_hash, None)
    return account, Principal("", way=Way.SESSION, token_hash=token_hash)


def test_an_upload_is_found_as_it_was_begun(under: Under) -> None:
    new = new_upload("schlüssel ".encode())
    upload = under.rows.begin(DEMO, new)
    assert under.rows.of(DEMO, new.id) == under.rows.at(upload.incoming_key) == upload
    assert (upload.key, upload.media_type, upload.size_limit) == (new.key, "image/png", 1000)
    assert upload.state is UploadState.WAITING
    assert upload.incoming_key == f"incoming/{upload.owner_id.hex()}/{new.id.hex()}"
    assert (upload.ends_at - upload.created_at).total_seconds() == 24 * HOUR
    assert (upload.refusal, upload.object_key, upload.sha256, upload.duplicate_of) == (None, None, None, None)


def test_no_more_is_let_come_than_may_be_there_in_all(under: Under) -> None:
    account, session = signed_in(under)
    under.quota(account, 2500)
    first, second = under.begun(principal=session), under.begun(principal=session)  # 1000 bytes each
    with pytest.raises(QuotaError, match="2,000 are on their way"):
        under.begun(principal=session)
    under.begun()  # another owner's are not counted
    assert under.rows.refuse(second, "no image", secrets.token_bytes(16)).upload.state is UploadState.REFUSED
    under.begun(principal=session)  # in place of the one that ended
    with pytest.raises(QuotaError):
        under.begun(principal=session)
    under.pass_time(FORM_SECONDS + 1)  # nothing can be sent by those forms any more
    under.begun(principal=session)
    assert under.rows.of(session, first.id) is not None


def test_what_was_never_begun_is_not_found(under: Under) -> None:
    assert under.rows.of(DEMO, secrets.token_bytes(16)) is None
    assert under.rows.at("incoming/" + "0" * 32 + "/" + "0" * 32) is None


def test_nobody_but_its_owner_finds_an_upload(under: Under) -> None:
    _, session = signed_in(under)
    mine, demos = under.begun(principal=session), under.begun()
    assert under.rows.of(session, mine.id) == mine
    assert under.rows.of(DEMO, mine.id) is None
    assert under.rows.of(session, demos.id) is None


def test_whoever_is_not_signed_in_begins_and_finds_nothing(under: Under) -> None:
    nobody = Principal("", way=Way.SESSION, token_hash=secrets.token_bytes(32))
    upload = under.begun()
    with pytest.raises(NotSignedInError):
        under.rows.begin(nobody, new_upload())
    with pytest.raises(NotSignedInError):
        under.rows.of(nobody, upload.id)
    with pytest.raises(NotSignedInError):
        under.answers.kept(nobody, ASKED)


def test_a_finished_upload_is_the_image_and_owes_the_removal_of_what_came(under: Under) -> None:
    upload, before = under.begun(), under.owner_version()
    draft, ended = under.finish(upload)
    image = under.image()
    assert image is not None
    assert (image.object_key, image.sha256, image.size, image.facts) == (
        draft.object_key,
        draft.sha256,
        draft.size,
        draft.facts,
    )
    assert under.owner_version() == before + 1
    assert ended.upload == under.rows.of(DEMO, upload.id)
    assert ended.upload.state is UploadState.DONE
    assert (ended.upload.object_key, ended.upload.sha256) == (draft.object_key, draft.sha256)
    (removal,) = under.others.without_rendering(ended.jobs)
    assert under.others.removed_by(removal) == [upload.incoming_key]
    assert under.others.jobs.due(10) == [removal]  # the intent is withdrawn


def test_a_finished_upload_replaces_the_image_that_had_its_key(under: Under) -> None:
    old = under.others.put(b"k1").image
    _, ended = under.finish(upload := under.begun())
    removed = [key for job_id in under.others.without_rendering(ended.jobs) for key in under.others.removed_by(job_id)]
    assert sorted(removed) == sorted([old.object_key, upload.incoming_key])


def finish_as(under: Under, if_taken: IfTaken, like: Image | None = None) -> tuple[Draft, Upload]:
    """Ends an upload for the key k1, of the bytes of `like`."""
    upload = under.rows.begin(DEMO, replace(new_upload(), if_taken=if_taken))
    assert under.rows.of(DEMO, upload.id) == under.rows.at(upload.incoming_key) == upload
    assert upload.if_taken is if_taken
    draft = replace(draft_of(b"k1"), if_taken=if_taken)
    draft, ended = under.finish(upload, draft if like is None else replace(draft, sha256=like.sha256))
    removed = [key for job_id in under.others.without_rendering(ended.jobs) for key in under.others.removed_by(job_id)]
    assert removed == ([] if ended.upload.object_key else [draft.object_key]) + [upload.incoming_key]
    assert ended.upload == under.rows.of(DEMO, upload.id)
    return draft, ended.upload


def test_an_upload_that_keeps_both_is_an_image_under_the_next_free_name(under: Under) -> None:
    old = under.others.put(b"k1").image
    draft, ended = finish_as(under, IfTaken.KEEP_BOTH)
    assert (ended.key, ended.image_key, ended.object_key) == (b"k1", b"k1 (2)", draft.object_key)
    assert under.image(b"k1") == old
    kept = under.image(b"k1 (2)")
    assert kept is not None
    assert kept.object_key == draft.object_key


def test_an_upload_that_keeps_both_stores_no_bytes_a_second_time(under: Under) -> None:
    old = under.others.put(b"k1").image
    _, ended = finish_as(under, IfTaken.KEEP_BOTH, old)
    assert (ended.state, ended.object_key, ended.sha256) == (UploadState.DONE, None, old.sha256)
    assert (ended.image_key, ended.duplicate_of) == (b"k1", b"k1")
    assert under.others.images.keys(DEMO) == [b"k1"]
    other = finish_as(under, IfTaken.KEEP_BOTH)[1]
    kept = under.image(other.image_key)
    _, again = finish_as(under, IfTaken.KEEP_BOTH, kept)
    assert (again.key, again.image_key, again.duplicate_of) == (b"k1", b"k1 (2)", b"k1 (2)")


def test_an_upload_whose_key_was_free_keeps_it(under: Under) -> None:
    _, ended = finish_as(under, IfTaken.KEEP_BOTH)
    assert (ended.image_key, ended.stored_key) == (b"k1", None)


def test_an_upload_that_must_be_new_is_not_begun_or_finished_where_its_key_is_taken(under: Under) -> None:
    upload = under.rows.begin(DEMO, replace(new_upload(), if_taken=IfTaken.REFUSE))
    old = under.others.put(b"k1").image  # meanwhile
    with pytest.raises(PreconditionError):
        under.finish(upload, replace(draft_of(b"k1"), if_taken=IfTaken.REFUSE))
    assert under.rows.of(DEMO, upload.id) == upload
    with pytest.raises(PreconditionError):
        under.rows.begin(DEMO, replace(new_upload(), if_taken=IfTaken.REFUSE))
    assert under.image() == old


def test_of_uploads_for_one_key_that_end_at_once_all_are_kept(under: Under) -> None:
    uploads = [under.rows.begin(DEMO, replace(new_upload(), if_taken=IfTaken.KEEP_BOTH)) for _ in range(6)]

    def finish(upload: Upload) -> bytes:
        return under.finish(upload, replace(draft_of(b"k1"), if_taken=IfTaken.KEEP_BOTH))[1].upload.image_key

    with ThreadPoolExecutor(6) as pool:
        keys = list(pool.map(finish, uploads))
    assert sorted(keys) == [b"k1", *(b"k1 (%d)" % number for number in range(2, 7))]
    assert under.others.images.keys(DEMO) == sorted(keys)


def test_nothing_that_was_begun_before_is_finished_while_uploads_are_blocked(under: Under) -> None:
    old = under.others.put(b"k1").image
    uploads = [under.rows.begin(DEMO, replace(new_upload(), if_taken=one)) for one in IfTaken if one != IfTaken.REFUSE]
    under.block()
    for upload in uploads:
        for sha256 in (secrets.token_bytes(32), old.sha256):
            draft = replace(draft_of(b"k1"), if_taken=upload.if_taken, sha256=sha256)
            intent = under.others.announced(draft)
            with pytest.raises(UploadsBlockedError):
                under.rows.finish(upload, draft, intent.id)
            under.others.images.abandon(intent.id)  # what was stored for it is to go
            assert under.others.removed_by(intent.id) == [draft.object_key]
        assert under.rows.of(DEMO, upload.id) == upload
    with pytest.raises(UploadsBlockedError):
        under.begun(b"k2")
    assert (under.others.images.keys(DEMO), under.image()) == ([b"k1"], old)


def test_an_upload_is_finished_once(under: Under) -> None:
    upload = under.begun()
    draft, _ = under.finish(upload)
    late, before = draft_of(b"k1"), under.owner_version()
    intent = under.others.announced(late)
    with pytest.raises(DoneBeforeError):
        under.rows.finish(upload, late, intent.id)
    image = under.image()
    assert image is not None
    assert image.object_key == draft.object_key
    assert under.owner_version() == before
    under.others.images.abandon(intent.id)  # the late object is to go
    assert under.others.removed_by(intent.id) == [late.object_key]


def test_of_many_that_finish_at_once_one_does(under: Under) -> None:
    upload = under.begun()

    def finish(_: int) -> str:
        try:
            return under.finish(upload)[0].object_key
        except (DoneBeforeError, RowsUnavailableError):
            return ""

    with ThreadPoolExecutor(8) as pool:
        finished = [key for key in pool.map(finish, range(8)) if key]
    image = under.image()
    assert image is not None
    assert finished == [image.object_key]


def test_an_upload_whose_intent_was_acted_on_is_not_finished(under: Under) -> None:
    upload, draft = under.begun(), draft_of(b"k1")
    intent = under.others.announced(draft)
    under.others.images.abandon(intent.id)
    assert under.others.jobs.claim(intent.id) is not None
    with pytest.raises(RowsUnavailableError):
        under.rows.finish(upload, draft, intent.id)
    assert under.image() is None
    assert under.rows.of(DEMO, upload.id) == upload


def test_the_same_bytes_under_another_key_are_named(under: Under) -> None:
    first, _ = under.finish(under.begun(b"b"))
    under.finish(under.begun(b"c"), replace(draft_of(b"c"), sha256=first.sha256))
    _, again = under.finish(under.begun(b"b"), replace(draft_of(b"b"), sha256=first.sha256))
    assert again.upload.duplicate_of == b"c"
    _, third = under.finish(under.begun(b"a"), replace(draft_of(b"a"), sha256=first.sha256))
    assert third.upload.duplicate_of == b"b"
    _, other = under.finish(under.begun(b"d"))
    assert other.upload.duplicate_of is None


def test_the_same_bytes_that_the_key_had_already_are_named_if_no_other_has_them(under: Under) -> None:
    first, _ = under.finish(under.begun(b"b"))
    _, again = under.finish(under.begun(b"b"), replace(draft_of(b"b"), sha256=first.sha256))
    assert again.upload.duplicate_of == b"b"
    _, another = under.finish(under.begun(b"b"))
    assert another.upload.duplicate_of is None


def test_another_owner_s_same_bytes_are_not_named(under: Under) -> None:
    _, session = signed_in(under)
    first, _ = under.finish(under.begun(b"a"))
    upload = under.begun(b"b", session)
    _, ended = under.finish(upload, replace(draft_of(b"b"), sha256=first.sha256))
    assert ended.upload.duplicate_of is None


@pytest.mark.parametrize("closed", [True, False])
def test_nothing_is_taken_for_an_account_that_is_closed_or_gone(under: Under, closed: bool) -> None:
    """The owner's row of one that is gone stays. It must not pass for a built-in owner, which never had an account."""
    account, session = signed_in(under)
    upload = under.begun(principal=session)
    (under.disable if closed else under.forget)(account)
    with pytest.raises(UploadsClosedError):
        under.finish(upload)
    under.rows.refuse(upload, "closed", secrets.token_bytes(16))  # it still ends
    under.finish(under.begun())  # a built-in owner's is taken


def test_a_refused_upload_says_why_and_owes_the_removal_of_what_came(under: Under) -> None:
    upload, job_id = under.begun(), secrets.token_bytes(16)
    ended = under.rows.refuse(upload, "Not an image – ✗", job_id)
    assert ended.upload == under.rows.of(DEMO, upload.id)
    assert (ended.upload.state, ended.upload.refusal) == (UploadState.REFUSED, "Not an image – ✗")
    assert ended.jobs == (job_id,)
    assert under.others.removed_by(job_id) == [upload.incoming_key]


def test_how_an_upload_ended_stands(under: Under) -> None:
    refused, done = under.begun(), under.begun(b"k2")
    under.rows.refuse(refused, "first", secrets.token_bytes(16))
    assert under.rows.refuse(refused, "second", secrets.token_bytes(16)).upload.refusal == "first"
    with pytest.raises(DoneBeforeError):
        under.finish(refused)
    under.finish(done)
    late = under.rows.refuse(done, "late", secrets.token_bytes(16))
    assert (late.upload.state, late.jobs) == (UploadState.DONE, ())


def test_uploads_are_forgotten_a_day_after_their_end(under: Under) -> None:
    old = under.begun()
    under.pass_time(47 * HOUR)
    kept = under.begun()
    assert under.rows.of(DEMO, old.id) is not None
    under.pass_time(2 * HOUR)
    under.begun()
    assert under.rows.of(DEMO, old.id) is None
    assert under.rows.of(DEMO, kept.id) is not None
    with pytest.raises(UnknownUploadError):
        under.finish(old)
    with pytest.raises(UnknownUploadError):
        under.rows.refuse(old, "no", secrets.token_bytes(16))
    assert under.image() is None


def begin_as(under: Under, asked: Asked, principal: Principal = DEMO) -> Upload:
    note: Note[Upload] = Note(asked, lambda upload: upload.id.hex())
    return under.rows.begin(principal, new_upload(), note)


def test_a_beginning_is_kept_with_its_answer(under: Under) -> None:
    assert under.answers.kept(DEMO, ASKED) is None
    upload = begin_as(under, ASKED)
    assert under.answers.kept(DEMO, ASKED) == upload.id.hex()
    with pytest.raises(DoneBeforeError):
        begin_as(under, ASKED)


def test_a_write_is_kept_with_its_answer_and_done_once(under: Under) -> None:
    note: Note[Written] = Note(ASKED, lambda written: f"{written.image.object_key} {written.created}")
    draft, late = draft_of(b"k1"), draft_of(b"k1")
    under.others.images.put(DEMO, draft, under.others.announced(draft).id, no_precondition, note)
    assert under.answers.kept(DEMO, ASKED) == f"{draft.object_key} True"
    intent = under.others.announced(late)
    with pytest.raises(DoneBeforeError):
        under.others.images.put(DEMO, late, intent.id, no_precondition, note)
    image = under.image()
    assert image is not None
    assert image.object_key == draft.object_key
    under.others.images.abandon(intent.id)
    assert under.others.removed_by(intent.id) == [late.object_key]


def test_a_key_that_came_with_another_request_is_refused(under: Under) -> None:
    begin_as(under, ASKED)
    other = asked_by("a key", b"another request")
    with pytest.raises(IdempotencyKeyReusedError):
        under.answers.kept(DEMO, other)
    with pytest.raises(IdempotencyKeyReusedError):
        begin_as(under, other)


def test_the_keys_of_two_owners_have_nothing_to_do_with_each_other(under: Under) -> None:
    _, session = signed_in(under)
    begin_as(under, ASKED)
    assert under.answers.kept(session, ASKED) is None
    begin_as(under, asked_by("a key", b"another request"), session)


def test_an_answer_is_kept_for_a_day(under: Under) -> None:
    begin_as(under, ASKED)
    under.pass_time(23 * HOUR)
    assert under.answers.kept(DEMO, ASKED) is not None
    under.pass_time(2 * HOUR)
    assert under.answers.kept(DEMO, ASKED) is None
    assert begin_as(under, asked_by("a key", b"another request"))


def test_of_many_same_requests_at_once_one_is_done(under: Under) -> None:
    def begin(_: int) -> str:
        try:
            return begin_as(under, ASKED).id.hex()
        except StoreError:
            return ""

    with ThreadPoolExecutor(8) as pool:
        done = [name for name in pool.map(begin, range(8)) if name]
    assert done == [under.answers.kept(DEMO, ASKED)]
