"""The sweeper: finds what does not belong together, and puts it into quarantine or mends it. Nothing goes silently.

A run does as much as it has time for and keeps how far it is, so that the next goes on from there. One runs at a time
as a rule; correctness does not lean on that. `domain/sweeping.py` decides, `sweep_acts.py` acts.
"""

import logging
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from chalicelib.domain import sweeping
from chalicelib.domain.errors import ObjectsUnavailableError
from chalicelib.domain.ports import Clock
from chalicelib.domain.sweeping import Finding, Phase, Sweep
from chalicelib.domain.sweeping_ports import SweepRows
from chalicelib.domain.upload_ports import UploadRows
from chalicelib.services.sweep_acts import SweepActing

logger = logging.getLogger(__name__)

RUN_SECONDS = 15.0  # of the 29 that a function has; what is under way then is finished
PAGE = 1000  # objects in one listing, and rows beside them
BATCH = 20  # findings between two notes of how far it is
UPLOADS_BATCH, UPLOADS_BATCHES = 200, 5
NAME = "sweep"


@dataclass(frozen=True, slots=True)
class Findings:
    """Some findings, newest first, and before which the next ones stand if there are more."""

    findings: list[Finding]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Sweeps, and what admins see of it. `exclusive` says whether this process alone holds a name."""

    rows: SweepRows
    acting: SweepActing
    upload_rows: UploadRows
    exclusive: Callable[[str], AbstractContextManager[bool]]
    clock: Clock

    def run(self) -> Sweep:
        """Goes on with the sweep that is under way, or begins one if it is time; the sweep as it stands then.

        Raises RowsUnavailableError or ObjectsUnavailableError: the next run goes on.
        """
        with self.exclusive(NAME) as alone:
            version, sweep = self.rows.sweep()
            if not alone or self.rows.owed_removals(sweeping.MOST_OWED) == sweeping.MOST_OWED:
                return sweep
            marked = self.acting.objects.marked(sweeping.MARKER)
            if sweeping.went_back(sweep, version, marked):
                words = sweeping.waiting_words(version, marked)
                return self._stop(version, sweeping.waiting(sweep, self.clock.now()), words) or sweep
            version, sweep = self._steps(version, sweep)
            if sweep.phase is not Phase.WAITING:
                self.acting.objects.mark(sweeping.MARKER, version)
            return sweep

    def last(self) -> Sweep:
        """The sweep that is under way, or the last one."""
        return self.rows.sweep()[1]

    def findings(self, before: int | None, limit: int) -> Findings:
        """At most `limit` findings, newest first; those behind the finding `before` if it is given."""
        found = self.rows.findings(before, limit + 1)
        return Findings(found[:limit], found[limit - 1].id if len(found) > limit else None)

    def _steps(self, version: int, sweep: Sweep) -> tuple[int, Sweep]:
        """As many steps as there is time for, and at least a new version of the row, so that the marker moves."""
        first, until = version, self.clock.monotonic() + RUN_SECONDS
        while self.clock.monotonic() < until:
            step = self._step(version, sweep)
            if step is None:  # nothing to do, or another run is further
                break
            version, sweep = version + 1, step
        if version == first and sweep.phase is not Phase.WAITING and self.rows.keep(version, sweep):
            version += 1
        return version, sweep

    def _step(self, version: int, sweep: Sweep) -> Sweep | None:
        """The sweep after its next step, which is kept; None if there was none."""
        match sweep.phase:
            case Phase.LOOKING:
                return self._look(version, sweep)
            case Phase.ACTING:
                return self._act(version, sweep)
            case Phase.ENDING:
                return self._end(version, sweep)
        return self._begin(version, sweep) if sweeping.is_due(sweep, self.clock.now()) else None

    def _begin(self, version: int, last: Sweep) -> Sweep | None:
        sweep = replace(sweeping.begun(last, self.clock.now()), uploads_ended=self._end_uploads())
        if last.phase is Phase.WAITING:  # before it is over, or the next run would wait again
            self.acting.objects.mark(sweeping.MARKER, version)
        return sweep if self.rows.keep(version, sweep) else None

    def _end_uploads(self) -> int:
        """Ends the uploads that never were completed; what came of them is removed."""
        ended = 0
        for _ in range(UPLOADS_BATCHES):
            uploads = self.rows.never_completed(UPLOADS_BATCH)
            for upload in uploads:
                words = "The upload was not completed in its time: begin it again."
                self.acting.sending.send(self.upload_rows.refuse(upload, words, secrets.token_bytes(16)).jobs)
            ended += len(uploads)
            if len(uploads) < UPLOADS_BATCH:
                break
        return ended

    def _look(self, version: int, sweep: Sweep) -> Sweep | None:
        now = self.clock.now()
        objects = self.acting.objects.listed(sweep.prefix, sweep.after, PAGE)
        cut = len(objects) == PAGE
        until = objects[-1].object_key if cut else sweeping.end_of(sweep.prefix)
        rows = self.rows.named(sweep.prefix, sweep.after, until, PAGE)
        until = sweeping.covered_until(sweep.prefix, objects, cut, rows, len(rows) == PAGE)
        unnamed = sweeping.unnamed_in(objects, rows, until, now)
        owed = self.rows.owed(unnamed) if unnamed else set()
        found = sweeping.suspects_in(objects, rows, unnamed, owed, now)
        seen = sum(one.object_key <= until and one.object_key != sweeping.MARKER for one in objects)
        following = sweeping.advanced(sweep, until, seen, len(rows), found)
        words = sweeping.too_many(following)
        if words is not None:
            return self._stop(version, replace(following, phase=Phase.DONE, ended_at=now, stopped=True), words)
        return following if self.rows.keep(version, following, found) else None

    def _act(self, version: int, sweep: Sweep) -> Sweep | None:
        batch = self.rows.suspects(sweep.number, sweep.acted, BATCH)
        for finding in batch:
            try:
                self.acting.act(finding)
            except ObjectsUnavailableError as error:  # what cannot be seen is left as it is, for the next sweep
                logger.warning("%s is left as it is: %s", finding.suspect.object_key, error)
        following = replace(sweep, acted=batch[-1].id) if batch else replace(sweep, phase=Phase.ENDING)
        return following if self.rows.keep(version, following) else None

    def _end(self, version: int, sweep: Sweep) -> Sweep | None:
        expired = self.rows.expired(BATCH)
        for finding in expired:
            self.acting.expire(finding)
        if expired:
            return sweep if self.rows.keep(version, sweep) else None
        self.acting.acts.tidy(sweep, sweeping.FINDING_DAYS)
        following = replace(sweep, phase=Phase.DONE, ended_at=self.clock.now())
        logger.info("sweep %d looked at %d objects and %d rows", sweep.number, sweep.objects, sweep.rows)
        return following if self.rows.keep(version, following) else None

    def _stop(self, version: int, sweep: Sweep, words: str) -> Sweep | None:
        logger.error("%s", words)
        return sweep if self.rows.stop(version, sweep, words) else None
