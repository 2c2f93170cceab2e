"""What the sweeper changes: one transaction each, under the owner's lock where an owner's rows change.

Each looks first whether the finding is still a suspect. So two runs at once, and a run whose answer was lost, act once.
"""

from collections.abc import Callable

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.due_jobs import insert_jobs
from chalicelib.adapters.mysql.image_renditions import insert_due
from chalicelib.adapters.mysql.image_rows import bump, image_under
from chalicelib.adapters.mysql.spending import count
from chalicelib.adapters.mysql.sweep_rows import facts_of
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Removal, Render
from chalicelib.domain.stored_renditions import original_of
from chalicelib.domain.sweeping import (
    ORIGINALS,
    QUARANTINE,
    Finding,
    Kind,
    Outcome,
    Sweep,
    Verdict,
    quarantine_key,
    verdict,
)

_NOBODY, _ANY_PARTITION = b"\x00" * 16, 0  # as of a dump: no key tells where its bytes would be cached
_PARENTLESS = (
    "FROM renditions r LEFT JOIN images i ON i.owner_id = r.owner_id AND i.image_key = r.image_key "
    "LEFT JOIN trashed_images t ON t.owner_id = r.owner_id AND t.object_key = r.source_object_key "
    "WHERE r.owner_id = %s AND r.image_key = %s AND r.object_key = %s "
    "AND (i.object_key IS NULL OR i.object_key <> r.source_object_key) AND t.id IS NULL"
)
_READY = (
    "SELECT r.kind, r.size FROM renditions r JOIN images i ON i.owner_id = r.owner_id AND i.image_key = r.image_key "
    "AND i.object_key = r.source_object_key WHERE r.owner_id = %s AND r.image_key = %s AND r.object_key = %s "
    "AND r.state = 'ready'"
)


class MySqlSweepActs:
    """SweepActs in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def forget(self, finding: Finding) -> None:
        self._database.transaction(lambda transaction: _forget(transaction, finding))

    def quarantine(self, finding: Finding, words: str, job_id: bytes, copied: bool) -> tuple[bytes, ...]:
        suspect = finding.suspect

        def act(transaction: Transaction) -> tuple[bytes, ...]:
            if suspect.kind is Kind.PARENTLESS:
                gone = _drop_parentless(transaction, finding)
            else:
                gone = verdict(suspect.object_key, facts_of(transaction, suspect.object_key)) is Verdict.QUARANTINE
            if gone:
                _settle(transaction, finding, Outcome.QUARANTINED if copied else Outcome.REPAIRED, words)
                return _owe_removal(transaction, job_id, suspect.object_key)
            _forget(transaction, finding)
            return _owe_removal(transaction, job_id, quarantine_key(suspect.object_key))

        return self._once(finding, job_id, act)

    def adopt(self, finding: Finding, words: str, job_id: bytes) -> tuple[bytes, ...]:
        object_key = finding.suspect.object_key
        kind = object_key.rpartition("/")[2]

        def act(transaction: Transaction) -> tuple[bytes, ...]:
            found = _image_of(transaction, original_of(object_key))
            there = transaction.select("SELECT 1 FROM renditions WHERE object_key = %s FOR UPDATE", (object_key,))
            if found is None or there:
                _forget(transaction, finding)
                return ()
            owner, image = found
            insert_due(transaction, owner, image.key, image.object_key, [kind])
            return _owe_rendition(transaction, finding, words, job_id, owner, image, kind)

        return self._once(finding, job_id, act)

    def is_named(self, finding: Finding) -> bool:
        suspect = finding.suspect
        if suspect.kind is Kind.IMAGE:
            return bool(self._database.select("SELECT 1 FROM images WHERE object_key = %s", (suspect.object_key,)))
        place = (suspect.owner_id, suspect.image_key, suspect.object_key)
        if suspect.kind is Kind.PARENTLESS:
            return bool(self._database.select(f"SELECT 1 {_PARENTLESS}", place))
        return bool(self._database.select(_READY, place))

    def remake(self, finding: Finding, words: str, job_id: bytes) -> tuple[bytes, ...]:
        suspect = finding.suspect

        def act(transaction: Transaction) -> tuple[bytes, ...]:
            found = _image_of(transaction, original_of(suspect.object_key))
            place = (suspect.owner_id, suspect.image_key, suspect.object_key)
            ready = transaction.select(f"{_READY} FOR UPDATE", place)
            if found is None or not ready:
                _forget(transaction, finding)
                return ()
            (owner, image), ((kind, size),) = found, ready
            transaction.change(
                "UPDATE renditions SET state = 'due', why = NULL WHERE owner_id = %s AND image_key = %s AND kind = %s",
                (owner.id, image.key, kind),
            )
            count(transaction, owner, -size)
            return _owe_rendition(transaction, finding, words, job_id, owner, image, kind)

        return self._once(finding, job_id, act)

    def restored(self, finding: Finding, intent_id: bytes, words: str, job_id: bytes) -> tuple[bytes, ...]:
        object_key = finding.suspect.object_key

        def act(transaction: Transaction) -> tuple[bytes, ...]:
            if _image_of(transaction, object_key) is None:
                transaction.change("UPDATE jobs SET due_at = UTC_TIMESTAMP(6) WHERE id = %s", (intent_id,))
                _forget(transaction, finding)
                return ()
            # Claimed or not, the removal leaves the object alone while it is an image's.
            transaction.change("DELETE FROM jobs WHERE id = %s", (intent_id,))
            _settle(transaction, finding, Outcome.REPAIRED, words)
            ended = transaction.change(
                "UPDATE findings SET state = 'repaired', words = %s, changed_at = UTC_TIMESTAMP(6) "
                "WHERE object_key = %s AND state = 'quarantined'",
                (words, object_key),
            )
            return _owe_removal(transaction, job_id, quarantine_key(object_key)) if ended else ()

        return self._once(finding, job_id, act)

    def lost(self, finding: Finding, words: str) -> None:
        def act(transaction: Transaction) -> tuple[bytes, ...]:
            if _image_of(transaction, finding.suspect.object_key) is None:
                _forget(transaction, finding)
            else:
                _settle(transaction, finding, Outcome.LOST, words)
            return ()

        self._once(finding, b"", act)

    def note_stray(self, finding: Finding, words: str) -> None:
        object_key = finding.suspect.object_key.removeprefix(QUARANTINE)

        def act(transaction: Transaction) -> tuple[bytes, ...]:
            _forget(transaction, finding)
            transaction.change(
                "INSERT INTO findings (kind, object_key, state, words, sweep, found_at, changed_at) "
                "VALUES ('object', %s, 'quarantined', %s, 0, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)) "
                "ON DUPLICATE KEY UPDATE state = 'quarantined', words = %s, changed_at = UTC_TIMESTAMP(6)",
                (object_key, words, words),
            )
            return ()

        self._once(finding, b"", act)

    def expire(self, finding: Finding, words: str, job_id: bytes) -> tuple[bytes, ...]:
        def act(transaction: Transaction) -> tuple[bytes, ...]:
            _settle(transaction, finding, Outcome.REMOVED, words)
            return _owe_removal(transaction, job_id, quarantine_key(finding.suspect.object_key))

        return self._once(finding, job_id, act)

    def tidy(self, sweep: Sweep, days: int) -> None:
        def work(transaction: Transaction) -> None:
            transaction.change("DELETE FROM findings WHERE state = 'suspected' AND sweep <= %s", (sweep.number,))
            transaction.change(
                "UPDATE findings SET state = 'gone', changed_at = UTC_TIMESTAMP(6) WHERE state = 'lost' AND sweep < %s",
                (sweep.number,),
            )
            transaction.change(
                "DELETE FROM findings WHERE state IN ('repaired', 'gone', 'removed', 'stopped') "
                "AND changed_at < UTC_TIMESTAMP(6) - INTERVAL %s DAY LIMIT 1000",
                (days,),
            )

        self._database.transaction(work)

    def _once(
        self, finding: Finding, job_id: bytes, act: Callable[[Transaction], tuple[bytes, ...]]
    ) -> tuple[bytes, ...]:
        def work(transaction: Transaction) -> tuple[bytes, ...]:
            found = transaction.select("SELECT state FROM findings WHERE id = %s FOR UPDATE", (finding.id,))
            if found == [(finding.outcome.value,)]:
                return act(transaction)
            done = transaction.select("SELECT 1 FROM jobs WHERE id = %s", (job_id,))
            return (job_id,) if done else ()  # committed, its answer was lost; or another run's

        return self._database.transaction(work)


def _forget(transaction: Transaction, finding: Finding) -> None:
    transaction.change("DELETE FROM findings WHERE id = %s", (finding.id,))


def _settle(transaction: Transaction, finding: Finding, outcome: Outcome, words: str) -> None:
    transaction.change(
        "UPDATE findings SET state = %s, words = %s, changed_at = UTC_TIMESTAMP(6) WHERE id = %s",
        (outcome.value, words, finding.id),
    )


def _owe_removal(transaction: Transaction, job_id: bytes, object_key: str) -> tuple[bytes, ...]:
    insert_jobs(transaction, [jobs.removal_job(job_id, [Removal(_NOBODY, object_key, _ANY_PARTITION)])])
    return (job_id,)


def _owe_rendition(
    transaction: Transaction, finding: Finding, words: str, job_id: bytes, owner: Owner, image: Image, kind: str
) -> tuple[bytes, ...]:
    insert_jobs(transaction, [jobs.render_job(job_id, Render(owner.id, image.key, image.object_key, (kind,)))])
    bump(transaction, owner)
    _settle(transaction, finding, Outcome.REPAIRED, words)
    return (job_id,)


def _image_of(transaction: Transaction, object_key: str) -> tuple[Owner, Image] | None:
    """The image that the object is, and its owner, both rows locked, the owner's first."""
    if not object_key.startswith(ORIGINALS):
        return None
    for owner_id, key in transaction.select(
        "SELECT owner_id, image_key FROM images WHERE object_key = %s", (object_key,)
    ):
        owner = _locked(transaction, owner_id)
        image = image_under(transaction, owner, key)
        if image is not None and image.object_key == object_key:
            return owner, image
    return None


def _drop_parentless(transaction: Transaction, finding: Finding) -> bool:
    suspect = finding.suspect
    if suspect.owner_id is None:
        return False
    owner = _locked(transaction, suspect.owner_id)
    place = (suspect.owner_id, suspect.image_key, suspect.object_key)
    found = transaction.select(f"SELECT r.kind, IF(r.state = 'ready', r.size, 0) {_PARENTLESS} FOR UPDATE", place)
    for kind, counted in found:
        transaction.change(
            "DELETE FROM renditions WHERE owner_id = %s AND image_key = %s AND kind = %s",
            (suspect.owner_id, suspect.image_key, kind),
        )
        count(transaction, owner, -counted)
    if found:
        bump(transaction, owner)
    return bool(found)


def _locked(transaction: Transaction, owner_id: bytes) -> Owner:
    return Owner(*transaction.select("SELECT id, version FROM owners WHERE id = %s FOR UPDATE", (owner_id,))[0])
