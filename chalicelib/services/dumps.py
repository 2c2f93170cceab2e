"""Dumps of the database: asked for with the password, made by the worker, given by a link of five minutes.

A dump is JSON lines, compressed: what it is, then a line for each row, then how many rows of each table there were. Its
object lies under a random key and is removed after a day by a job that is owed from the beginning.
"""

import json
import secrets
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.admin import REFUSED, Dump
from chalicelib.domain.admin_ports import AdminRows, DumpObjects, DumpRows
from chalicelib.domain.errors import InvalidValueError, TooManyTriesError, UnknownDumpError
from chalicelib.domain.jobs import Job
from chalicelib.domain.ports import Objects
from chalicelib.services.accounts import Accounts
from chalicelib.services.admin import By
from chalicelib.services.sending import Sending

LINK_SECONDS = 300
MEDIA_TYPE = "application/gzip"
LEAST_LEFT_SECONDS = 3600  # a dump that goes so soon is not begun: its removal must come after it
_GZIP = 16 + zlib.MAX_WBITS
_SPEED = 6


@dataclass(frozen=True, slots=True)
class Dumps:
    """The use cases of dumps. Every call may raise RowsUnavailableError."""

    rows: DumpRows
    admin_rows: AdminRows
    accounts: Accounts
    writing: DumpObjects
    objects: Objects
    sending: Sending
    environment: str

    def ask(self, by: By, password: str) -> Dump:
        """A dump that the worker makes now. Raises InvalidValueError or TooManyTriesError."""
        deed = by.deed("dump")
        try:
            self.accounts.confirm(by.principal, password)
        except (InvalidValueError, TooManyTriesError):
            self.admin_rows.note(deed, REFUSED)
            raise
        dump_id = secrets.token_bytes(16)
        object_key = f"dumps/{secrets.token_hex(32)}/{self.environment}.jsonl.gz"
        self.sending.send([self.rows.ask_dump(dump_id, object_key, deed)])
        return self._dump(dump_id)

    def list(self) -> list[Dump]:
        """Those that are not removed yet, newest first."""
        return self.rows.dumps()

    def link(self, by: By, dump_id: bytes) -> str:
        """An address that gives the dump for LINK_SECONDS. Raises UnknownDumpError."""
        dump = self._dump(dump_id)
        if dump.done_at is None:
            raise UnknownDumpError("This dump is still being made.")
        self.admin_rows.note(by.deed("link to a dump", f"asked for by {dump.actor}, {dump.rows} rows"), "done")
        return self.objects.signed_address(dump.object_key, MEDIA_TYPE, LINK_SECONDS)

    def make(self, job: Job) -> None:
        """Makes the dump that the job names; nothing if it was given up. Raises UnavailableError: to be tried again."""
        dump = self.rows.dump(bytes.fromhex(json.loads(job.body)["dump"]), LEAST_LEFT_SECONDS)
        if dump is not None:
            with self.writing.writing(dump.object_key, MEDIA_TYPE) as write:
                counted, size = self._written(dump, write)
            self.rows.finish_dump(dump.id, counted.total(), size)
        self.sending.job_rows.finish(job.id)

    def _written(self, dump: Dump, write: Callable[[bytes], None]) -> tuple[Counter[str], int]:
        """Streams the dump; how many rows of each table, and how many bytes."""
        packer, counted, size = zlib.compressobj(_SPEED, zlib.DEFLATED, _GZIP), Counter[str](), 0

        def put(line: object) -> None:
            nonlocal size
            packed = packer.compress(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            size += len(packed)
            write(packed)

        put({"dump": dump.id.hex(), "environment": self.environment, "asked_at": dump.asked_at.isoformat()})
        with self.rows.snapshot() as rows:
            for table, row in rows:
                put({"table": table, "row": row})
                counted[table] += 1
        put({"rows": dict(counted)})
        rest = packer.flush()
        write(rest)
        return counted, size + len(rest)

    def _dump(self, dump_id: bytes) -> Dump:
        dump = self.rows.dump(dump_id)
        if dump is None:
            raise UnknownDumpError("There is no such dump, or it is removed: dumps are kept for a day.")
        return dump
