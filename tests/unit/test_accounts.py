"""Accounts: what is answered, what is mailed, what ends sessions, and what is counted."""

import re
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.domain.account_ports import FIRST_ADMIN, RESET, VERIFY
from chalicelib.domain.accounts import TRIES_SECONDS, Principal, Way, email_of, hash_of, password_of
from chalicelib.domain.errors import (
    InvalidValueError,
    MailUnavailableError,
    NotFoundError,
    NotSignedInError,
    RowsUnavailableError,
    TooManyTriesError,
)
from chalicelib.domain.jobs import ACCOUNT_MAIL, account_mail_of
from chalicelib.services.account_mails import MAIL_TRIES, AccountMails
from chalicelib.services.accounts import ACCOUNT_TRIES, Accounts, SignedIn
from chalicelib.services.sending import Sending
from tests.fakes.account_rows import MemoryAccountRows
from tests.fakes.job_rows import MemoryJobRows
from tests.fakes.mail import MemoryMail, PlainPasswords
from tests.fakes.queue import MemoryQueue
from tests.fakes.settings_rows import MemorySettingsRows
from tests.fakes.store import MemoryStore

SITE, HERE = "https://store.test", "192.0.2.1"
EMAIL, PASSWORD, OTHER = "ada@example.org", "correct horse", "battery staple"


@dataclass
class World:
    """Accounts on fakes."""

    store: MemoryStore = field(default_factory=MemoryStore)

    def __post_init__(self) -> None:
        self.mail, self.passwords, self.queue = MemoryMail(), PlainPasswords(), MemoryQueue()
        rows, job_rows = MemoryAccountRows(self.store), MemoryJobRows(self.store)
        self.rows = rows
        sending, settings = Sending(job_rows, self.queue), MemorySettingsRows(self.store)
        self.accounts = Accounts(rows, self.passwords, sending, self.store.clock, settings)
        self.mails, self.job_rows = AccountMails(rows, self.mail, job_rows), job_rows

    def work(self) -> None:
        """Mails what is owed."""
        while self.queue.messages:
            job = self.job_rows.claim(self.queue.messages.pop(0))
            assert job is not None
            self.mails.perform(job)

    def link(self) -> str:
        """The secret in the mail that was sent last, once what is owed was sent."""
        self.work()
        found = re.search(r"link=(\S+)", self.mail.sent[-1][2])
        assert found is not None
        return found[1]

    def signed_up(self, email: str = EMAIL) -> SignedIn:
        self.accounts.sign_up(email, PASSWORD, SITE, HERE)
        return self.accounts.verify(self.link(), PASSWORD, None)

    def sign_in(self, password: str = PASSWORD, before: str | None = None) -> SignedIn:
        return self.accounts.sign_in(EMAIL, password, HERE, before)


def by_session(signed_in: SignedIn) -> Principal:
    return Principal("", way=Way.SESSION, token_hash=hash_of(signed_in.token))


def test_an_account_is_made_by_who_reads_its_mail() -> None:
    world = World()
    world.accounts.sign_up(" Ada@Example.org ", PASSWORD, SITE, HERE)
    assert world.store.accounts == {}
    world.work()
    assert (world.mail.sent[0][0], f"{SITE}/verify?link=" in world.mail.sent[0][2]) == (EMAIL, True)
    with pytest.raises(NotSignedInError):
        world.sign_in()
    signed_in = world.accounts.verify(world.link(), PASSWORD, None)
    assert world.accounts.of(by_session(signed_in)).email == EMAIL


def test_a_link_is_good_once() -> None:
    world = World()
    world.signed_up()
    with pytest.raises(NotFoundError):
        world.accounts.verify(world.link(), PASSWORD, None)


def test_nobody_gets_their_password_into_an_account_that_another_verifies() -> None:
    world = World()
    world.accounts.sign_up(EMAIL, PASSWORD, SITE, HERE)
    world.accounts.sign_up(EMAIL, "the attacker's own", SITE, "198.51.100.1")
    with pytest.raises(InvalidValueError):
        world.accounts.verify(world.link(), PASSWORD, None)  # the attacker's link, opened by who reads the mail
    assert world.store.accounts == {}


def test_a_known_address_is_answered_as_an_unknown_one_and_told_by_mail() -> None:
    world = World()
    world.signed_up()
    world.accounts.sign_up(EMAIL, OTHER, SITE, HERE)
    world.work()
    assert "an account already" in world.mail.sent[-1][1]
    with pytest.raises(NotSignedInError):
        world.sign_in(OTHER)
    world.sign_in(PASSWORD)


def test_wrong_and_unknown_are_one_answer_and_both_look_at_a_password() -> None:
    world = World()
    world.signed_up()
    before, said = world.passwords.looked_at, []
    for email in (EMAIL, "nobody@example.org", "not an address"):
        with pytest.raises(NotSignedInError) as refused:
            world.accounts.sign_in(email, "wrong password", HERE, None)
        said.append(str(refused.value))
    assert len(set(said)) == 1
    assert world.passwords.looked_at - before == 3


def test_of_a_thousand_wrong_passwords_ten_are_looked_at_and_a_live_session_stays() -> None:
    world = World()
    signed_in = world.signed_up()
    before = world.passwords.looked_at
    for number in range(1000):
        with pytest.raises((NotSignedInError, TooManyTriesError)):
            world.accounts.sign_in(EMAIL, f"wrong {number}", f"192.0.2.{number % 250}", None)
    assert world.passwords.looked_at - before == ACCOUNT_TRIES
    assert world.accounts.of(by_session(signed_in)).email == EMAIL
    with pytest.raises(TooManyTriesError):
        world.sign_in()
    world.store.clock.advance(TRIES_SECONDS + 1)
    world.sign_in()


def test_tries_of_strangers_keep_nobody_who_is_signed_in_from_giving_the_password() -> None:
    world = World()
    session = by_session(world.signed_up())
    for number in range(200):  # of the account, and from the very address that its owner is at
        with pytest.raises((NotSignedInError, TooManyTriesError)):
            world.accounts.sign_in(EMAIL if number % 2 else f"{number}@example.org", "wrong", HERE, None)
    world.accounts.confirm(session, PASSWORD)
    world.accounts.change_password(session, PASSWORD, OTHER)
    with pytest.raises(TooManyTriesError):
        world.sign_in(OTHER)


def test_of_many_wrong_passwords_given_in_a_session_or_by_its_tokens_ten_are_looked_at() -> None:
    world = World()
    thief, owner = by_session(world.signed_up()), by_session(world.sign_in())
    before = world.passwords.looked_at
    for number in range(100):
        token, secret = world.accounts.make_token(thief, "another", "write")
        by = (thief, Principal("", way=Way.TOKEN, token_hash=hash_of(secret)))[number % 2]
        with pytest.raises((InvalidValueError, TooManyTriesError)):
            if number % 3:
                world.accounts.confirm(by, f"wrong {number}")
            else:
                world.accounts.change_password(thief, f"wrong {number}", OTHER)
        world.accounts.revoke_token(thief, token.id)
    assert world.passwords.looked_at - before == ACCOUNT_TRIES
    with pytest.raises(TooManyTriesError):
        world.accounts.confirm(owner, PASSWORD)
    world.accounts.sign_out_everywhere(owner)  # which needs none
    world.store.clock.advance(TRIES_SECONDS + 1)
    world.accounts.confirm(by_session(world.sign_in()), PASSWORD)


def test_the_right_password_lets_one_try_as_often_again() -> None:
    world = World()
    session = by_session(world.signed_up())
    for number in range(3 * ACCOUNT_TRIES):
        if number % ACCOUNT_TRIES == ACCOUNT_TRIES - 1:
            world.accounts.confirm(session, PASSWORD)
        else:
            with pytest.raises(InvalidValueError):
                world.accounts.confirm(session, "wrong")


def test_an_address_that_tries_many_accounts_is_stopped_too() -> None:
    world = World()
    for number in range(1000):
        with pytest.raises((NotSignedInError, TooManyTriesError)):
            world.accounts.sign_in(f"{number}@example.org", "wrong", HERE, None)
    assert world.passwords.looked_at == 50


def test_signing_out_ends_the_session_and_everywhere_ends_all() -> None:
    world = World()
    one, two = world.signed_up(), world.sign_in()
    world.accounts.sign_out(by_session(one))
    with pytest.raises(NotSignedInError):
        world.accounts.of(by_session(one))
    three = world.sign_in()
    world.accounts.sign_out_everywhere(by_session(three))
    for session in (two, three):
        with pytest.raises(NotSignedInError):
            world.accounts.of(by_session(session))


def test_signing_in_ends_the_session_that_the_browser_had() -> None:
    world = World()
    one = world.signed_up()
    world.sign_in(before=one.token)
    with pytest.raises(NotSignedInError):
        world.accounts.of(by_session(one))


def test_a_session_ends_when_idle_and_in_any_case() -> None:
    world = World()
    idle = world.signed_up()
    world.store.clock.advance(30 * 60 + 1)
    with pytest.raises(NotSignedInError):
        world.accounts.of(by_session(idle))
    busy = world.sign_in()
    for _ in range(12 * 3):
        world.store.clock.advance(20 * 60 - 1)
        world.accounts.of(by_session(busy))
    world.store.clock.advance(60)
    with pytest.raises(NotSignedInError):
        world.accounts.of(by_session(busy))


def test_a_changed_password_ends_every_other_session() -> None:
    world = World()
    here, there = world.signed_up(), world.sign_in()
    with pytest.raises(InvalidValueError):
        world.accounts.change_password(by_session(here), "wrong", OTHER)
    world.accounts.change_password(by_session(here), PASSWORD, OTHER)
    assert world.accounts.of(by_session(here)).email == EMAIL
    with pytest.raises(NotSignedInError):
        world.accounts.of(by_session(there))
    world.sign_in(OTHER)


def test_a_reset_is_mailed_only_where_there_is_an_account_and_is_good_once() -> None:
    world = World()
    world.accounts.ask_reset("nobody@example.org", SITE, HERE)
    world.work()
    assert (world.mail.sent, world.store.jobs) == ([], {})
    before = world.signed_up()
    world.accounts.ask_reset(EMAIL, SITE, HERE)
    link = world.link()
    with pytest.raises(InvalidValueError) as refused:
        world.accounts.reset(link, "short")
    assert refused.value.field == "new_password"
    world.accounts.reset(link, OTHER)  # what was refused did not use it up
    with pytest.raises(NotFoundError):
        world.accounts.reset(link, PASSWORD)
    with pytest.raises(NotSignedInError):
        world.accounts.of(by_session(before))
    world.sign_in(OTHER)


KNOWN, UNKNOWN, NO_ADDRESS = EMAIL, "nobody@example.org", "no address"


@pytest.mark.parametrize("email", [KNOWN, UNKNOWN, NO_ADDRESS])
def test_asking_for_a_reset_does_the_same_for_every_address(email: str) -> None:
    world = World()
    world.signed_up()
    before = len(world.store.steps.taken)
    world.accounts.ask_reset(email, SITE, HERE)
    steps = ["accounts.tried", "accounts.tried", "accounts.owe_mail", "jobs.mark_sent"]
    assert world.store.steps.taken[before:] == steps
    (job,) = (row.job for row in world.store.jobs.values())
    assert (job.kind, email in job.body) == (ACCOUNT_MAIL, False)


@pytest.mark.parametrize("email", [KNOWN, UNKNOWN])
def test_signing_up_does_the_same_for_every_address(email: str) -> None:
    world = World()
    world.signed_up()
    before = len(world.store.steps.taken)
    world.accounts.sign_up(email, PASSWORD, SITE, HERE)
    steps = ["settings.read", "accounts.tried", "accounts.tried", "accounts.owe_mail", "jobs.mark_sent"]
    assert world.store.steps.taken[before:] == steps


def test_while_mail_is_down_what_was_asked_for_is_owed_and_mailed_once_it_is_back() -> None:
    world = World()
    world.signed_up()
    world.mail.steps.stop("mail", MailUnavailableError("down"))
    world.accounts.ask_reset(KNOWN, SITE, HERE)
    with pytest.raises(MailUnavailableError):
        world.work()
    assert len(world.store.jobs) == 1
    world.mail.steps.start("mail")
    world.queue.messages += world.store.jobs
    sent = len(world.mail.sent)
    world.accounts.reset(world.link(), OTHER)
    assert (len(world.mail.sent) - sent, world.store.jobs) == (1, {})


def test_a_mail_that_is_refused_each_time_is_given_up() -> None:
    world = World()
    world.signed_up()
    world.mail.steps.stop("mail", MailUnavailableError("refused"))
    world.accounts.ask_reset(KNOWN, SITE, HERE)
    (job_id,) = world.store.jobs
    for _ in range(MAIL_TRIES):
        world.queue.messages[:] = [job_id]
        with pytest.raises(MailUnavailableError):
            world.work()
    world.queue.messages[:] = [job_id]
    world.work()
    assert world.store.jobs == {}


def test_what_was_asked_for_longer_ago_than_a_link_is_good_is_mailed_no_more() -> None:
    world = World()
    world.signed_up()
    sent = len(world.mail.sent)
    world.accounts.ask_reset(KNOWN, SITE, HERE)
    world.store.clock.advance(3601)
    world.work()
    assert (len(world.mail.sent) - sent, world.store.jobs) == (0, {})


def test_a_mail_whose_job_is_performed_again_after_it_was_sent_is_not_sent_again() -> None:
    world = World()
    world.accounts.sign_up(EMAIL, PASSWORD, SITE, HERE)
    (job,) = (row.job for row in world.store.jobs.values())
    world.mails.perform(job)
    world.mails.perform(job)
    assert len(world.mail.sent) == 1


def test_what_was_asked_for_lets_nobody_in_by_its_name() -> None:
    """The name is told to the queue; were it a link's secret, whoever reads the queue could set a password."""
    world = World()
    world.signed_up()
    world.accounts.ask_reset(KNOWN, SITE, HERE)
    world.accounts.sign_up("new@example.org", PASSWORD, SITE, HERE)
    for job in [row.job for row in world.store.jobs.values()]:
        name = account_mail_of(job).asked
        for purpose in (VERIFY, RESET, FIRST_ADMIN):
            assert world.rows.use_link(name, purpose) is None
    with pytest.raises(NotFoundError):
        world.accounts.reset(name.hex(), OTHER)


def test_who_is_disabled_gets_no_link_and_who_may_withdraw_an_erasure_does() -> None:
    world = World()
    world.signed_up()
    (account,) = world.store.accounts.values()
    sent = len(world.mail.sent)
    world.store.accounts[account.owner_id] = replace(account, disabled=True)
    world.accounts.ask_reset(KNOWN, SITE, HERE)
    world.work()
    assert len(world.mail.sent) == sent
    world.store.accounts[account.owner_id] = replace(account, disabled=True, erase_at=world.store.clock.now())
    world.accounts.ask_reset(KNOWN, SITE, HERE)
    assert world.link()


def test_a_reset_leaves_whoever_had_the_password_before_no_token_and_a_change_keeps_one_s_own() -> None:
    world = World()
    person = by_session(world.signed_up())
    _, secret = world.accounts.make_token(person, "thief", "write")
    by_token = Principal("", way=Way.TOKEN, token_hash=hash_of(secret))
    world.accounts.change_password(person, PASSWORD, OTHER)
    assert world.accounts.of(by_token).email == EMAIL
    world.accounts.ask_reset(EMAIL, SITE, HERE)
    world.accounts.reset(world.link(), PASSWORD)
    with pytest.raises(NotSignedInError):
        world.accounts.of(by_token)


def test_a_link_that_waits_too_long_is_good_no_more() -> None:
    world = World()
    world.signed_up()
    world.accounts.ask_reset(EMAIL, SITE, HERE)
    link = world.link()
    world.store.clock.advance(3601)
    with pytest.raises(NotFoundError):
        world.accounts.reset(link, OTHER)


def test_the_first_admin_is_made_once() -> None:
    world = World()
    one, two = world.accounts.first_admin_link(), world.accounts.first_admin_link()
    assert one is not None
    assert two is not None
    assert world.accounts.become_first_admin(one, EMAIL, PASSWORD).admin
    assert world.accounts.first_admin_link() is None
    with pytest.raises(NotFoundError):
        world.accounts.become_first_admin(two, "other@example.org", PASSWORD)


def test_a_first_admin_who_gives_a_taken_address_keeps_the_link() -> None:
    world = World()
    world.signed_up()
    link = world.accounts.first_admin_link()
    assert link is not None
    with pytest.raises(InvalidValueError) as refused:
        world.accounts.become_first_admin(link, EMAIL, PASSWORD)
    assert refused.value.field == "email"
    assert world.accounts.become_first_admin(link, "other@example.org", PASSWORD).admin


def test_whether_an_address_has_an_account_is_not_told_to_who_makes_up_a_first_admin_s_link() -> None:
    world = World()
    world.signed_up()
    made = world.passwords.made
    for email in (KNOWN, UNKNOWN):
        with pytest.raises(NotFoundError):
            world.accounts.become_first_admin("made up", email, PASSWORD)
    assert world.passwords.made == made  # nobody can have the server hash for them


@pytest.mark.parametrize("after", [False, True])
def test_an_account_that_could_not_be_stored_leaves_its_link_good(after: bool) -> None:
    """Killed before, its person opens the link again; killed after, they have the account and sign in."""
    world = World()
    world.accounts.sign_up(EMAIL, PASSWORD, SITE, HERE)
    link = world.link()
    world.store.steps.fail("accounts.create_by_link", RowsUnavailableError("killed"), after=after)
    with pytest.raises(RowsUnavailableError):
        world.accounts.verify(link, PASSWORD, None)
    if not after:
        world.accounts.verify(link, PASSWORD, None)
    world.sign_in()


def test_a_token_is_told_once_listed_and_revoked() -> None:
    world = World()
    person = by_session(world.signed_up())
    token, secret = world.accounts.make_token(person, " laptop ", "read")
    by_token = Principal("", way=Way.TOKEN, token_hash=hash_of(secret))
    assert [(one.label, one.scope.value) for one in world.accounts.tokens(person)] == [("laptop", "read")]
    assert world.accounts.of(by_token).email == EMAIL
    world.accounts.revoke_token(person, token.id)
    with pytest.raises(NotSignedInError):
        world.accounts.of(by_token)
    with pytest.raises(NotFoundError):
        world.accounts.revoke_token(person, token.id)


@pytest.mark.parametrize(("label", "scope"), [("", "read"), ("x" * 101, "read"), ("x", "admin"), ("x", "")])
def test_a_token_of_another_shape_is_refused(label: str, scope: str) -> None:
    world = World()
    person = by_session(world.signed_up())
    with pytest.raises(InvalidValueError):
        world.accounts.make_token(person, label, scope)


def test_sign_up_can_be_closed() -> None:
    world = World()
    MemorySettingsRows(world.store).write("accounts", 0, {"sign_up_open": False})
    with pytest.raises(InvalidValueError):
        world.accounts.sign_up(EMAIL, PASSWORD, SITE, HERE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@",
        "a@",
        "@b",
        "a b@c",
        "a@b@c",
        "a@b\r\nBcc: c@d",
        "<a@b>",
        "a,b@c",
        f"{'a' * 251}@b.c",
        "é@b.c",
        "a@é.c",
        "\u212a@b.c",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        email_of(text)


@pytest.mark.parametrize("text", ["short", "x" * 201, "aaaaaaaaaaaa", EMAIL])
def test_passwords_that_are_easy_to_guess_are_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        password_of(text, EMAIL)
