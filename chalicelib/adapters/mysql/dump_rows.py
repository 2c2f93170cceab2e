"""The rows of dumps. What goes into one is said in dumped_tables.py."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from chalicelib.adapters.mysql.audit_rows import concluded, moment_of, put_down
from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.due_jobs import derived_id, insert_jobs
from chalicelib.adapters.mysql.dumped_tables import pages_of
from chalicelib.adapters.mysql.turns import end_stretch, take_turn
from chalicelib.domain import jobs
from chalicelib.domain.admin import BEGUN, DONE, FAILED, Deed, Dump
from chalicelib.domain.dumps import DumpStretch, Page, SavedDump, so_far_of, text_of
from chalicelib.domain.jobs import Job, Removal

KEPT_SECONDS = 24 * 3600
MOST_DUMPS = 20
SAVE_SECONDS = 5.0  # a part that is not whole may have 8 MiB
_DUMP = "id, deed, actor_email, object_key, asked_at, ends_at, done_at, row_count, size, why"
_COUNT = _DUMP.count(",") + 1
_NOBODY = b"\x00" * 16
_UNDER_WAY = "done_at IS NULL AND why IS NULL"


class MySqlDumpRows:
    """DumpRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask_dump(self, dump_id: bytes, object_key: str, deed: Deed) -> bytes:
        job_id, removal_id = derived_id(dump_id, 0), derived_id(dump_id, 1)

        def work(transaction: Transaction) -> bytes:
            if not put_down(transaction, deed, BEGUN):
                return job_id  # committed, its answer was lost
            transaction.change(
                "INSERT INTO dumps (id, deed, actor_email, object_key, asked_at, ends_at) VALUES "
                "(%s, %s, %s, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL %s SECOND)",
                (dump_id, deed.id, deed.actor.encode(), object_key, KEPT_SECONDS),
            )
            insert_jobs(transaction, [Job(job_id, jobs.MAKE_DUMP, json.dumps({"dump": dump_id.hex()}))])
            removal = jobs.removal_job(removal_id, [Removal(_NOBODY, object_key, 0)])
            insert_jobs(transaction, [removal], KEPT_SECONDS)
            return job_id

        return self._database.transaction(work)

    def dumps(self) -> list[Dump]:
        found = self._database.select(
            f"SELECT {_DUMP} FROM dumps WHERE ends_at > UTC_TIMESTAMP(6) ORDER BY asked_at DESC LIMIT %s",
            (MOST_DUMPS,),
            belongs=lambda rows: all(len(row) == _COUNT for row in rows),
        )
        return [_dump(row) for row in found]

    def dump(self, dump_id: bytes) -> Dump | None:
        found = self._database.select(
            f"SELECT {_DUMP} FROM dumps WHERE id = %s AND ends_at > UTC_TIMESTAMP(6)",
            (dump_id,),
            belongs=lambda rows: all(row[0] == dump_id for row in rows),
        )
        return _dump(found[0]) if found else None

    def begin(self, dump_id: bytes) -> DumpStretch | None:
        def work(transaction: Transaction) -> DumpStretch | None:
            take_turn(transaction, "dumps", dump_id)
            found = transaction.select(
                f"SELECT {_DUMP}, turn, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), ends_at), making, rest "
                f"FROM dumps WHERE id = %s AND {_UNDER_WAY}",
                (dump_id,),
            )
            if not found:
                return None
            turn, left_seconds, making, rest = found[0][_COUNT:]
            return DumpStretch(_dump(found[0][:_COUNT]), turn, float(left_seconds), so_far_of(making, rest))

        return self._database.transaction(work, patience_seconds=SAVE_SECONDS)

    @contextmanager
    def pages(self, after: str) -> Iterator[Iterator[Page]]:
        with self._database.snapshot() as select:
            yield pages_of(select, after)

    def save(self, stretch: DumpStretch, saved: SavedDump) -> bool:
        def work(transaction: Transaction) -> bool:
            return end_stretch(
                transaction,
                ("dumps", stretch.dump.id, _UNDER_WAY),
                stretch.turn,
                lambda: _save(transaction, stretch.dump, saved),
                saved.done_job,
                saved.following,
            )

        return self._database.transaction(work, patience_seconds=SAVE_SECONDS)


def _save(transaction: Transaction, dump: Dump, saved: SavedDump) -> None:
    so_far, is_over = saved.so_far, saved.is_ready or saved.why is not None
    making, rest = (None, None) if is_over else (text_of(so_far), so_far.rest)
    transaction.change(
        "UPDATE dumps SET row_count = %s, size = %s, making = %s, rest = %s, why = %s, "
        "done_at = IF(%s, UTC_TIMESTAMP(6), NULL) WHERE id = %s",
        (so_far.rows, so_far.size, making, rest, saved.why, saved.is_ready, dump.id),
    )
    if is_over:
        concluded(transaction, dump.deed_id, DONE if saved.is_ready else FAILED)


def _dump(columns: Sequence[Any]) -> Dump:
    dump_id, deed_id, actor, object_key, asked_at, ends_at, done_at, rows, size, why = columns
    done = None if done_at is None else moment_of(done_at)
    return Dump(
        dump_id, deed_id, actor.decode(), object_key, moment_of(asked_at), moment_of(ends_at), done, rows, size, why
    )
