"""The removal of all data, in batches that each are one transaction."""

import json
from datetime import datetime

from chalicelib.adapters.mysql.admin_rows import shut_out
from chalicelib.adapters.mysql.audit_rows import moment_of, put_down
from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.due_jobs import derived_id, insert_jobs
from chalicelib.adapters.mysql.image_rows import drop_images, images_before
from chalicelib.adapters.mysql.settings_rows import forget_notices
from chalicelib.adapters.mysql.trash_moves import drop_trashed, trashed_before
from chalicelib.adapters.mysql.upload_rows import end_uploads
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner
from chalicelib.domain.admin import BEGUN, Deed
from chalicelib.domain.jobs import Job, Removal
from chalicelib.domain.notices import SETTINGS
from chalicelib.domain.sweeping import quarantine_key
from chalicelib.domain.uploads import ACCOUNT_GONE

BATCH_SECONDS = 10.0  # a thousand rows
_NOBODY = b"\x00" * 16
_EVER = datetime(9999, 1, 1)  # as the database keeps times
_GONE = (
    "a.owner_id IS NULL AND LEFT(o.name, 8) = 'account:' FROM owners o LEFT JOIN accounts a ON a.owner_id = o.id "
    "WHERE o.id = %s"
)


class MySqlRemovalRows:
    """RemovalRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask_removal(self, deed: Deed, accounts: bool) -> bytes:
        job_id = derived_id(deed.id, 0)

        def work(transaction: Transaction) -> bytes:
            if put_down(transaction, deed, BEGUN):
                ((now,),) = transaction.select("SELECT UTC_TIMESTAMP(6)")
                before = moment_of(now).isoformat()
                body = json.dumps({"deed": deed.id.hex(), "before": before, "accounts": accounts, "after": ""})
                insert_jobs(transaction, [Job(job_id, jobs.REMOVE_DATA, body)])
            return job_id

        return self._database.transaction(work)

    def remove_accounts(self, before: datetime, job_id: bytes, limit: int) -> int:
        def work(transaction: Transaction) -> int:
            if transaction.select("SELECT 1 FROM jobs WHERE id = %s", (job_id,)):
                return limit  # committed, its answer was lost; there may be more
            found = transaction.select(
                "SELECT owner_id FROM accounts WHERE admin = 0 AND created_at < %s LIMIT %s FOR UPDATE",
                (before, limit),
            )
            owner_ids = [owner_id for (owner_id,) in found]
            if owner_ids:
                shut_out(transaction, owner_ids)
                end_uploads(transaction, owner_ids, ACCOUNT_GONE, job_id)
                transaction.change("DELETE FROM shares WHERE owner_id IN %s", (tuple(owner_ids),))
                transaction.change("DELETE FROM accounts WHERE owner_id IN %s", (tuple(owner_ids),))
            return len(owner_ids)

        return self._database.transaction(work, patience_seconds=BATCH_SECONDS)

    def next_owner(self, after: bytes) -> bytes | None:
        found = self._database.select(
            "SELECT %s, MIN(owner_id) FROM (SELECT MIN(owner_id) AS owner_id FROM images WHERE owner_id > %s "
            "UNION ALL SELECT MIN(owner_id) FROM trashed_images WHERE owner_id > %s "
            "UNION ALL SELECT MIN(owner_id) FROM albums WHERE owner_id > %s) all_tables",
            (after, after, after, after),
            belongs=lambda rows: len(rows) == 1 and rows[0][0] == after,
        )
        least: bytes | None = found[0][1]
        return least

    def remove_images(self, owner_id: bytes, before: datetime, job_id: bytes, limit: int) -> int:
        count = 0

        def work(transaction: Transaction) -> int:
            nonlocal count
            found = transaction.select(f"SELECT o.id, o.version, {_GONE} FOR UPDATE", (owner_id,))
            if not found or transaction.select("SELECT 1 FROM jobs WHERE id = %s", (job_id,)):
                return count  # committed, its answer was lost
            *columns, gone = found[0]
            owner, moment = Owner(*columns), _EVER if gone else before
            transaction.change("DELETE FROM albums WHERE owner_id = %s AND created_at < %s", (owner_id, moment))
            images = images_before(transaction, owner, moment, limit)
            trashed = trashed_before(transaction, owner, "i.created_at < %s", (moment,), limit - len(images))
            drop_images(transaction, owner, images, job_id, drop_trashed(transaction, owner, trashed))
            count = len(images) + len(trashed)
            return count

        return self._database.transaction(work, patience_seconds=BATCH_SECONDS)

    def next_notices(self) -> bytes | None:
        found = self._database.select(
            "SELECT UNHEX(SUBSTRING(s.name, %s)) AS owner_id FROM settings s WHERE s.name LIKE %s AND NOT EXISTS "
            "(SELECT 1 FROM accounts a WHERE a.owner_id = UNHEX(SUBSTRING(s.name, %s))) LIMIT 1",
            (len(SETTINGS) + 1, f"{SETTINGS}%", len(SETTINGS) + 1),
        )
        return found[0][0] if found else None

    def forget_notices(self, owner_id: bytes) -> None:
        self._database.transaction(lambda transaction: forget_notices(transaction, owner_id))

    def end_quarantine(self, job_id: bytes, limit: int) -> int:
        count = 0

        def work(transaction: Transaction) -> int:
            nonlocal count
            if transaction.select("SELECT 1 FROM jobs WHERE id = %s", (job_id,)):
                return count  # committed, its answer was lost
            found = transaction.select(
                "SELECT id, object_key FROM findings WHERE state = 'quarantined' LIMIT %s FOR UPDATE", (limit,)
            )
            if found:
                transaction.change(
                    "UPDATE findings SET state = 'removed', changed_at = UTC_TIMESTAMP(6) WHERE id IN %s",
                    (tuple(number for number, _ in found),),
                )
                copies = [Removal(_NOBODY, quarantine_key(object_key), 0) for _, object_key in found]
                insert_jobs(transaction, [jobs.removal_job(job_id, copies)])
            count = len(found)
            return count

        return self._database.transaction(work, patience_seconds=BATCH_SECONDS)

    def owe(self, job: Job) -> None:
        def work(transaction: Transaction) -> None:
            if not transaction.select("SELECT 1 FROM jobs WHERE id = %s", (job.id,)):
                insert_jobs(transaction, [job])

        self._database.transaction(work)
