"""JobRows in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.jobs import Job
from chalicelib.domain.stored_renditions import original_of
from tests.fakes.store import JobRow, MemoryStore

RESEND_SECONDS, MAX_RESEND_SECONDS = 60, 86400


class MemoryJobRows:
    """JobRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def claim(self, job_id: bytes) -> Job | None:
        with self._store.steps.step("jobs.claim"), self._store.lock:
            row = self._store.jobs.get(job_id)
            if row is None:
                return None
            if row.due_at <= self._store.clock.now():
                row.claimed, row.job = True, replace(row.job, tries=row.job.tries + 1)
            return row.job if row.claimed else None

    def unreferenced(self, object_keys: Sequence[str]) -> set[str]:
        with self._store.steps.step("jobs.unreferenced"), self._store.lock:
            kept = {image.object_key for image in self._store.kept()}
            return {object_key for object_key in object_keys if original_of(object_key) not in kept}

    def finish(self, job_id: bytes) -> None:
        with self._store.steps.step("jobs.finish"), self._store.lock:
            self._store.jobs.pop(job_id, None)

    def gather(self, job: Job, alike: str, limit: int, merged: Callable[[Sequence[str]], str]) -> Job | None:
        with self._store.steps.step("jobs.gather"), self._store.lock:
            rows, now = self._store.jobs, self._store.clock.now()
            if job.id not in rows:
                return None
            others = [
                one.job
                for one in rows.values()
                if one.job.id != job.id and one.job.kind == job.kind and one.due_at <= now and not one.claimed
                if one.job.body.startswith(alike)
            ][:limit]
            if others:
                body = merged([one.body for one in (rows[job.id].job, *others)])
                rows[job.id].job = replace(rows[job.id].job, body=body)
            for one in others:
                del rows[one.id]
            return rows[job.id].job

    def mark_sent(self, job_ids: Sequence[bytes]) -> None:
        with self._store.steps.step("jobs.mark_sent"), self._store.lock:
            for job_id in job_ids:
                row = self._store.jobs.get(job_id)
                if row is not None:
                    row.sent_at, row.sent_times = self._store.clock.now(), row.sent_times + 1

    def due(self, limit: int) -> list[bytes]:
        with self._store.steps.step("jobs.due"), self._store.lock:
            now = self._store.clock.now()
            rows = sorted(self._store.jobs.values(), key=lambda row: row.due_at)
            return [row.job.id for row in rows if row.due_at <= now and _is_lost(row, now)][:limit]


def _is_lost(row: JobRow, now: datetime) -> bool:
    if row.sent_at is None:
        return True
    patience_seconds = min(MAX_RESEND_SECONDS, RESEND_SECONDS * 2 ** (min(row.sent_times, 20) - 1))
    return row.sent_at + timedelta(seconds=patience_seconds) <= now
