"""Writing jobs in the transaction that makes them due."""

import hashlib
from collections.abc import Sequence

from chalicelib.adapters.mysql.database import Transaction
from chalicelib.domain.jobs import Job

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
