"""The rows of downloads and of their zips."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from chalicelib.adapters.mysql.audit_rows import moment_of
from chalicelib.adapters.mysql.database import Args, Database, Transaction
from chalicelib.adapters.mysql.download_sources import sources_of
from chalicelib.adapters.mysql.due_jobs import derived_id, insert_jobs
from chalicelib.adapters.mysql.idempotency_rows import keep_answer
from chalicelib.adapters.mysql.image_rows import COLUMN_COUNT, COLUMNS, image_of, images_under, locked_owner
from chalicelib.adapters.mysql.principals import whose
from chalicelib.adapters.mysql.turns import end_stretch, take_turn
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.download_ports import Asked, Saved
from chalicelib.domain.downloads import (
    FORGET_DAYS,
    MOST_LISTED,
    MOST_UNDER_WAY,
    ZIP_KEPT_SECONDS,
    Download,
    Making,
    Source,
    State,
    Stretch,
    What,
    Zip,
    making_of,
    text_of,
)
from chalicelib.domain.errors import DownloadsUnderWayError, NotFoundError
from chalicelib.domain.idempotency import Note
from chalicelib.domain.jobs import Job, Removal

ASK_SECONDS = 10.0  # every image of the owner's is counted
SAVE_SECONDS = 5.0  # the row holds megabytes, for no page waits
_COLUMNS = (
    "d.id, d.what, d.state, d.images, d.bytes, d.images_done, d.bytes_done, d.missing, d.why, d.asked_at, "
    "z.number, z.object_key, z.images, z.size, z.made_at, z.ends_at"
)
_COUNT = _COLUMNS.count(",") + 1
_OF_DOWNLOAD = 10  # of the columns


class MySqlDownloadRows:
    """DownloadRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(
        self, principal: Principal, download_id: bytes, what: What, keys: Sequence[bytes], note: Note[Download] | None
    ) -> Asked:
        job_id = derived_id(download_id, 0)

        def work(transaction: Transaction) -> Asked:
            owner = locked_owner(transaction, principal)
            if before := _download(transaction, owner, download_id):
                return Asked(before, job_id)  # committed, its answer was lost
            there, images, size = _counted(transaction, owner, what, keys)
            if not images:
                raise NotFoundError("There are no such images to download.")
            _refuse_too_many(transaction, owner)
            transaction.change(
                "INSERT INTO downloads (id, owner_id, what, image_keys, images, bytes, making, state, asked_at) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6))",
                (
                    *(download_id, owner.id, what.value, there, images, size),
                    *(text_of(Making()), State.MAKING.value),
                ),
            )
            body = json.dumps({"download": download_id.hex()})
            insert_jobs(transaction, [Job(job_id, jobs.MAKE_DOWNLOAD, body)])
            download = _download(transaction, owner, download_id)
            if download is None:
                raise AssertionError("a row written in this transaction is there")
            if note is not None:
                keep_answer(transaction, owner.id, note.asked, note.answer_of(download))
            return Asked(download, job_id)

        return self._database.transaction(work, patience_seconds=ASK_SECONDS)

    def downloads(self, principal: Principal) -> list[Download]:
        return self._found(principal, "TRUE", ())

    def download(self, principal: Principal, download_id: bytes) -> Download | None:
        found = self._found(principal, "d.id = %s", (download_id,))
        return next((one for one in found if one.id == download_id), None)

    def begin(self, download_id: bytes) -> Stretch | None:
        def work(transaction: Transaction) -> Stretch | None:
            take_turn(transaction, "downloads", download_id)
            found = transaction.select(
                "SELECT owner_id, what, asked_at, turn, making, images FROM downloads WHERE id = %s AND state = %s",
                (download_id, State.MAKING.value),
            )
            if not found:
                return None
            owner_id, what, asked_at, turn, making, images = found[0]
            return Stretch(download_id, owner_id, What(what), moment_of(asked_at), turn, making_of(making), images)

        return self._database.transaction(work, patience_seconds=SAVE_SECONDS)

    def sources(self, stretch: Stretch, after: bytes, limit: int) -> list[Source]:
        condition, args = "", list[object]()
        if stretch.what is What.SELECTION:
            keys = self._keys_behind(stretch, after)[:limit]
            if not keys:
                return []
            condition, args = "AND i.image_key IN %s ", [tuple(keys)]
        found = self._database.select(
            f"SELECT {COLUMNS} FROM images i WHERE i.owner_id = %s AND i.image_key > %s {condition}"
            "ORDER BY i.image_key LIMIT %s",
            (stretch.owner_id, after, *args, limit),
            belongs=lambda rows: all(len(row) == COLUMN_COUNT and row[0] == stretch.owner_id for row in rows),
        )
        images = [image_of(row) for row in found]
        if not images and stretch.what is What.SELECTION:  # these are gone, and there may be others behind them
            return self.sources(stretch, keys[-1], limit)
        return sources_of(self._database, stretch.owner_id, images)

    def save(self, stretch: Stretch, saved: Saved) -> bool:
        def work(transaction: Transaction) -> bool:
            return end_stretch(
                transaction,
                ("downloads", stretch.download_id, f"state = '{State.MAKING.value}'"),
                stretch.turn,
                lambda: _save(transaction, stretch, saved),
                saved.done_job,
                saved.following,
            )

        return self._database.transaction(work, patience_seconds=SAVE_SECONDS)

    def _keys_behind(self, stretch: Stretch, after: bytes) -> list[bytes]:
        found = self._database.select(
            "SELECT id, image_keys FROM downloads WHERE id = %s",
            (stretch.download_id,),
            belongs=lambda rows: all(row[0] == stretch.download_id for row in rows),
        )
        keys = [bytes.fromhex(key) for _, text in found for key in json.loads(text)]
        return [key for key in keys if key > after]

    def _found(self, principal: Principal, condition: str, args: Args) -> list[Download]:
        who = whose(principal)
        rows = self._database.select(
            f"SELECT {who.echo}, {_COLUMNS} FROM {who.tables} JOIN downloads d ON d.owner_id = o.id "
            "LEFT JOIN download_zips z ON z.download_id = d.id AND z.ends_at > UTC_TIMESTAMP(6) "
            f"WHERE {who.condition} AND d.asked_at > UTC_TIMESTAMP(6) - INTERVAL {FORGET_DAYS} DAY AND {condition} "
            "ORDER BY d.asked_at DESC, d.id, z.number",
            (*who.args, *args),
            belongs=lambda rows: all(len(row) == _COUNT + 1 and row[0] == who.asked for row in rows),
        )
        return _downloads([row[1:] for row in rows])[:MOST_LISTED]


def _counted(transaction: Transaction, owner: Owner, what: What, keys: Sequence[bytes]) -> tuple[str | None, int, int]:
    """What the row keeps of the keys that there are, and how many images and bytes the download is of."""
    if what is What.SELECTION:
        images = images_under(transaction, owner, sorted(keys))
        return json.dumps([one.key.hex() for one in images]), len(images), sum(one.size for one in images)
    ((count, size),) = transaction.select(
        "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM images WHERE owner_id = %s", (owner.id,)
    )
    return None, int(count), int(size)


def _refuse_too_many(transaction: Transaction, owner: Owner) -> None:
    """Raises DownloadsUnderWayError. Forgets what was asked for long ago."""
    transaction.change(
        f"DELETE FROM downloads WHERE owner_id = %s AND asked_at < UTC_TIMESTAMP(6) - INTERVAL {FORGET_DAYS} DAY",
        (owner.id,),
    )
    ((count,),) = transaction.select(
        "SELECT COUNT(*) FROM downloads WHERE owner_id = %s AND state = %s", (owner.id, State.MAKING.value)
    )
    if count >= MOST_UNDER_WAY:
        raise DownloadsUnderWayError(f"{count} downloads are being made already. Ask again when one is ready.")


def _save(transaction: Transaction, stretch: Stretch, saved: Saved) -> None:
    place, one = saved.making.place, saved.making.open_zip
    transaction.change(
        "UPDATE downloads SET making = %s, state = %s, why = %s, images_done = %s, bytes_done = %s, missing = %s "
        "WHERE id = %s",
        (
            *(text_of(saved.making), saved.state.value, saved.why, place.images, place.bytes, place.missing),
            stretch.download_id,
        ),
    )
    if one is not None and transaction.change(
        "INSERT IGNORE INTO download_zips (download_id, number, object_key, ends_at) "
        "VALUES (%s, %s, %s, UTC_TIMESTAMP(6) + INTERVAL %s SECOND)",
        (stretch.download_id, one.number, one.stored.object_key, ZIP_KEPT_SECONDS),
    ):
        removal = Removal(
            stretch.owner_id, one.stored.object_key, 0
        )  # the partition does not matter: it is in no cache
        job_id = derived_id(stretch.download_id, one.number)
        insert_jobs(transaction, [jobs.removal_job(job_id, [removal])], ZIP_KEPT_SECONDS)
    if saved.made is not None:
        transaction.change(
            "UPDATE download_zips SET images = %s, size = %s, made_at = UTC_TIMESTAMP(6) "
            "WHERE download_id = %s AND number = %s",
            (saved.made.images, saved.made.size, stretch.download_id, saved.made.number),
        )


def _download(transaction: Transaction, owner: Owner, download_id: bytes) -> Download | None:
    found = transaction.select(
        f"SELECT {_COLUMNS} FROM downloads d LEFT JOIN download_zips z ON z.download_id = d.id "
        "WHERE d.owner_id = %s AND d.id = %s ORDER BY z.number",
        (owner.id, download_id),
    )
    return next(iter(_downloads(found)), None)


def _downloads(rows: Sequence[Sequence[Any]]) -> list[Download]:
    """Each download once, of rows that each have one of its zips or none."""
    zips: dict[bytes, list[Zip]] = {}
    first: dict[bytes, Sequence[Any]] = {}
    for row in rows:
        first.setdefault(row[0], row)
        number, object_key, images, size, made_at, ends_at = row[_OF_DOWNLOAD:]
        if number is not None:
            made = None if made_at is None else moment_of(made_at)
            zips.setdefault(row[0], []).append(Zip(number, object_key, images, size, made, moment_of(ends_at)))
    return [_one(row, tuple(zips.get(download_id, ()))) for download_id, row in first.items()]


def _one(row: Sequence[Any], zips: tuple[Zip, ...]) -> Download:
    download_id, what, state, images, size, images_done, bytes_done, missing, why, asked_at = row[:_OF_DOWNLOAD]
    at: datetime = asked_at
    return Download(
        *(download_id, What(what), State(state), images, size, images_done, bytes_done, missing, why),
        moment_of(at),
        zips,
    )
