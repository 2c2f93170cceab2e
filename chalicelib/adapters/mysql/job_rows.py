"""The rows of owed jobs."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.domain.jobs import Job
from chalicelib.domain.stored_renditions import original_of

RESEND_SECONDS = 60  # doubled each time a job is sent again
MAX_RESEND_SECONDS = 86400


class MySqlJobRows:
    """JobRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, job_id: bytes) -> Job | None:
        def work(transaction: Transaction) -> Job | None:
            transaction.change(
                "UPDATE jobs SET claimed_at = UTC_TIMESTAMP(6), tries = tries + 1 "
                "WHERE id = %s AND due_at <= UTC_TIMESTAMP(6)",
                (job_id,),
            )
            found = transaction.select(
                "SELECT id, kind, body, tries FROM jobs WHERE id = %s AND claimed_at IS NOT NULL", (job_id,)
            )
            return Job(*found[0]) if found else None

        return self._database.transaction(work)

    def unreferenced(self, object_keys: Sequence[str]) -> set[str]:
        if not object_keys:
            return set()
        originals = {object_key: original_of(object_key) for object_key in object_keys}
        asked = tuple(set(originals.values()))
        found = self._database.select(  # one statement: an image that moves between the two is in one of them
            "SELECT object_key FROM images WHERE object_key IN %s "
            "UNION ALL SELECT object_key FROM trashed_images WHERE object_key IN %s",
            (asked, asked),
        )
        kept = {object_key for (object_key,) in found}
        return {object_key for object_key, original in originals.items() if original not in kept}

    def finish(self, job_id: bytes) -> None:
        self._database.transaction(lambda transaction: transaction.change("DELETE FROM jobs WHERE id = %s", (job_id,)))

    def gather(self, job: Job, alike: str, limit: int, merged: Callable[[Sequence[str]], str]) -> Job | None:
        # Looked for without locks, which the rows of other kinds would get too. What was claimed may be done.
        found = self._database.select(
            "SELECT id FROM jobs WHERE kind = %s AND due_at <= UTC_TIMESTAMP(6) AND claimed_at IS NULL "
            "AND LEFT(body, %s) = %s LIMIT %s",
            (job.kind, len(alike), alike, limit),
        )
        ids = tuple(sorted({job.id, *(job_id for (job_id,) in found)}))

        def work(transaction: Transaction) -> Job | None:
            there = transaction.select("SELECT id, body FROM jobs WHERE id IN %s ORDER BY id FOR UPDATE", (ids,))
            bodies: dict[bytes, str] = dict(there)
            if job.id not in bodies:
                return None
            others = tuple(job_id for job_id in bodies if job_id != job.id)
            if not others:
                return replace(job, body=bodies[job.id])
            body = merged([bodies[job.id], *(bodies[job_id] for job_id in others)])
            transaction.change("UPDATE jobs SET body = %s WHERE id = %s", (body, job.id))
            transaction.change("DELETE FROM jobs WHERE id IN %s", (others,))
            return replace(job, body=body)

        return self._database.transaction(work)

    def mark_sent(self, job_ids: Sequence[bytes]) -> None:
        self._database.transaction(
            lambda transaction: transaction.change(
                "UPDATE jobs SET sent_at = UTC_TIMESTAMP(6), sent_times = sent_times + 1 WHERE id IN %s",
                (tuple(job_ids),),
            )
        )

    def due(self, limit: int) -> list[bytes]:
        found = self._database.select(
            "SELECT id FROM jobs WHERE due_at <= UTC_TIMESTAMP(6) AND (sent_at IS NULL OR sent_at <= UTC_TIMESTAMP(6) "
            "- INTERVAL LEAST(%s, %s * POW(2, LEAST(sent_times, 20)) / 2) SECOND) ORDER BY due_at LIMIT %s",
            (MAX_RESEND_SECONDS, RESEND_SECONDS, limit),
        )
        return [job_id for (job_id,) in found]
