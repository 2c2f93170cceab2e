"""The rows of accounts, sessions, links, tokens and tries."""

import logging
from dataclasses import replace
from datetime import UTC, datetime

from chalicelib.adapters.mysql.account_making import LINK_COLUMNS, add_link, create, create_by_link, is_there, link_of
from chalicelib.adapters.mysql.database import Database, Rows, Selecting, Transaction
from chalicelib.adapters.mysql.due_jobs import insert_jobs
from chalicelib.adapters.mysql.principals import whose
from chalicelib.domain.account_ports import ApiToken, Link, Made
from chalicelib.domain.accounts import SESSION_SECONDS, Account, Owner, Principal, Scope, Standing, Way
from chalicelib.domain.errors import UnavailableError
from chalicelib.domain.jobs import Job

logger = logging.getLogger(__name__)

SEEN_SECONDS = 60  # how exactly it is known when a session was seen last
FORGET_TRIES = 1000  # rows at once, when a session begins
_ACCOUNT = "a.owner_id, a.email, a.password, a.admin, a.disabled_at IS NOT NULL, a.erase_at"


class MySqlAccountRows:
    """AccountRows in MySQL. `reads` is where it is looked up who is signed in, if not where it is written."""

    def __init__(self, database: Database, reads: Selecting | None = None) -> None:
        self._database = database
        self._reads = reads or database

    def create(self, account: Account) -> bool:
        return self._database.transaction(lambda transaction: create(transaction, account))

    def create_by_link(self, account: Account, token_hash: bytes, purpose: str) -> Made:
        made: list[Made] = []

        def work(transaction: Transaction) -> Made:
            if made and is_there(transaction, account):
                return Made.MADE  # committed, its answer was lost
            result = create_by_link(transaction, account, token_hash, purpose)
            made[:] = [result] if result is Made.MADE else []
            return result

        return self._database.transaction(work)

    def by_email(self, email: str) -> Account | None:
        return _account(
            self._database.select(
                f"SELECT {_ACCOUNT} FROM accounts a WHERE a.email = %s",
                (email.encode(),),
                belongs=lambda rows: all(row[1] == email.encode() for row in rows),
            )
        )

    def of_owner(self, owner_id: bytes) -> Account | None:
        return _account(
            self._database.select(
                f"SELECT {_ACCOUNT} FROM accounts a WHERE a.owner_id = %s",
                (owner_id,),
                belongs=lambda rows: all(row[0] == owner_id for row in rows),
            )
        )

    def owner_id_of(self, name: str) -> bytes | None:
        found = self._database.select(
            "SELECT name, id FROM owners WHERE name = %s",
            (name.encode(),),
            belongs=lambda rows: all(row[0] == name.encode() for row in rows),
        )
        return found[0][1] if found else None

    def of(self, principal: Principal, writing: bool = False) -> Account | None:
        if principal.way is Way.NAME:
            return None
        who = whose(principal, writing)
        seen = "s.seen_at < UTC_TIMESTAMP(6) - INTERVAL %s SECOND" if principal.way is Way.SESSION else "0 AND %s"
        found = self._reads.select(
            f"SELECT {who.echo}, {seen}, o.version, m.version, {_ACCOUNT} FROM {who.tables} "
            f"JOIN fleet_maps m ON m.id = 1 WHERE {who.condition}",
            (SEEN_SECONDS, *who.args),
            belongs=lambda rows: all(row[0] == who.asked for row in rows),
        )
        if found and found[0][1]:
            self._note_seen(principal)
        account = _account([row[4:] for row in found])
        if account is None:
            return None
        return replace(account, standing=Standing(Owner(account.owner_id, found[0][2]), found[0][3]))

    def _note_seen(self, principal: Principal) -> None:
        try:
            self._database.transaction(
                lambda transaction: transaction.change(
                    "UPDATE sessions SET seen_at = UTC_TIMESTAMP(6) WHERE token_hash = %s", (principal.token_hash,)
                )
            )
        except UnavailableError as error:  # who reads while the primary is down stays signed in for as long as before
            logger.warning("not noted that a session was seen: %s", error)

    def has_admin(self) -> bool:
        return bool(self._database.select("SELECT 1 FROM accounts WHERE admin = 1 LIMIT 1"))

    def begin_session(self, owner_id: bytes, token_hash: bytes, ended_hash: bytes | None) -> None:
        def work(transaction: Transaction) -> None:
            transaction.change("DELETE FROM sessions WHERE ends_at < UTC_TIMESTAMP(6)")
            transaction.change("DELETE FROM tries WHERE ends_at < UTC_TIMESTAMP(6) LIMIT %s", (FORGET_TRIES,))
            if ended_hash is not None:
                transaction.change("DELETE FROM sessions WHERE token_hash = %s", (ended_hash,))
            transaction.change(
                "INSERT IGNORE INTO sessions (token_hash, owner_id, created_at, seen_at, ends_at) VALUES "
                "(%s, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL %s SECOND)",
                (token_hash, owner_id, SESSION_SECONDS),
            )

        self._database.transaction(work)

    def end_session(self, token_hash: bytes) -> None:
        self._database.transaction(
            lambda transaction: transaction.change("DELETE FROM sessions WHERE token_hash = %s", (token_hash,))
        )

    def end_sessions(self, owner_id: bytes, but: bytes | None = None) -> None:
        self._database.transaction(lambda transaction: _end_sessions(transaction, owner_id, but))

    def change_password(self, owner_id: bytes, password_hash: str, but: bytes | None = None) -> None:
        def work(transaction: Transaction) -> None:
            transaction.change("UPDATE accounts SET password = %s WHERE owner_id = %s", (password_hash, owner_id))
            transaction.change("DELETE FROM account_links WHERE owner_id = %s", (owner_id,))
            _end_sessions(transaction, owner_id, but)
            if but is None:
                transaction.change("DELETE FROM api_tokens WHERE owner_id = %s", (owner_id,))

        self._database.transaction(work)

    def add_link(self, token_hash: bytes, link: Link, seconds: int) -> None:
        self._database.transaction(lambda transaction: add_link(transaction, token_hash, link, seconds))

    def owe_mail(self, name: bytes, asked: Link, seconds: int, job: Job) -> None:
        def work(transaction: Transaction) -> None:
            if add_link(transaction, name, asked, seconds):  # or it was committed, and its answer was lost
                insert_jobs(transaction, [job])

        self._database.transaction(work)

    def link(self, token_hash: bytes, purpose: str) -> Link | None:
        found = self._database.select(
            f"SELECT token_hash, {LINK_COLUMNS} FROM account_links "
            "WHERE token_hash = %s AND purpose = %s AND ends_at > UTC_TIMESTAMP(6)",
            (token_hash, purpose),
            belongs=lambda rows: all(row[0] == token_hash for row in rows),
        )
        return link_of(found[0][1:]) if found else None

    def use_link(self, token_hash: bytes, purpose: str) -> Link | None:
        used: list[Link] = []

        def work(transaction: Transaction) -> Link | None:
            found = transaction.select(
                f"SELECT {LINK_COLUMNS} FROM account_links "
                "WHERE token_hash = %s AND purpose = %s AND ends_at > UTC_TIMESTAMP(6) FOR UPDATE",
                (token_hash, purpose),
            )
            if not found:
                return used[0] if used else None  # committed, its answer was lost
            transaction.change("DELETE FROM account_links WHERE token_hash = %s", (token_hash,))
            used[:] = [link_of(found[0])]
            return used[0]

        return self._database.transaction(work)

    def tried(self, name: bytes, limit: int, window_seconds: int) -> bool:
        def work(transaction: Transaction) -> bool:
            transaction.change(
                "INSERT INTO tries (name, count, ends_at) VALUES (%s, 0, UTC_TIMESTAMP(6) + INTERVAL %s SECOND) "
                "ON DUPLICATE KEY UPDATE count = IF(ends_at < UTC_TIMESTAMP(6), 0, count), "
                "ends_at = IF(ends_at < UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL %s SECOND, ends_at)",
                (name, window_seconds, window_seconds),
            )
            return bool(
                transaction.change("UPDATE tries SET count = count + 1 WHERE name = %s AND count < %s", (name, limit))
            )

        return self._database.transaction(work)

    def forget_tries(self, name: bytes) -> None:
        self._database.transaction(lambda transaction: transaction.change("DELETE FROM tries WHERE name = %s", (name,)))

    def add_token(self, owner_id: bytes, token_hash: bytes, token: ApiToken) -> None:
        self._database.transaction(
            lambda transaction: transaction.change(
                "INSERT IGNORE INTO api_tokens (token_hash, id, owner_id, label, scope, created_at) "
                "VALUES (%s, %s, %s, %s, %s, UTC_TIMESTAMP(6))",
                (token_hash, token.id, owner_id, token.label, token.scope.value),
            )
        )

    def tokens(self, owner_id: bytes) -> list[ApiToken]:
        found = self._database.select(
            "SELECT owner_id, id, label, scope, created_at FROM api_tokens WHERE owner_id = %s ORDER BY created_at, id",
            (owner_id,),
            belongs=lambda rows: all(row[0] == owner_id for row in rows),
        )
        return [ApiToken(token_id, label, Scope(scope), _moment(at)) for _, token_id, label, scope, at in found]

    def revoke_token(self, owner_id: bytes, token_id: bytes) -> bool:
        revoked = False

        def work(transaction: Transaction) -> bool:
            nonlocal revoked
            changed = transaction.change("DELETE FROM api_tokens WHERE owner_id = %s AND id = %s", (owner_id, token_id))
            revoked = revoked or bool(changed)
            return revoked  # also when the answer to an earlier COMMIT was lost

        return self._database.transaction(work)


def _end_sessions(transaction: Transaction, owner_id: bytes, but: bytes | None) -> None:
    transaction.change("DELETE FROM sessions WHERE owner_id = %s AND token_hash <> %s", (owner_id, but or b""))


def _account(found: Rows) -> Account | None:
    if not found:
        return None
    owner_id, email, password_hash, admin, disabled, erase_at = found[0]
    erased_from = None if erase_at is None else _moment(erase_at)
    return Account(owner_id, email.decode(), password_hash, bool(admin), bool(disabled), erased_from)


def _moment(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC)
