"""Rows as the sweeper reads them, and where it keeps how far it is. All at the primary."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from chalicelib.adapters.mysql.audit_rows import moment_of, put_down
from chalicelib.adapters.mysql.database import Database, Rows, Selecting, Transaction
from chalicelib.adapters.mysql.upload_rows import COLUMNS as UPLOAD_COLUMNS
from chalicelib.adapters.mysql.upload_rows import upload_of
from chalicelib.domain import jobs, sweeping
from chalicelib.domain.admin import DONE, Deed
from chalicelib.domain.jobs import Job
from chalicelib.domain.stored_renditions import original_of
from chalicelib.domain.sweeping import Facts, Finding, Kind, Named, Outcome, Suspect, Sweep
from chalicelib.domain.uploads import Upload

JOBS_PAGE = 100
GRACE_SECONDS = 3600
BATCH_SECONDS = 10.0  # a thousand suspects
_TRASHED = "trash"  # beside the prefixes: originals of images in the trash
_STRETCH = "> %s AND {0} <= %s ORDER BY {0} LIMIT %s"
_NAMED = {  # object key, kind, needed, since, owner, image key, parentless
    sweeping.ORIGINALS: (
        "SELECT object_key, 'image', 1, created_at, owner_id, image_key, 0 FROM images WHERE object_key "
        + _STRETCH.format("object_key")
    ),
    _TRASHED: (
        "SELECT object_key, 'image', 0, created_at, owner_id, image_key, 0 FROM trashed_images WHERE object_key "
        + _STRETCH.format("object_key")
    ),
    sweeping.RENDITIONS: (
        "SELECT r.object_key, 'rendition', r.state = 'ready', r.created_at, r.owner_id, r.image_key, "
        "(i.object_key IS NULL OR i.object_key <> r.source_object_key) AND t.id IS NULL FROM renditions r "
        "LEFT JOIN images i ON i.owner_id = r.owner_id AND i.image_key = r.image_key "
        "LEFT JOIN trashed_images t ON t.owner_id = r.owner_id AND t.object_key = r.source_object_key "
        "WHERE r.object_key " + _STRETCH.format("r.object_key")
    ),
    sweeping.INCOMING: (
        "SELECT incoming_key, 'object', 0, created_at, owner_id, image_key, 0 FROM uploads WHERE state = 'waiting' "
        "AND incoming_key " + _STRETCH.format("incoming_key")
    ),
    sweeping.QUARANTINE: (
        f"SELECT CONCAT('{sweeping.QUARANTINE}', object_key), 'stray', 0, found_at, NULL, NULL, 0 FROM findings "
        f"WHERE state = 'quarantined' AND CONCAT('{sweeping.QUARANTINE}', object_key) "
        + _STRETCH.format(f"CONCAT('{sweeping.QUARANTINE}', object_key)")
    ),
}
_FINDING = "id, kind, object_key, owner_id, image_key, state, words, found_at, changed_at"


class MySqlSweepRows:
    """SweepRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sweep(self) -> tuple[int, Sweep]:
        ((version, state),) = self._database.select("SELECT version, state FROM sweeps WHERE id = 1")
        return version, sweeping.from_json(state)

    def keep(self, version: int, sweep: Sweep, found: Sequence[Suspect] = ()) -> bool:
        def work(transaction: Transaction) -> bool:
            if not _kept(transaction, version, sweep):
                return False
            for suspect in found:
                note(transaction, suspect, Outcome.SUSPECTED, "", sweep.number)
            return True

        return self._database.transaction(work, patience_seconds=BATCH_SECONDS if found else 0.0)

    def stop(self, version: int, sweep: Sweep, words: str) -> bool:
        def work(transaction: Transaction) -> bool:
            if not _kept(transaction, version, sweep):
                return False
            transaction.change("DELETE FROM findings WHERE state = 'suspected'")
            suspect = Suspect(Kind.SWEEP, f"sweep {sweep.number}")
            note(transaction, suspect, Outcome.STOPPED, words, sweep.number)
            return True

        return self._database.transaction(work, patience_seconds=BATCH_SECONDS)

    def allow(self, version: int, sweep: Sweep, deed: Deed) -> bool:
        def work(transaction: Transaction) -> bool:
            if not _kept(transaction, version, sweep):
                return False
            put_down(transaction, deed, DONE)
            return True

        return self._database.transaction(work)

    def owed_removals(self, most: int) -> int:
        found = self._database.select(
            "SELECT COUNT(*) FROM (SELECT 1 FROM jobs WHERE kind = %s LIMIT %s) owed", (jobs.REMOVE_OBJECTS, most)
        )
        return int(found[0][0])

    def named(self, prefix: str, after: str, until: str, limit: int) -> list[Named]:
        found = self._rows_named(prefix, after, until, limit)
        if prefix == sweeping.ORIGINALS:
            # One that is put away in between may be in neither: `facts` looks at both in one statement before any act.
            trashed = self._rows_named(_TRASHED, after, until, limit)
            both = {row[0]: row for row in [*trashed, *found]}
            found = sorted(both.values(), key=lambda row: str(row[0]))[:limit]
        return [
            Named(object_key, Kind(kind), bool(needed), moment_of(since), owner_id, image_key, bool(parentless))
            for object_key, kind, needed, since, owner_id, image_key, parentless in found
        ]

    def _rows_named(self, which: str, after: str, until: str, limit: int) -> Rows:
        return self._database.select(
            _NAMED[which],
            (after, until, limit),
            belongs=lambda rows: all(len(row) == 7 and after < row[0] <= until for row in rows),
        )

    def owed(self, object_keys: Collection[str]) -> set[str]:
        return owed_among(self._database, object_keys)

    def facts(self, object_key: str) -> Facts:
        return facts_of(self._database, object_key)

    def never_completed(self, limit: int) -> list[Upload]:
        found = self._database.select(
            f"SELECT {UPLOAD_COLUMNS} FROM uploads u WHERE u.state = 'waiting' "
            "AND u.ends_at < UTC_TIMESTAMP(6) - INTERVAL %s SECOND LIMIT %s",
            (GRACE_SECONDS, limit),
        )
        return [upload_of(columns) for columns in found]

    def suspects(self, number: int, after: int, limit: int) -> list[Finding]:
        return self._findings(
            "WHERE (state = 'suspected' OR (state = 'lost' AND sweep = %s)) AND id > %s ORDER BY id LIMIT %s",
            (number, after, limit),
        )

    def expired(self, limit: int) -> list[Finding]:
        return self._findings(
            "WHERE state = 'quarantined' AND changed_at < UTC_TIMESTAMP(6) - INTERVAL %s DAY ORDER BY id LIMIT %s",
            (sweeping.QUARANTINE_DAYS, limit),
        )

    def findings(self, before: int | None, limit: int) -> list[Finding]:
        condition, args = ("WHERE id < %s ", (before,)) if before is not None else ("", ())
        return self._findings(f"{condition}ORDER BY id DESC LIMIT %s", (*args, limit))

    def _findings(self, condition: str, args: Sequence[object]) -> list[Finding]:
        found = self._database.select(
            f"SELECT {_FINDING} FROM findings {condition}",
            args,
            belongs=lambda rows: all(len(row) == _FINDING.count(",") + 1 for row in rows),
        )
        return [_finding(row) for row in found]


def note(transaction: Transaction, suspect: Suspect, outcome: Outcome, words: str, number: int) -> None:
    """Writes the finding, or what became of it now if it was found before.

    A loss that is suspected again stays one, whether this sweep comes to act on it or not.
    """
    was_lost = "state = 'lost' AND %s = 'suspected'"  # evaluated from left to right: `state` last
    transaction.change(
        "INSERT INTO findings (kind, object_key, state, words, owner_id, image_key, sweep, found_at, changed_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)) "
        f"ON DUPLICATE KEY UPDATE words = IF({was_lost}, words, %s), owner_id = %s, image_key = %s, sweep = %s, "
        f"changed_at = UTC_TIMESTAMP(6), state = IF({was_lost}, state, %s)",
        (
            *(suspect.kind.value, suspect.object_key, outcome.value, words, suspect.owner_id, suspect.image_key),
            *(number, outcome.value, words, suspect.owner_id, suspect.image_key, number, outcome.value, outcome.value),
        ),
    )


def owed_among(reading: Selecting | Transaction, object_keys: Collection[str]) -> set[str]:
    """Those of the object keys that an owed job removes."""
    wanted, found, after = set(object_keys), set[str](), b""
    while wanted:
        page = reading.select(
            "SELECT id, kind, body FROM jobs WHERE kind = %s AND id > %s ORDER BY id LIMIT %s",
            (jobs.REMOVE_OBJECTS, after, JOBS_PAGE),
        )
        for columns in page:
            found |= wanted & {removal.object_key for removal in jobs.removals_of(Job(*columns))}
        if len(page) < JOBS_PAGE:
            break
        after = page[-1][0]
    return found


def facts_of(reading: Selecting | Transaction, object_key: str) -> Facts:
    """What SweepRows.facts says; the order of the statements is what it rests on."""
    owed = bool(owed_among(reading, [object_key]))
    found = reading.select(
        "SELECT (SELECT COUNT(*) FROM images WHERE object_key = %s) "
        "+ (SELECT COUNT(*) FROM trashed_images WHERE object_key = %s) "
        "+ (SELECT COUNT(*) FROM renditions WHERE object_key = %s) "
        "+ (SELECT COUNT(*) FROM uploads WHERE incoming_key = %s AND state = 'waiting'), "
        "(SELECT COUNT(*) FROM images WHERE object_key = %s) "
        "+ (SELECT COUNT(*) FROM trashed_images WHERE object_key = %s)",
        (*[object_key] * 4, *[original_of(object_key)] * 2),
    )
    return Facts(named=found[0][0] > 0, owed=owed, parent=found[0][1] > 0)


def _kept(transaction: Transaction, version: int, sweep: Sweep) -> bool:
    state = sweeping.to_json(sweep)
    found = transaction.select("SELECT version, state FROM sweeps WHERE id = 1 FOR UPDATE")
    if found == [(version + 1, state)]:
        return True  # committed, its answer was lost
    if found[0][0] != version:
        return False
    transaction.change("UPDATE sweeps SET version = version + 1, state = %s WHERE id = 1", (state,))
    return True


def _finding(columns: Sequence[Any]) -> Finding:
    number, kind, object_key, owner_id, image_key, state, words, found_at, changed_at = columns
    at: datetime = moment_of(found_at)
    suspect = Suspect(Kind(kind), object_key, owner_id, image_key)
    return Finding(number, suspect, Outcome(state), words, at, moment_of(changed_at))
