"""What admins do with users, sign-up and uploads. Each of it is in the log, by the transaction that does it."""

import secrets
from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.admin import (
    BLOCKED,
    DONE,
    FAILED,
    NOTE,
    REFUSED,
    UPLOADS,
    AuditEntry,
    Counts,
    Deed,
    UploadsBlock,
    User,
    UserChange,
    note_of,
)
from chalicelib.domain.admin_ports import AdminRows
from chalicelib.domain.errors import InvalidValueError, LastAdminError, MailUnavailableError, UnknownUserError
from chalicelib.services.account_mails import AccountMails
from chalicelib.services.accounts import SETTINGS, SIGN_UP_OPEN
from chalicelib.services.uploads_state import KeptUploadsState


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, and where the request comes from."""

    principal: Principal
    address: str

    def deed(self, what: str, about: str = "") -> Deed:
        """A new deed of theirs."""
        return Deed(secrets.token_bytes(16), self.principal.name, self.address, what, about)


@dataclass(frozen=True, slots=True)
class UserPage:
    """One page of the users by address; `next_after` is None on the last page."""

    users: list[User]
    next_after: bytes | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page of the log, newest first; `next_before` is None on the last page."""

    entries: list[AuditEntry]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class Admin:
    """The use cases of admins. Every call may raise RowsUnavailableError."""

    rows: AdminRows
    mails: AccountMails
    uploads: KeptUploadsState

    def users(self, after: bytes | None, limit: int) -> UserPage:
        """At most `limit` users, those behind the owner `after`."""
        found = self.rows.users(after, limit + 1)
        return UserPage(found[:limit], found[limit - 1].owner_id if len(found) > limit else None)

    def user(self, owner_id: bytes) -> User:
        """Raises UnknownUserError."""
        found = self.rows.user(owner_id)
        if found is None:
            raise UnknownUserError("There is no such user.")
        return found

    def change_user(self, by: By, owner_id: bytes, change: UserChange) -> User:
        """The user as changed. Raises UnknownUserError, LastAdminError or InvalidValueError."""
        user = self.user(owner_id)
        if not change.words:
            raise InvalidValueError("role", "Say what is to change: status, role or quota_mib.")
        deed = by.deed(change.words, user.email)
        try:
            self.rows.change_user(owner_id, change, deed)
        except LastAdminError:
            self.rows.note(deed, REFUSED)
            raise
        return self.user(owner_id)

    def mail_reset(self, by: By, owner_id: bytes, site: str) -> User:
        """Mails the user a link that sets a new password. Raises UnknownUserError or InvalidValueError."""
        user = self.user(owner_id)
        if user.disabled:
            raise InvalidValueError("status", "The account is disabled: enable it first.")
        deed = by.deed("reset link", user.email)
        self.rows.begin(deed)
        try:
            self.mails.send_reset(owner_id, user.email, site)
        except MailUnavailableError:
            self.rows.conclude(deed.id, FAILED)
            raise
        self.rows.conclude(deed.id, DONE)
        return user

    def set_sign_up(self, by: By, is_open: bool) -> None:
        """Opens or closes sign-up."""
        what = "open sign-up" if is_open else "close sign-up"
        self.rows.change_setting(SETTINGS, {SIGN_UP_OPEN: is_open}, by.deed(what))

    def block_uploads(self, by: By, blocked: bool, note: str) -> None:
        """Blocks uploads, those under way too, or lets them in again. Raises InvalidValueError."""
        block = UploadsBlock(blocked, note_of(note) if blocked else "")
        deed = by.deed("block uploads" if blocked else "unblock uploads", block.note)
        self.rows.change_setting(UPLOADS, {BLOCKED: blocked, NOTE: block.note}, deed)
        self.uploads.forget()

    def counts(self) -> Counts:
        """What there is in all."""
        return self.rows.counts()

    def audit(self, before: int | None, limit: int) -> AuditPage:
        """At most `limit` entries of the log, those older than the entry `before`."""
        found = self.rows.audit(before, limit + 1)
        return AuditPage(found[:limit], found[limit - 1].id if len(found) > limit else None)
