"""Puts images into the rows that searches go by, if they were there before those rows were."""

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.due_jobs import derived_id, insert_jobs
from chalicelib.adapters.mysql.image_terms import index
from chalicelib.domain import jobs
from chalicelib.domain.jobs import Job

BATCH_SECONDS = 10.0  # some hundred images, each with some dozen rows


class MySqlIndexRows:
    """IndexRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def index(self, job: Job, limit: int) -> tuple[bytes, ...]:
        owner_id, after = jobs.indexed_by(job)
        following = derived_id(job.id, 0)

        def work(transaction: Transaction) -> tuple[bytes, ...]:
            locked = transaction.select("SELECT id FROM owners WHERE id = %s FOR UPDATE", (owner_id,))
            if not transaction.change("DELETE FROM jobs WHERE id = %s", (job.id,)):
                return (following,)  # done, by whoever; if it was the last there is no such job, which harms nothing
            if not locked:
                return ()
            found = transaction.select(
                "SELECT image_key FROM images WHERE owner_id = %s AND image_key > %s ORDER BY image_key LIMIT %s",
                (owner_id, after, limit),
            )
            keys = [key for (key,) in found]
            index(transaction, owner_id, keys)
            if len(keys) < limit:
                return ()
            insert_jobs(transaction, [jobs.index_job(following, owner_id, keys[-1])])
            return (following,)

        return self._database.transaction(work, patience_seconds=BATCH_SECONDS)
