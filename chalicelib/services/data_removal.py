"""Deleting all data: what was there when it was asked for, in batches, by jobs that follow each other.

An image stored after that moment stays, so that a job that comes late harms nobody.
"""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain import jobs
from chalicelib.domain.admin import DONE, REFUSED
from chalicelib.domain.admin_ports import AdminRows, RemovalRows
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.jobs import Job
from chalicelib.domain.ports import Clock
from chalicelib.services.admin import By
from chalicelib.services.sending import Sending

JOB_SECONDS = 10.0  # then the next job goes on
BATCH = 100  # images, whose renditions go with them: a job removes at most jobs.MAX_REMOVALS objects
ACCOUNTS_BATCH = 500


@dataclass(frozen=True, slots=True)
class DataRemoval:
    """The use case. Every call may raise RowsUnavailableError."""

    rows: RemovalRows
    admin_rows: AdminRows
    sending: Sending
    clock: Clock
    environment: str
    end_notices: Callable[[bytes], None]  # of an owner's, who is told of edits by mail

    def ask(self, by: By, environment: str, accounts: bool) -> None:
        """Removes every image, and if so asked every account that is no admin's. Raises InvalidValueError."""
        counts = self.admin_rows.counts()
        about = f"{counts.images:,} images" + (f", {counts.accounts - counts.admins:,} accounts" if accounts else "")
        deed = by.deed("delete all data", about)
        if environment != self.environment:
            self.admin_rows.note(deed, REFUSED)
            raise InvalidValueError("environment", f"Nothing was deleted: type {self.environment}, this store's name.")
        self.sending.send([self.rows.ask_removal(deed, accounts)])

    def perform(self, job: Job) -> None:
        """Does a stretch of it, and owes the rest to a following job. Raises UnavailableError: to be tried again.

        While the topic of notices is away, everything else is deleted and the log says that it is not done.
        """
        due = self._stretch(job)
        self.sending.job_rows.finish(job.id)
        self.sending.send(due)

    def _stretch(self, job: Job) -> Sequence[bytes]:
        body = json.loads(job.body)
        before, until = datetime.fromisoformat(body["before"]), self.clock.monotonic() + JOB_SECONDS
        due: list[bytes] = []
        while body["accounts"] and self.clock.monotonic() < until:
            uploads_id = secrets.token_bytes(16)
            removed = self.rows.remove_accounts(before, uploads_id, ACCOUNTS_BATCH)
            due += [uploads_id] if removed else []
            body["accounts"] = removed == ACCOUNTS_BATCH
        while self.clock.monotonic() < until:
            owner_id = self.rows.next_owner(bytes.fromhex(body["after"]))
            if owner_id is None:
                copies_id = secrets.token_bytes(16)
                if self.rows.end_quarantine(copies_id, jobs.MAX_REMOVALS):
                    due.append(copies_id)
                    continue
                if not self._end_notices(until):
                    break
                self.admin_rows.conclude(bytes.fromhex(body["deed"]), DONE)
                return due
            removal_id = secrets.token_bytes(16)
            removed = self.rows.remove_images(owner_id, before, removal_id, BATCH)
            due += [removal_id] if removed else []
            if removed < BATCH:
                body["after"] = owner_id.hex()
        following = Job(secrets.token_bytes(16), jobs.REMOVE_DATA, json.dumps(body))
        self.rows.owe(following)
        return [*due, following.id]

    def _end_notices(self, until: float) -> bool:
        """Whether nobody whose account is gone is told of edits any more. Last, since the topic may be away."""
        while (owner_id := self.rows.next_notices()) is not None:
            if self.clock.monotonic() >= until:
                return False
            self.end_notices(owner_id)
            self.rows.forget_notices(owner_id)
        return True
