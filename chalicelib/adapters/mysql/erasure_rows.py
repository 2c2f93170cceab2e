"""The rows of erasures, and the deletion of every row of an owner's.

Which tables hold an owner's rows, the database itself is asked: whatever has a column `owner_id`. So a table that is
new is erased too, and none can be forgotten.
"""

import json
from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.mysql.admin_rows import keep_an_admin, shut_out
from chalicelib.adapters.mysql.audit_rows import moment_of
from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.due_jobs import derived_id, insert_jobs
from chalicelib.adapters.mysql.settings_rows import forget_notices
from chalicelib.domain.erasing import (
    AGAIN_SECONDS,
    Erasure,
    Holdings,
    Order,
    State,
    children_first,
    erasure_job,
    opaque,
    without,
)
from chalicelib.domain.errors import UnknownUserError

BATCH_SECONDS = 10.0
_KEPT = ("erasures", "accounts")  # until the end
_COLUMNS = "id, owner_id, state, asked_at, due_at, done_at, email, receipt, loose_keys"
_TABLES = (
    "SELECT c.table_name FROM information_schema.columns c WHERE c.table_schema = DATABASE() AND c.column_name = %s"
)
_REFERS = (
    "SELECT k.table_name, k.referenced_table_name FROM information_schema.key_column_usage k "
    "WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL"
)


class MySqlErasureRows:
    """ErasureRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def holdings(self, owner_id: bytes) -> Holdings:
        return self._database.transaction(
            lambda transaction: _holdings(transaction, owner_id), patience_seconds=BATCH_SECONDS
        )

    def ask(self, erasure_id: bytes, receipt_hash: bytes, owner_id: bytes, grace_seconds: int) -> tuple[Erasure, bytes]:
        def work(transaction: Transaction) -> tuple[Erasure, bytes]:
            asked = transaction.select("SELECT email FROM accounts WHERE owner_id = %s FOR UPDATE", (owner_id,))
            found = _found(transaction, "owner_id = %s FOR UPDATE", owner_id)  # behind the lock of the account
            if found is not None:  # committed, its answer was lost; or asked twice at once
                return found, derived_id(found.id, 0)
            keep_an_admin(transaction, owner_id)
            if not asked:
                raise UnknownUserError("There is no such user.")
            shut_out(transaction, [owner_id])
            transaction.change(
                f"INSERT INTO erasures ({_COLUMNS}, receipt_hash) VALUES (%s, %s, 'asked', UTC_TIMESTAMP(6), "
                "UTC_TIMESTAMP(6) + INTERVAL %s SECOND, NULL, %s, '{}', '[]', %s)",
                (erasure_id, owner_id, grace_seconds, asked[0][0], receipt_hash),
            )
            transaction.change(
                "UPDATE accounts SET disabled_at = (SELECT e.asked_at FROM erasures e WHERE e.id = %s), "
                "erase_at = (SELECT e.due_at FROM erasures e WHERE e.id = %s) WHERE owner_id = %s",
                (erasure_id, erasure_id, owner_id),
            )
            job = erasure_job(derived_id(erasure_id, 0), Order(erasure_id, owner_id))
            insert_jobs(transaction, [job], grace_seconds)
            erasure = _found(transaction, "id = %s", erasure_id)
            if erasure is None:
                raise AssertionError("a row written in this transaction is there")
            return erasure, job.id

        return self._database.transaction(work)

    def withdraw(self, owner_id: bytes) -> bool:
        withdrawn = False

        def work(transaction: Transaction) -> bool:
            nonlocal withdrawn
            found = _found(transaction, "owner_id = %s FOR UPDATE", owner_id)
            if found is None or found.state is not State.ASKED:
                return withdrawn and found is None  # committed, its answer was lost
            transaction.change(  # whom an admin disabled since then stays out
                "UPDATE accounts SET disabled_at = IF(disabled_at = "
                "(SELECT e.asked_at FROM erasures e WHERE e.id = %s), NULL, disabled_at), "
                "erase_at = NULL WHERE owner_id = %s",
                (found.id, owner_id),
            )
            transaction.change("DELETE FROM erasures WHERE id = %s", (found.id,))
            transaction.change("DELETE FROM jobs WHERE id = %s", (derived_id(found.id, 0),))
            withdrawn = True
            return True

        return self._database.transaction(work)

    def of_receipt(self, receipt_hash: bytes) -> Erasure | None:
        found = self._database.select(
            f"SELECT receipt_hash, {_COLUMNS} FROM erasures WHERE receipt_hash = %s",
            (receipt_hash,),
            belongs=lambda rows: all(row[0] == receipt_hash for row in rows),
        )
        return _erasure(found[0][1:]) if found else None

    def begin(self, erasure_id: bytes) -> Erasure | None:
        def work(transaction: Transaction) -> Erasure | None:
            found = _found(transaction, "id = %s FOR UPDATE", erasure_id)
            if found is None or found.state is not State.ASKED:
                return found
            if not transaction.change(
                "UPDATE erasures SET state = 'begun' WHERE id = %s AND due_at <= UTC_TIMESTAMP(6)", (erasure_id,)
            ):
                return found
            holdings = _holdings(transaction, found.owner_id)
            _end_downloads(transaction, found.owner_id)
            receipt = json.dumps({"rows": dict(holdings.rows), "bytes": holdings.bytes, "erased": {}})
            loose = json.dumps(_loose_keys(transaction, found.owner_id))
            transaction.change(
                "UPDATE erasures SET receipt = %s, loose_keys = %s WHERE id = %s", (receipt, loose, erasure_id)
            )
            return _found(transaction, "id = %s", erasure_id)

        return self._database.transaction(work, patience_seconds=BATCH_SECONDS)

    def erase_some(self, owner_id: bytes, limit: int) -> bool:
        def work(transaction: Transaction) -> bool:
            for table in _tables(transaction):
                if (
                    transaction.change(f"DELETE FROM `{table}` WHERE owner_id = %s LIMIT %s", (owner_id, limit))
                    == limit
                ):
                    return True
            return False

        return self._database.transaction(work, patience_seconds=BATCH_SECONDS)

    def note(self, erasure_id: bytes, what: str, count: int) -> None:
        if not count:
            return

        def work(transaction: Transaction) -> None:
            ((kept,),) = transaction.select("SELECT receipt FROM erasures WHERE id = %s FOR UPDATE", (erasure_id,))
            receipt = json.loads(kept)
            receipt["erased"][what] = receipt["erased"].get(what, 0) + count
            transaction.change("UPDATE erasures SET receipt = %s WHERE id = %s", (json.dumps(receipt), erasure_id))

        self._database.transaction(work)

    def forget(self, erasure_id: bytes) -> None:
        def work(transaction: Transaction) -> None:
            erasure = _found(transaction, "id = %s FOR UPDATE", erasure_id)
            if erasure is None:
                return
            owner = (erasure.owner_id,)
            shut_out(transaction, owner)
            transaction.change("DELETE FROM accounts WHERE owner_id = %s", owner)
            # An owner that the environment's settings name is there for whoever comes next; it has nothing any more.
            transaction.change(
                "DELETE FROM owners WHERE id = %s AND name = %s",
                (erasure.owner_id, b"account:" + erasure.owner_id.hex().encode()),
            )
            transaction.change("UPDATE owners SET images = 0, bytes = 0, version = version + 1 WHERE id = %s", owner)
            _forget_jobs(transaction, erasure)
            forget_notices(transaction, erasure.owner_id)
            if erasure.email is not None:
                _forget_address(transaction, erasure.email.encode(), opaque(erasure_id))

        self._database.transaction(work, patience_seconds=BATCH_SECONDS)

    def finish(self, erasure_id: bytes, again_id: bytes) -> None:
        def work(transaction: Transaction) -> None:
            erasure = _found(transaction, "id = %s FOR UPDATE", erasure_id)
            if erasure is None or erasure.state is State.DONE:
                return
            transaction.change(
                "UPDATE erasures SET state = 'done', done_at = UTC_TIMESTAMP(6), email = NULL, loose_keys = '[]' "
                "WHERE id = %s",
                (erasure_id,),
            )
            again = Order(erasure_id, erasure.owner_id, again=True, loose_keys=erasure.loose_keys)
            insert_jobs(transaction, [erasure_job(again_id, again)], AGAIN_SECONDS)

        self._database.transaction(work)


def _tables(transaction: Transaction) -> list[str]:
    found = [str(table) for (table,) in transaction.select(_TABLES, ("owner_id",))]
    refers = [(str(child), str(parent)) for child, parent in transaction.select(_REFERS)]
    return [table for table in children_first(found, refers) if table not in _KEPT]


def _holdings(transaction: Transaction, owner_id: bytes) -> Holdings:
    rows = {}
    for table in (*_tables(transaction), "accounts"):
        ((rows[table],),) = transaction.select(f"SELECT COUNT(*) FROM `{table}` WHERE owner_id = %s", (owner_id,))
    taken = transaction.select("SELECT bytes FROM owners WHERE id = %s", (owner_id,))
    return Holdings(rows, int(taken[0][0]) if taken else 0)


def _end_downloads(transaction: Transaction, owner_id: bytes) -> None:
    """No run of the worker begins another zip of the owner's, whose key would not be known here."""
    transaction.change("UPDATE downloads SET state = 'failed' WHERE owner_id = %s AND state = 'making'", (owner_id,))


def _loose_keys(transaction: Transaction, owner_id: bytes) -> list[str]:
    """The objects of the owner's whose keys do not name the owner: the zips of downloads."""
    found = transaction.select(
        "SELECT z.object_key FROM download_zips z JOIN downloads d ON d.id = z.download_id WHERE d.owner_id = %s",
        (owner_id,),
    )
    return [str(object_key) for (object_key,) in found]


def _forget_jobs(transaction: Transaction, erasure: Erasure) -> None:
    """What was owed for the owner: it is done, or has nothing to be done on. A removal of all data goes on."""
    like = f'%"{erasure.owner_id.hex()}"%'
    found = transaction.select(
        "SELECT id FROM jobs WHERE body LIKE %s AND kind NOT IN ('erase_account', 'remove_data')",
        (like,),
    )
    if found:
        transaction.change("DELETE FROM jobs WHERE id IN %s", (tuple(job_id for (job_id,) in found),))


def _forget_address(transaction: Transaction, email: bytes, instead: str) -> None:
    transaction.change("DELETE FROM account_links WHERE email = %s", (email,))
    transaction.change("DELETE FROM tries WHERE name IN %s", ((b"account:" + email, b"mail:" + email),))
    for table in ("audit", "dumps"):
        transaction.change(f"UPDATE {table} SET actor_email = %s WHERE actor_email = %s", (instead.encode(), email))
    address = email.decode()
    for number, about in transaction.select(
        "SELECT id, about FROM audit WHERE LOCATE(%s, about) > 0 FOR UPDATE", (address,)
    ):
        transaction.change("UPDATE audit SET about = %s WHERE id = %s", (without(address, about, instead), number))


def _found(transaction: Transaction, condition: str, wanted: bytes) -> Erasure | None:
    found = transaction.select(f"SELECT {_COLUMNS} FROM erasures WHERE {condition}", (wanted,))
    return _erasure(found[0]) if found else None


def _erasure(columns: Sequence[Any]) -> Erasure:
    erasure_id, owner_id, state, asked_at, due_at, done_at, email, receipt, loose_keys = columns
    told = json.loads(receipt)
    return Erasure(
        erasure_id,
        owner_id,
        State(state),
        moment_of(asked_at),
        moment_of(due_at),
        None if done_at is None else moment_of(done_at),
        None if email is None else email.decode(),
        told.get("rows", {}),
        told.get("bytes", 0),
        told.get("erased", {}),
        tuple(json.loads(loose_keys)),
    )
