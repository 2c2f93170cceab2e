"""Dumps of the database: asked for with the password, made by the worker, given by a link of five minutes.

A dump's object lies under a random key and is removed after a day by a job that is owed from the beginning. How it is
made: services/dump_making.py.
"""

import secrets
from dataclasses import dataclass

from chalicelib.domain.admin import REFUSED, Dump
from chalicelib.domain.admin_ports import AdminRows, DumpRows
from chalicelib.domain.dumps import MEDIA_TYPE
from chalicelib.domain.errors import InvalidValueError, TooManyTriesError, UnknownDumpError
from chalicelib.domain.ports import Objects
from chalicelib.services.accounts import Accounts
from chalicelib.services.admin import By
from chalicelib.services.sending import Sending

LINK_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Dumps:
    """The use cases of dumps. Every call may raise RowsUnavailableError."""

    rows: DumpRows
    admin_rows: AdminRows
    accounts: Accounts
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
        if dump.why is not None:
            raise UnknownDumpError(f"This dump has failed. {dump.why}")
        if dump.done_at is None:
            raise UnknownDumpError("This dump is still being made.")
        self.admin_rows.note(by.deed("link to a dump", f"asked for by {dump.actor}, {dump.rows} rows"), "done")
        return self.objects.signed_address(dump.object_key, MEDIA_TYPE, LINK_SECONDS)

    def _dump(self, dump_id: bytes) -> Dump:
        dump = self.rows.dump(dump_id)
        if dump is None:
            raise UnknownDumpError("There is no such dump, or it is removed: dumps are kept for a day.")
        return dump
