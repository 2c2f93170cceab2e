"""The rows of renditions: what is shown, what is asked for, and what the worker makes of it.

Every write locks the owner's row first, as the writes of images do, and bumps the owner's version.
"""

from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.mysql.database import Database, Selecting, Transaction
from chalicelib.adapters.mysql.detail_rows import details_of, note_seen
from chalicelib.adapters.mysql.due_jobs import insert_jobs
from chalicelib.adapters.mysql.image_renditions import insert_due
from chalicelib.adapters.mysql.image_rows import COLUMN_COUNT, COLUMNS, bump, image_of, image_under, locked_owner
from chalicelib.adapters.mysql.image_terms import index
from chalicelib.adapters.mysql.principals import nobody, whose
from chalicelib.adapters.mysql.spending import count, refuse_if_full
from chalicelib.adapters.mysql.tag_rows import MySqlTagRows, add_automatic, give_automatic
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.errors import QuotaError
from chalicelib.domain.image_details import SeenFacts
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job, Render
from chalicelib.domain.rendition_ports import RenditionRow
from chalicelib.domain.renditions import AUTOMATIC, KINDS
from chalicelib.domain.stored_renditions import About, Rendition, State, in_order

RENDITION_COLUMNS = "r.kind, r.state, r.object_key, r.sha256, r.width, r.height, r.size, r.why"


class MySqlRenditionRows(MySqlTagRows):
    """RenditionRows in MySQL. `reads` is where rows are looked at, if not at the database that they are written to."""

    def __init__(self, database: Database, reads: Selecting | None = None) -> None:
        super().__init__(database)
        self._reads = reads or database

    def row(self, principal: Principal, key: bytes, kind: str) -> RenditionRow:
        # The row repeats whom and what it was asked for, as that of an image does.
        who = whose(principal)
        asked = (who.asked, key, kind)
        found = self._reads.select(
            f"SELECT {who.echo}, %s, %s, o.id, o.version, m.version, {COLUMNS}, {RENDITION_COLUMNS} FROM {who.tables} "
            "JOIN fleet_maps m ON m.id = 1 LEFT JOIN images i ON i.owner_id = o.id AND i.image_key = %s "
            "LEFT JOIN renditions r ON r.owner_id = i.owner_id AND r.image_key = i.image_key AND r.kind = %s "
            f"WHERE {who.condition}",
            (key, kind, key, kind, *who.args),
            belongs=lambda rows: all(row[:3] == asked for row in rows),
        )
        if not found:
            raise nobody(principal)
        owner_id, owner_version, map_version, *columns = found[0][3:]
        of_image, of_rendition = columns[:COLUMN_COUNT], columns[COLUMN_COUNT:]
        image = None if of_image[0] is None else image_of(of_image)
        rendition = None if of_rendition[0] is None else rendition_of(of_rendition)
        return RenditionRow(Owner(owner_id, owner_version), map_version, image, rendition)

    def about(self, principal: Principal, key: bytes) -> About:
        who = whose(principal)
        found = self._reads.select(
            f"SELECT r.image_key, {RENDITION_COLUMNS} FROM {who.tables} JOIN renditions r ON r.owner_id = o.id "
            f"WHERE {who.condition} AND r.image_key = %s",
            (*who.args, key),
            belongs=lambda rows: all(row[0] == key and len(row) == 9 for row in rows),
        )
        renditions = in_order([rendition_of(row[1:]) for row in found], tuple(KINDS))
        return About(renditions, self._tags(self._reads, who, key), details_of(self._reads, who, key))

    def of_images(self, principal: Principal, keys: Sequence[bytes]) -> dict[bytes, tuple[Rendition, ...]]:
        if not keys:
            return {}
        who, asked = whose(principal), set(keys)
        found = self._reads.select(
            f"SELECT r.image_key, {RENDITION_COLUMNS} FROM {who.tables} JOIN renditions r ON r.owner_id = o.id "
            f"WHERE {who.condition} AND r.image_key IN %s",
            (*who.args, tuple(asked)),
            belongs=lambda rows: all(row[0] in asked and len(row) == 9 for row in rows),
        )
        by_key: dict[bytes, list[Rendition]] = {}
        for row in found:
            by_key.setdefault(row[0], []).append(rendition_of(row[1:]))
        return {key: in_order(made, tuple(KINDS)) for key, made in by_key.items()}

    def ask(self, principal: Principal, key: bytes, kind: str, job_id: bytes) -> tuple[bytes, ...] | None:
        def work(transaction: Transaction, owner: Owner, image: Image) -> tuple[str, ...]:
            found = transaction.select(
                "SELECT state FROM renditions WHERE owner_id = %s AND image_key = %s AND kind = %s FOR UPDATE",
                (owner.id, key, kind),
            )
            if kind not in AUTOMATIC and (not found or found[0][0] == State.FAILED.value):
                refuse_if_full(transaction, owner.id, 1)
            if not found:
                insert_due(transaction, owner, key, image.object_key, [kind])
                return (kind,)
            return _again(transaction, owner, key, [kind]) if found[0][0] == State.FAILED.value else ()

        return self._asked(principal, key, job_id, work)

    def ask_again(self, principal: Principal, key: bytes, job_id: bytes) -> tuple[bytes, ...] | None:
        def work(transaction: Transaction, owner: Owner, image: Image) -> tuple[str, ...]:
            found = transaction.select(
                "SELECT kind FROM renditions WHERE owner_id = %s AND image_key = %s AND state = 'failed' FOR UPDATE",
                (owner.id, key),
            )
            kinds = [kind for (kind,) in found if kind in AUTOMATIC]
            asked_for = [kind for (kind,) in found if kind not in AUTOMATIC]
            try:
                if asked_for:
                    refuse_if_full(transaction, owner.id, 1)
                kinds += asked_for
            except QuotaError:
                if not kinds:
                    raise
            return _again(transaction, owner, key, kinds)

        return self._asked(principal, key, job_id, work)

    def _asked(self, principal: Principal, key: bytes, job_id: bytes, work: Any) -> tuple[bytes, ...] | None:
        """Locks owner and image, has `work` make kinds due, and writes the job that makes them."""

        def asked(transaction: Transaction) -> tuple[bytes, ...] | None:
            owner = locked_owner(transaction, principal)
            if transaction.select("SELECT 1 FROM jobs WHERE id = %s", (job_id,)):
                return (job_id,)  # committed, its answer was lost
            image = image_under(transaction, owner, key)
            if image is None:
                return None
            kinds: tuple[str, ...] = work(transaction, owner, image)
            if not kinds:
                return ()
            order = Render(owner.id, key, image.object_key, kinds)
            insert_jobs(transaction, [jobs.render_job(job_id, order)])
            bump(transaction, owner)
            return (job_id,)

        return self._database.transaction(asked)


class MySqlRenderRows:
    """RenderRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def source(self, order: Render) -> Image | None:
        found = self._database.select(
            f"SELECT {COLUMNS} FROM images i WHERE i.owner_id = %s AND i.image_key = %s AND i.object_key = %s",
            (order.owner_id, order.key, order.source_object_key),
            belongs=lambda rows: all(row[:3] == (order.owner_id, order.key, order.source_object_key) for row in rows),
        )
        return image_of(found[0]) if found else None

    def complete(
        self,
        order: Render,
        job_id: bytes,
        intent_id: bytes,
        made: Sequence[Rendition],
        tags: Sequence[str],
        seen: SeenFacts | None = None,
        owed: Sequence[Job] = (),
    ) -> bool:
        def work(transaction: Transaction) -> bool:
            owner = _still(transaction, order)
            ended = bool(transaction.change("DELETE FROM jobs WHERE id = %s", (job_id,)))
            if owner is None:
                transaction.change("UPDATE jobs SET due_at = UTC_TIMESTAMP(6) WHERE id = %s", (intent_id,))
                return False
            # Claimed or not, the removal leaves these objects alone while their original is the image's.
            transaction.change("DELETE FROM jobs WHERE id = %s", (intent_id,))
            is_first = ended
            for one in made:
                found = transaction.select(
                    "SELECT state, IF(state = 'ready', size, 0) FROM renditions WHERE owner_id = %s AND image_key = %s "
                    "AND kind = %s FOR UPDATE",
                    (owner.id, order.key, one.kind),
                )
                for state, counted in found:
                    count(transaction, owner, one.size - counted)
                    is_first = is_first or state != State.READY.value
                transaction.change(
                    "UPDATE renditions SET state = 'ready', object_key = %s, sha256 = %s, width = %s, height = %s, "
                    "size = %s, why = NULL WHERE owner_id = %s AND image_key = %s AND kind = %s",
                    (one.object_key, one.sha256, one.width, one.height, one.size, owner.id, order.key, one.kind),
                )
            if tags and is_first:  # a run that comes late would take away the labels that the first one owed
                give_automatic(transaction, owner, order.key, tags)
                index(transaction, owner.id, [order.key])
            if seen is not None:
                note_seen(transaction, owner, order.key, order.source_object_key, seen)
            if ended:
                insert_jobs(transaction, owed)
            bump(transaction, owner)
            return True

        return self._database.transaction(work)

    def refuse_if_full(self, order: Render, size: int) -> None:
        refuse_if_full(self._database, order.owner_id, size)

    def fail(self, order: Render, job_id: bytes, why: str, owed: Sequence[Job] = ()) -> None:
        def work(transaction: Transaction) -> None:
            owner = _still(transaction, order)
            ended = transaction.change("DELETE FROM jobs WHERE id = %s", (job_id,))
            if owner is not None:
                if ended:
                    insert_jobs(transaction, owed)
                transaction.change(
                    "UPDATE renditions SET state = 'failed', why = %s WHERE owner_id = %s AND image_key = %s "
                    "AND kind IN %s AND state = 'due'",
                    (why, owner.id, order.key, order.kinds),
                )
                bump(transaction, owner)

        self._database.transaction(work)

    def label(self, order: Render, job_id: bytes, tags: Sequence[str]) -> None:
        def work(transaction: Transaction) -> None:
            owner = _still(transaction, order)
            transaction.change("DELETE FROM jobs WHERE id = %s", (job_id,))
            if owner is not None and tags:
                add_automatic(transaction, owner, order.key, tags)
                index(transaction, owner.id, [order.key])
                bump(transaction, owner)

        self._database.transaction(work)

    def replace_job(self, job_id: bytes, instead: Sequence[Job], seconds: int = 0) -> None:
        def work(transaction: Transaction) -> None:
            if transaction.change("DELETE FROM jobs WHERE id = %s", (job_id,)):
                insert_jobs(transaction, instead, seconds)

        self._database.transaction(work)


def _still(transaction: Transaction, order: Render) -> Owner | None:
    """The image's owner, its row locked, if the image still is the one to be rendered."""
    found = transaction.select("SELECT id, version FROM owners WHERE id = %s FOR UPDATE", (order.owner_id,))
    if not found:
        return None
    owner = Owner(*found[0])
    image = image_under(transaction, owner, order.key)
    return owner if image is not None and image.object_key == order.source_object_key else None


def _again(transaction: Transaction, owner: Owner, key: bytes, kinds: Sequence[str]) -> tuple[str, ...]:
    if kinds:
        transaction.change(
            "UPDATE renditions SET state = 'due', why = NULL WHERE owner_id = %s AND image_key = %s AND kind IN %s",
            (owner.id, key, tuple(kinds)),
        )
    return tuple(kinds)


def rendition_of(columns: Sequence[Any]) -> Rendition:
    """The rendition whose RENDITION_COLUMNS these are."""
    kind, state, object_key, sha256, width, height, size, why = columns
    return Rendition(kind, State(state), object_key, sha256 or b"", width, height, size, why)
