"""Makes a dump of the database, in stretches that each fit into one run of the worker.

A dump is JSON lines, compressed: what it is, then for each stretch its moment and a line for each row, by table and in
the order of the primary key, then how many rows of each table there were. It goes to the object store in parts
(services/part_writing.py), each a gzip member of its own, so that the next run can go on; members behind each other are
one gzip file. A stretch ends between two pages of rows, and what is no whole part by then is kept in the dump's row.
"""

import json
import logging
import secrets
import zlib
from dataclasses import dataclass, field, replace

from chalicelib.domain import jobs
from chalicelib.domain.admin_ports import DumpRows
from chalicelib.domain.dumps import (
    MEDIA_TYPE,
    DumpSoFar,
    DumpStretch,
    Page,
    SavedDump,
    head_of,
    stretch_line,
)
from chalicelib.domain.errors import ObjectsUnavailableError
from chalicelib.domain.jobs import Job
from chalicelib.domain.parted import Parted, PartedObjects
from chalicelib.domain.ports import Clock
from chalicelib.services.part_writing import MOST_RESTARTS, PartWriting, StretchLimits
from chalicelib.services.sending import Sending
from chalicelib.services.stretches import do_stretch

logger = logging.getLogger(__name__)

LEAST_LEFT_SECONDS = 3600  # a dump that goes so soon is not gone on with: its removal must come after it
_TOO_LATE = "It was not made within the day for which a dump is kept."
_LOST = "What was stored of it was lost again and again. Ask for it once more."
_GZIP = 16 + zlib.MAX_WBITS
_SPEED = 6


@dataclass(frozen=True, slots=True)
class DumpMaking:
    """Performs the jobs of the kind MAKE_DUMP."""

    rows: DumpRows
    objects: PartedObjects
    sending: Sending
    clock: Clock
    environment: str
    limits: StretchLimits = field(default_factory=StretchLimits)

    def perform(self, job: Job) -> None:
        """Does a stretch of the dump, and owes the rest. Raises UnavailableError: to be tried again.

        After jobs.MOST_TRIES of one stretch, and when too little of its day is left, the dump has failed.
        """
        do_stretch(job, lambda: self._begun(job))

    def _begun(self, job: Job) -> "_Run | None":
        stretch = self.rows.begin(bytes.fromhex(json.loads(job.body)["dump"]))
        if stretch is None:
            self.sending.job_rows.finish(job.id)
            return None
        return _Run(self, stretch, job)


class _Run:
    """One stretch."""

    def __init__(self, made_by: DumpMaking, stretch: DumpStretch, job: Job) -> None:
        self._by = made_by
        self._stretch = stretch
        self._job = job
        self._so_far = self._saved = stretch.so_far
        self._writing = PartWriting(made_by.objects, made_by.clock, made_by.limits, stretch.so_far.rest)
        self._packer = _packer()
        self._is_packing = False

    def go(self) -> None:
        if self._so_far.is_whole:
            self._end()
        elif self._stretch.left_seconds < LEAST_LEFT_SECONDS:
            self.fail(_TOO_LATE)
        elif (self._so_far.stored is not None or self._begin()) and self._write():
            self._end()

    def begin_anew(self) -> None:
        restarts = self._saved.restarts + 1
        if restarts > MOST_RESTARTS:
            self.fail(_LOST)
            return
        lost = self._saved.stored
        self._so_far = DumpSoFar(restarts=restarts)
        if self._hand_on():
            self._drop(lost)

    def fail(self, why: str) -> None:
        if self._save(SavedDump(self._saved, why=why, done_job=self._job.id)):
            self._drop(self._saved.stored)

    def _begin(self) -> bool:
        object_key = self._stretch.dump.object_key
        upload_id = self._by.objects.begin_parts(object_key, MEDIA_TYPE)
        self._so_far = replace(self._so_far, stored=Parted(object_key, upload_id))
        return self._save(SavedDump(self._so_far))

    def _write(self) -> bool:
        """Whether the dump is whole and that is saved."""
        if not self._so_far.place:
            self._put(head_of(self._stretch.dump, self._by.environment))
        with self._by.rows.pages(self._so_far.place) as pages:
            self._so_far = replace(self._so_far, stretches=self._so_far.stretches + 1)
            self._put(stretch_line(self._so_far.stretches, self._by.clock.now()))
            for page in pages:
                self._add(page)
                if self._writing.is_full:
                    self._send()
                    if self._writing.is_to_be_saved and not self._save(SavedDump(self._so_far)):
                        return False
                if self._writing.is_over:
                    self._close_member()
                    self._so_far = replace(self._so_far, rest=bytes(self._writing.pending))
                    self._hand_on()
                    return False
        self._put({"rows": self._so_far.counted})
        self._send()
        self._so_far = replace(self._so_far, is_whole=True)
        return self._save(SavedDump(self._so_far))

    def _add(self, page: Page) -> None:
        counted = dict(self._so_far.counted)
        for table, row in page.rows:
            self._put({"table": table, "row": row})
            counted[table] = counted.get(table, 0) + 1
        self._writing.pending += self._packer.flush(zlib.Z_SYNC_FLUSH)  # so that it is known how many bytes there are
        self._so_far = replace(self._so_far, place=page.place, counted=counted)

    def _put(self, line: object) -> None:
        self._is_packing = True
        self._writing.pending += self._packer.compress(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def _close_member(self) -> None:
        if self._is_packing:
            self._writing.pending += self._packer.flush()
            self._packer, self._is_packing = _packer(), False

    def _send(self) -> None:
        self._close_member()
        self._so_far = replace(self._so_far, stored=self._writing.send(self._stored), rest=b"")

    def _end(self) -> None:
        self._writing.end(self._stored)
        self._save(SavedDump(self._so_far, is_ready=True, done_job=self._job.id))

    def _hand_on(self) -> bool:
        following = Job(secrets.token_bytes(16), jobs.MAKE_DUMP, self._job.body)
        if not self._save(SavedDump(self._so_far, done_job=self._job.id, following=following)):
            return False
        self._by.sending.send([following.id])
        return True

    def _save(self, saved: SavedDump) -> bool:
        if not self._by.rows.save(self._stretch, saved):
            logger.info("dump %s: another run goes on with it", self._stretch.dump.id.hex())
            return False
        self._saved = saved.so_far
        self._writing.note_saved()
        return True

    def _drop(self, stored: Parted | None) -> None:
        """Gives up what is stored in parts. What cannot be given up now, the bucket removes by itself after a day."""
        try:
            if stored is not None:
                self._by.objects.drop_parts(stored.object_key, stored.upload_id)
        except ObjectsUnavailableError as error:
            logger.warning("an upload in parts of %s is left behind: %s", self._stretch.dump.object_key, error)

    @property
    def _stored(self) -> Parted:
        if self._so_far.stored is None:
            raise AssertionError("the parts are begun")
        return self._so_far.stored


def _packer() -> "zlib._Compress":
    return zlib.compressobj(_SPEED, zlib.DEFLATED, _GZIP)
