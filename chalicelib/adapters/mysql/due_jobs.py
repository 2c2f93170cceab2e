"""Writing jobs in the transaction that makes them due."""

import hashlib
from collections.abc import Sequence

from chalicelib.adapters.mysql.database import Transaction
from chalicelib.domain import jobs
from chalicelib.domain.jobs import Job, Removal

_INSERT_JOB = """
INSERT INTO jobs (id, kind, body, created_at, due_at)
VALUES (%s, %s, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL %s SECOND)
"""


def insert_jobs(transaction: Transaction, due: Sequence[Job], delay_seconds: int = 0) -> None:
    """Writes the jobs, due after that long."""
    if due:
        transaction.change_many(_INSERT_JOB, [(job.id, job.kind, job.body, delay_seconds) for job in due])


def derived_id(job_id: bytes, number: int) -> bytes:
    """A job's id that a second run of the same write finds again."""
    return hashlib.sha256(job_id + number.to_bytes(8, "big")).digest()[:16]


def owe_removals(transaction: Transaction, removals: Sequence[Removal], job_id: bytes) -> tuple[bytes, ...]:
    """Writes the jobs that remove these, each of as many as one may hold; their ids, that of the first being given."""
    due = [
        jobs.removal_job(
            job_id if start == 0 else derived_id(job_id, start), removals[start : start + jobs.MAX_REMOVALS]
        )
        for start in range(0, len(removals), jobs.MAX_REMOVALS)
    ]
    insert_jobs(transaction, due)
    return tuple(job.id for job in due)
