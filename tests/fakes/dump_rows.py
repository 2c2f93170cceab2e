"""DumpRows in memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import jobs
from chalicelib.domain.admin import DONE, FAILED, Deed, Dump
from chalicelib.domain.dumps import DumpStretch, Page, Row, SavedDump, so_far_of, text_of
from chalicelib.domain.jobs import Job, Removal
from tests.fakes.admin_rows import MemoryAdminRows
from tests.fakes.store import JobRow, MemoryStore

KEPT_SECONDS = 24 * 3600
ROWS = 2  # of a page


class MemoryDumpRows:
    """DumpRows over a MemoryStore: a dump has accounts and images. What a run keeps goes through text, as in a row."""

    def __init__(self, store: MemoryStore, admin_rows: MemoryAdminRows) -> None:
        self._store = store
        self._admin_rows = admin_rows
        self._turns: dict[bytes, int] = {}
        self._kept: dict[bytes, tuple[str, bytes]] = {}

    def ask_dump(self, dump_id: bytes, object_key: str, deed: Deed) -> bytes:
        with self._store.steps.step("dumps.ask"), self._store.lock:
            self._admin_rows.begin(deed)
            now = self._store.clock.now()
            ends_at = now + timedelta(seconds=KEPT_SECONDS)
            self._store.dumps[dump_id] = Dump(dump_id, deed.id, deed.actor, object_key, now, ends_at)
            removal = jobs.removal_job(deed.id, [Removal(bytes(16), object_key, 0)])
            self._store.jobs[removal.id] = JobRow(removal, ends_at)
            self._admin_rows.owe(Job(dump_id, jobs.MAKE_DUMP, json.dumps({"dump": dump_id.hex()})))
            return dump_id

    def dumps(self) -> list[Dump]:
        with self._store.lock:
            now = self._store.clock.now()
            return [one for one in reversed(self._store.dumps.values()) if one.ends_at > now]

    def dump(self, dump_id: bytes) -> Dump | None:
        return next((one for one in self.dumps() if one.id == dump_id), None)

    def begin(self, dump_id: bytes) -> DumpStretch | None:
        with self._store.steps.step("dumps.begin"), self._store.lock:
            dump = self._store.dumps.get(dump_id)
            if dump is None or dump.state != "being made":
                return None
            self._turns[dump_id] = self._turns.get(dump_id, 0) + 1
            left = dump.ends_at - self._store.clock.now()
            so_far = so_far_of(*self._kept.get(dump_id, (None, None)))
            return DumpStretch(dump, self._turns[dump_id], left.total_seconds(), so_far)

    @contextmanager
    def pages(self, after: str) -> Iterator[Iterator[Page]]:
        with self._store.lock:
            there = list(self._rows())
        yield self._pages([one for one in there if one[0] > after])

    def save(self, stretch: DumpStretch, saved: SavedDump) -> bool:
        with self._store.steps.step("dumps.save"), self._store.lock:
            store, dump, so_far = self._store, self._store.dumps[stretch.dump.id], saved.so_far
            if dump.state != "being made" or self._turns[dump.id] != stretch.turn:
                return False
            self._kept[dump.id] = text_of(so_far), so_far.rest
            done_at = store.clock.now() if saved.is_ready else None
            store.dumps[dump.id] = replace(dump, done_at=done_at, rows=so_far.rows, size=so_far.size, why=saved.why)
            if saved.is_ready or saved.why is not None:
                self._admin_rows.conclude(dump.deed_id, DONE if saved.is_ready else FAILED)
            if saved.done_job is not None:
                store.jobs.pop(saved.done_job, None)
            if saved.following is not None:
                self._admin_rows.owe(saved.following)
            return True

    def _pages(self, there: list[tuple[str, Row]]) -> Iterator[Page]:
        for start in range(0, len(there), ROWS):
            with self._store.steps.step("dumps.page"):
                some = there[start : start + ROWS]
            yield Page([row for _, row in some], some[-1][0])

    def _rows(self) -> Iterator[tuple[str, Row]]:
        """Each with its place, in the order of places."""
        for owner_id, account in sorted(self._store.accounts.items()):
            yield f"accounts {owner_id.hex()}", ("accounts", {"owner_id": owner_id.hex(), "email": account.email})
        for (owner_id, key), image in sorted(self._store.images.items()):
            yield f"images {owner_id.hex()} {key.hex()}", ("images", {"image_key": image.key.decode()})
