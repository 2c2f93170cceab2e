"""What admins see and change: users, settings, the log."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.adapters.mysql.audit_rows import concluded, entries, moment_of, put_down
from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.domain.admin import BEGUN, DONE, AuditEntry, Counts, Deed, User, UserChange
from chalicelib.domain.errors import InvalidValueError, LastAdminError, UnknownUserError

_USER = (
    "a.owner_id, a.email, a.admin, a.disabled_at IS NOT NULL, o.images, o.bytes, a.quota_bytes, a.created_at "
    "FROM accounts a JOIN owners o ON o.id = a.owner_id"
)
_USER_COLUMNS = 8
LETS_IN = ("sessions", "api_tokens", "account_links")  # by owner


class MySqlAdminRows:
    """AdminRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def users(self, after: bytes | None, limit: int) -> list[User]:
        behind = "" if after is None else "WHERE a.email > (SELECT email FROM accounts WHERE owner_id = %s) "
        found = self._database.select(
            f"SELECT {_USER} {behind}ORDER BY a.email LIMIT %s",
            (limit,) if after is None else (after, limit),
            belongs=lambda rows: all(len(row) == _USER_COLUMNS for row in rows),
        )
        return [_user(row) for row in found]

    def user(self, owner_id: bytes) -> User | None:
        found = self._database.select(
            f"SELECT {_USER} WHERE a.owner_id = %s",
            (owner_id,),
            belongs=lambda rows: all(row[0] == owner_id for row in rows),
        )
        return _user(found[0]) if found else None

    def change_user(self, owner_id: bytes, change: UserChange, deed: Deed) -> None:
        def work(transaction: Transaction) -> None:
            if not put_down(transaction, deed, DONE):
                return  # committed, its answer was lost
            if change.disabled is True or change.admin is False:
                keep_an_admin(transaction, owner_id)
            if not transaction.select("SELECT 1 FROM accounts WHERE owner_id = %s FOR UPDATE", (owner_id,)):
                raise UnknownUserError("There is no such user.")
            if change.disabled is False and transaction.select(
                "SELECT 1 FROM accounts WHERE owner_id = %s AND erase_at IS NOT NULL", (owner_id,)
            ):
                raise InvalidValueError(
                    "disabled", "Its owner asked to erase this account, and only they can withdraw it."
                )
            if change.disabled is not None:
                # An account that is to be erased is disabled already, until its owner withdraws that: now for good.
                moment = (
                    "IF(disabled_at IS NULL OR erase_at IS NOT NULL, UTC_TIMESTAMP(6), disabled_at)"
                    if change.disabled
                    else "NULL"
                )
                transaction.change(f"UPDATE accounts SET disabled_at = {moment} WHERE owner_id = %s", (owner_id,))
            if change.disabled:
                shut_out(transaction, [owner_id])
            if change.admin is not None:
                transaction.change("UPDATE accounts SET admin = %s WHERE owner_id = %s", (change.admin, owner_id))
            if change.quota_bytes is not None:
                quota = change.quota_bytes or None
                transaction.change("UPDATE accounts SET quota_bytes = %s WHERE owner_id = %s", (quota, owner_id))

        self._database.transaction(work)

    def change_setting(self, name: str, values: Mapping[str, object], deed: Deed) -> None:
        def work(transaction: Transaction) -> None:
            if not put_down(transaction, deed, DONE):
                return  # committed, its answer was lost
            found = transaction.select("SELECT body FROM settings WHERE name = %s FOR UPDATE", (name,))
            body = json.dumps({**(json.loads(found[0][0]) if found else {}), **values})
            transaction.change(
                "INSERT INTO settings (name, version, body) VALUES (%s, 1, %s) "
                "ON DUPLICATE KEY UPDATE version = version + 1, body = %s",
                (name, body, body),
            )

        self._database.transaction(work)

    def begin(self, deed: Deed) -> None:
        self.note(deed, BEGUN)

    def conclude(self, deed_id: bytes, outcome: str) -> None:
        self._database.transaction(lambda transaction: concluded(transaction, deed_id, outcome))

    def note(self, deed: Deed, outcome: str) -> None:
        self._database.transaction(lambda transaction: put_down(transaction, deed, outcome))

    def audit(self, before: int | None, limit: int) -> list[AuditEntry]:
        return entries(self._database, before, limit)

    def counts(self) -> Counts:
        ((accounts, admins, images, taken),) = self._database.select(
            "SELECT (SELECT COUNT(*) FROM accounts), (SELECT COUNT(*) FROM accounts WHERE admin = 1), "
            "COALESCE(SUM(images), 0), COALESCE(SUM(bytes), 0) FROM owners"
        )
        return Counts(accounts, admins, int(images), int(taken))


def shut_out(transaction: Transaction, owner_ids: Sequence[bytes]) -> None:
    """Ends every session, token and link of these owners."""
    for table in LETS_IN:
        transaction.change(f"DELETE FROM {table} WHERE owner_id IN %s", (tuple(owner_ids),))


def keep_an_admin(transaction: Transaction, owner_id: bytes) -> None:
    """Raises LastAdminError. The lock on all admins keeps two from ending each other at once."""
    found = transaction.select("SELECT owner_id FROM accounts WHERE admin = 1 AND disabled_at IS NULL FOR UPDATE")
    if found == [(owner_id,)]:
        raise LastAdminError("This is the last admin: make another account admin first.")


def _user(columns: Sequence[Any]) -> User:
    owner_id, email, admin, disabled, images, taken, quota, created_at = columns
    return User(owner_id, email.decode(), bool(admin), bool(disabled), images, taken, quota, moment_of(created_at))
