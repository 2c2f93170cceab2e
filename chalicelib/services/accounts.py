"""Accounts: sign up, verify, sign in and out, change and reset a password, tokens for scripts.

What is answered never tells whether an address has an account: that is told by mail to whoever reads that address.
Tries are counted before a password is looked at, in the database, so that a thousand tries at once are counted too.
"""

import secrets
from dataclasses import dataclass

from chalicelib.domain import account_ports, jobs
from chalicelib.domain.account_ports import AccountRows, ApiToken, Link, Made, Passwords
from chalicelib.domain.accounts import (
    TOKEN_BYTES,
    TRIES_SECONDS,
    Account,
    Principal,
    Scope,
    Way,
    email_of,
    hash_of,
    password_of,
)
from chalicelib.domain.errors import (
    AccountLinkError,
    InvalidValueError,
    NotFoundError,
    NotSignedInError,
    ToBeErasedError,
    TooManyTriesError,
)
from chalicelib.domain.jobs import AccountMail
from chalicelib.domain.ports import Clock, SettingsRows
from chalicelib.services.account_mails import RESET_SECONDS, VERIFY_SECONDS
from chalicelib.services.sending import Sending

ACCOUNT_TRIES, ADDRESS_TRIES = 10, 50
MAILS, MAILS_SECONDS = 5, 3600
FIRST_ADMIN_SECONDS = 3600
MOST_TOKENS = 20
SETTINGS, SIGN_UP_OPEN = "accounts", "sign_up_open"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account, and the secret that its new session goes by, which only the browser is told."""

    account: Account
    token: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """The use cases of accounts. Every call may raise RowsUnavailableError."""

    rows: AccountRows
    passwords: Passwords
    sending: Sending
    clock: Clock
    settings: SettingsRows
    built_in_owner: str | None = None  # whose images the first admin takes over

    def sign_up(self, email: str, password: str, site: str, address: str) -> None:
        """Has a link mailed that makes the account. An address that has one gets a mail that says so.

        Which of the two is found out by the job that mails: nothing of it is seen here. `site` is what the link begins
        with, `address` where the request comes from. Raises InvalidValueError or TooManyTriesError.
        """
        if not self.sign_up_open():
            raise InvalidValueError("email", "New accounts are not taken here at present.")
        email = email_of(email)
        password = password_of(password, email)
        self._count(b"mail:" + email.encode(), MAILS, MAILS_SECONDS)
        self._count(b"sign-up:" + address.encode(), MAILS * 4, MAILS_SECONDS)
        hashed = self.passwords.hashed(password)
        self._owe_mail(Link(account_ports.ASKED_VERIFY, email=email, password_hash=hashed), VERIFY_SECONDS, site)

    def sign_up_open(self) -> bool:
        """Whether anyone may sign up; an admin can close it."""
        return self.settings.read(SETTINGS)[1].get(SIGN_UP_OPEN, True) is True

    def verify(self, link: str, password: str, before: str | None) -> SignedIn:
        """Makes the account that the link was mailed for, and signs in. Raises NotFoundError or InvalidValueError.

        The password must be the one chosen with this very link: whoever else asked for a link to this address cannot
        have theirs made good by the person who reads its mail.
        """
        found = self.rows.link(hash_of(link), account_ports.VERIFY)
        if found is None or found.email is None or found.password_hash is None:
            raise _bad_link()
        self._count(b"link:" + hash_of(link), ACCOUNT_TRIES, TRIES_SECONDS)
        if not self.passwords.fits(found.password_hash, password):
            raise InvalidValueError(
                "password", "This is not the password that was chosen when this link was asked for."
            )
        account = Account(secrets.token_bytes(16), found.email, found.password_hash, admin=False, disabled=False)
        if self.rows.create_by_link(account, hash_of(link), account_ports.VERIFY) is not Made.MADE:
            raise _bad_link()
        return self._begin_session(account, before)

    def sign_in(self, email: str, password: str, address: str, before: str | None) -> SignedIn:
        """A new session; the one that the browser had `before` is ended.

        Raises NotSignedInError, TooManyTriesError or ToBeErasedError.

        `address` is where the request comes from. Sessions under way are not concerned by tries.
        """
        account = self.fitting(email, password, address)
        if account.erase_at is not None:
            raise ToBeErasedError(
                f"You asked to erase this account: that begins on {account.erase_at:%d %b %Y, %H:%M} UTC. "
                "To use it again, withdraw the erasure first."
            )
        return self._begin_session(account, before)

    def fitting(self, email: str, password: str, address: str) -> Account:
        """The account of that address and password, enabled or to be erased; tries count as those of signing in.

        Raises NotSignedInError or TooManyTriesError.
        """
        email = _email_or_nobodys(email)
        self._count(b"address:" + address.encode(), ADDRESS_TRIES, TRIES_SECONDS)
        self._count(b"account:" + email.encode(), ACCOUNT_TRIES, TRIES_SECONDS)
        account = self.rows.by_email(email)
        if not self.passwords.fits(None if account is None else account.password_hash, password):
            raise NotSignedInError("The address or the password is wrong.")
        if account is None or (account.disabled and account.erase_at is None):
            raise NotSignedInError("The address or the password is wrong.")
        self.rows.forget_tries(b"account:" + email.encode())
        return account

    def sign_out(self, principal: Principal) -> None:
        """Ends the session; it is ended everywhere when this returns."""
        if principal.way is Way.SESSION:
            self.rows.end_session(principal.token_hash)

    def sign_out_everywhere(self, principal: Principal) -> None:
        """Ends every session of the account's, this one too."""
        self.rows.end_sessions(self.of(principal).owner_id)

    def of(self, principal: Principal) -> Account:
        """The account of a session or token in force. Raises NotSignedInError."""
        account = self.rows.of(principal)
        if account is None:
            raise NotSignedInError("You are not signed in any more. Sign in again.")
        return account

    def may_write(self, principal: Principal) -> bool:
        """Whether the token in force lets its holder change anything."""
        return self.rows.of(principal, writing=True) is not None

    def change_password(self, principal: Principal, old: str, new: str) -> None:
        """Changes the password and ends every other session. Raises InvalidValueError, TooManyTriesError."""
        account = self.of(principal)
        if not self._is_own(principal, account, old):
            raise InvalidValueError("old_password", "This is not your present password.")
        hashed = self.passwords.hashed(_new_password(new, account.email))
        self.rows.change_password(account.owner_id, hashed, but=principal.token_hash)

    def ask_reset(self, email: str, site: str, address: str) -> None:
        """Has a link mailed that sets a new password; whether there is such an account, the job finds out that mails.

        Raises TooManyTriesError.
        """
        email = _email_or_nobodys(email)
        self._count(b"reset:" + address.encode(), MAILS * 4, MAILS_SECONDS)
        self._count(b"mail:" + email.encode(), MAILS, MAILS_SECONDS)
        self._owe_mail(Link(account_ports.ASKED_RESET, email=email), RESET_SECONDS, site)

    def confirm(self, principal: Principal, password: str) -> None:
        """Returns if it is the password of who asks. As many tries are looked at as of signing in.

        Raises InvalidValueError or TooManyTriesError.
        """
        if principal.way is Way.NAME:
            raise InvalidValueError("password", "This needs a password: sign in to an account of your own first.")
        if not self._is_own(principal, self.of(principal), password):
            raise InvalidValueError("password", "This is not your password.")

    def reset(self, link: str, new: str) -> None:
        """Sets the password, once; every session and every token ends. Raises NotFoundError or InvalidValueError.

        Whoever asks for this may have lost the account to somebody, who may have made a token meanwhile.
        """
        found = self.rows.link(hash_of(link), account_ports.RESET)
        account = None if found is None or found.owner_id is None else self.rows.of_owner(found.owner_id)
        if account is None:
            raise _bad_link()
        hashed = self.passwords.hashed(_new_password(new, account.email))  # what is refused does not use the link up
        if self.rows.use_link(hash_of(link), account_ports.RESET) is None:
            raise _bad_link()
        self.rows.change_password(account.owner_id, hashed)

    def first_admin_link(self) -> str | None:
        """The secret of a link that makes the first admin; None if there is one already."""
        if self.rows.has_admin():
            return None
        return self._link(Link(account_ports.FIRST_ADMIN), FIRST_ADMIN_SECONDS)

    def become_first_admin(self, link: str, email: str, password: str) -> Account:
        """Makes a verified admin's account, once. Raises NotFoundError or InvalidValueError, and the link stays good.

        That an address has an account is told to nobody but who has the link.
        """
        email = email_of(email)
        if self.rows.link(hash_of(link), account_ports.FIRST_ADMIN) is None:
            raise _bad_link()  # before the work of a hash, which anybody could ask for
        hashed = self.passwords.hashed(_new_password(password, email))
        owner_id = None if self.built_in_owner is None else self.rows.owner_id_of(self.built_in_owner)
        account = Account(owner_id or secrets.token_bytes(16), email, hashed, admin=True, disabled=False)
        made = self.rows.create_by_link(account, hash_of(link), account_ports.FIRST_ADMIN)
        if made is Made.ADDRESS_TAKEN:
            raise InvalidValueError("email", "This address has an account already: give another.")
        if made is Made.NO_LINK:
            raise _bad_link()
        return account

    def make_token(self, principal: Principal, label: str, scope: str) -> tuple[ApiToken, str]:
        """A token for scripts, and its secret, which is told this once. Raises InvalidValueError."""
        account = self.of(principal)
        label = label.strip()
        if not 1 <= len(label) <= 100:
            raise InvalidValueError("label", "Give the token a label of 1 to 100 characters.")
        if scope not in {one.value for one in Scope}:
            raise InvalidValueError("scope", "The scope must be read or write.")
        if len(self.rows.tokens(account.owner_id)) >= MOST_TOKENS:
            raise InvalidValueError("label", f"An account has at most {MOST_TOKENS} tokens. Revoke one first.")
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        token = ApiToken(secrets.token_bytes(16), label, Scope(scope), self.clock.now())
        self.rows.add_token(account.owner_id, hash_of(secret), token)
        return token, secret

    def tokens(self, principal: Principal) -> list[ApiToken]:
        """The account's tokens, oldest first."""
        return self.rows.tokens(self.of(principal).owner_id)

    def revoke_token(self, principal: Principal, token_id: bytes) -> None:
        """Ends the token. Raises NotFoundError."""
        if not self.rows.revoke_token(self.of(principal).owner_id, token_id):
            raise NotFoundError("You have no such token.")

    def _is_own(self, principal: Principal, account: Account, password: str) -> bool:
        """Whether it is the account's password. Raises TooManyTriesError.

        Tries are counted for whoever is signed in to the account, apart from those of signing in: strangers, who fill
        these from wherever, keep nobody from this. Not by session or token: whoever has one makes others.
        """
        name = b"held:" + account.owner_id
        self._count(name, ACCOUNT_TRIES, TRIES_SECONDS)
        if not self.passwords.fits(account.password_hash, password):
            return False
        self.rows.forget_tries(name)
        return True

    def _count(self, name: bytes, limit: int, seconds: int) -> None:
        if not self.rows.tried(name[:300], limit, seconds):
            raise TooManyTriesError("Too many tries. Wait some minutes and try again.")

    def _begin_session(self, account: Account, before: str | None) -> SignedIn:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self.rows.begin_session(account.owner_id, hash_of(token), None if before is None else hash_of(before))
        return SignedIn(account, token)

    def _owe_mail(self, asked: Link, seconds: int, site: str) -> None:
        """Owes the mail that was asked for, which is sent within that time or not at all."""
        name = secrets.token_bytes(32)
        job = jobs.account_mail_job(secrets.token_bytes(16), AccountMail(name, asked.purpose, site))
        self.rows.owe_mail(name, asked, seconds, job)
        self.sending.send([job.id])

    def _link(self, link: Link, seconds: int) -> str:
        secret = secrets.token_urlsafe(TOKEN_BYTES)
        self.rows.add_link(hash_of(secret), link, seconds)
        return secret


def _email_or_nobodys(text: str) -> str:
    """What is no address is looked up all the same: its answer must not differ."""
    try:
        return email_of(text)
    except InvalidValueError:
        return "nobody"


def _new_password(text: str, email: str) -> str:
    try:
        return password_of(text, email)
    except InvalidValueError as error:
        raise InvalidValueError("new_password", str(error)) from None


def _bad_link() -> AccountLinkError:
    return AccountLinkError("This link is not good any more: it was used, or is too old. Ask for a new one.")
