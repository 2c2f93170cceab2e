"""What the accounts need of the world, as narrow protocols."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from chalicelib.domain.accounts import Account, Principal, Scope
from chalicelib.domain.jobs import Job

VERIFY, RESET, FIRST_ADMIN = "verify", "reset", "first-admin"  # what a link is good for
# What somebody has asked to be mailed, whom nobody has looked for yet. It has no secret, so it lets nobody in.
ASKED_VERIFY, ASKED_RESET = "asked-verify", "asked-reset"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token for scripts, as its owner sees it: the secret itself was shown once and is kept nowhere."""

    id: bytes
    label: str
    scope: Scope
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """What a one-time link is for: whose it is, or what account it will make."""

    purpose: str
    owner_id: bytes | None = None
    email: str | None = None
    password_hash: str | None = None


class Made(Enum):
    """What became of making an account by a link."""

    MADE = "made"
    ADDRESS_TAKEN = "the address has an account already"
    NO_LINK = "the link is not good, or not any more"


class AccountRows(Protocol):
    """The rows of accounts, sessions, tokens and links, at the primary. Raises RowsUnavailableError."""

    def create(self, account: Account) -> bool:
        """Stores the account and its owner; False if the address has one, which may be this very account."""

    def create_by_link(self, account: Account, token_hash: bytes, purpose: str) -> Made:
        """Uses the link up and stores the account and its owner, in one transaction; else changes nothing.

        The first admin's link is good only while there is no admin: of two at once one is made.
        """

    def by_email(self, email: str) -> Account | None: ...

    def of_owner(self, owner_id: bytes) -> Account | None: ...

    def of(self, principal: Principal, writing: bool = False) -> Account | None:
        """The account that a session or token in force belongs to; for writing, a token that lets its holder write.

        Notes that a session was seen.
        """

    def owner_id_of(self, name: str) -> bytes | None:
        """The id of the built-in owner of that name, if there is one."""

    def has_admin(self) -> bool: ...

    def begin_session(self, owner_id: bytes, token_hash: bytes, ended_hash: bytes | None) -> None:
        """A session of the owner's; one that the browser had before is ended in the same transaction."""

    def end_session(self, token_hash: bytes) -> None: ...

    def end_sessions(self, owner_id: bytes, but: bytes | None = None) -> None:
        """Ends every session of the owner's, or every other one."""

    def change_password(self, owner_id: bytes, password_hash: str, but: bytes | None = None) -> None:
        """Stores the hash, and ends every unused link and every session but that one, in one transaction.

        Without `but` every token for scripts is revoked as well: nothing that lets one in is left.
        """

    def add_link(self, token_hash: bytes, link: Link, seconds: int) -> None: ...

    def owe_mail(self, name: bytes, asked: Link, seconds: int, job: Job) -> None:
        """Keeps what is to be mailed under the name (32 bytes) for that long, and owes the job, in one transaction."""

    def link(self, token_hash: bytes, purpose: str) -> Link | None:
        """The link, if it is good still."""

    def use_link(self, token_hash: bytes, purpose: str) -> Link | None:
        """The link, if it was good until now; it is not any more. Of two at once one gets it."""

    def tried(self, name: bytes, limit: int, window_seconds: int) -> bool:
        """Counts a try under the name; whether it is within the limit for the window that the first try opened."""

    def forget_tries(self, name: bytes) -> None: ...

    def add_token(self, owner_id: bytes, token_hash: bytes, token: ApiToken) -> None: ...

    def tokens(self, owner_id: bytes) -> list[ApiToken]: ...

    def revoke_token(self, owner_id: bytes, token_id: bytes) -> bool:
        """Whether the owner had such a token."""


class Passwords(Protocol):
    """Slow hashes of passwords."""

    def hashed(self, password: str) -> str: ...

    def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether the hash is the password's. None takes as long as a hash would, and never fits."""


class Mail(Protocol):
    """Sends mail to people."""

    def send(self, to: str, subject: str, text: str) -> None:
        """Raises MailUnavailableError."""
