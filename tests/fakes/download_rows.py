"""DownloadRows in memory."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.download_ports import Asked, Saved
from chalicelib.domain.downloads import (
    FORGET_DAYS,
    MOST_LISTED,
    MOST_UNDER_WAY,
    ZIP_KEPT_SECONDS,
    AlbumPlace,
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
from chalicelib.domain.image_details import Details
from chalicelib.domain.jobs import Job, Removal
from chalicelib.domain.stored_renditions import ImageTag
from tests.fakes.answers import keep_answer
from tests.fakes.store import JobRow, MemoryStore


@dataclass
class _Row:
    owner_id: bytes
    keys: list[bytes]
    download: Download
    turn: int = 0
    making: str = text_of(Making())


class MemoryDownloadRows:
    """DownloadRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._rows: dict[bytes, _Row] = {}

    def ask(
        self, principal: Principal, download_id: bytes, what: What, keys: Sequence[bytes], note: Note[Download] | None
    ) -> Asked:
        with self._store.steps.step("downloads.ask"), self._store.lock:
            owner_id, now = self._store.owner(principal, writing=True).id, self._store.clock.now()
            own = [one for one in self._store.images.values() if one.owner_id == owner_id]
            images = [one for one in own if what is What.EXPORT or one.key in keys]
            if not images:
                raise NotFoundError("There are no such images to download.")
            oldest = now - timedelta(days=FORGET_DAYS)
            rows = [row for row in self._rows.values() if row.owner_id == owner_id]
            under_way = [row for row in rows if row.download.state is State.MAKING and row.download.asked_at >= oldest]
            if len(under_way) >= MOST_UNDER_WAY:
                raise DownloadsUnderWayError("Too many downloads are being made already.")
            size = sum(one.size for one in images)
            download = Download(download_id, what, State.MAKING, len(images), size, 0, 0, 0, None, now, ())
            if note is not None:
                keep_answer(self._store, owner_id, note.asked, note.answer_of(download))
            for row in rows:
                if row.download.asked_at < oldest:
                    del self._rows[row.download.id]
            self._rows[download_id] = _Row(owner_id, sorted(one.key for one in images), download)
            body = json.dumps({"download": download_id.hex()})
            job = Job(hashlib.sha256(download_id).digest()[:16], jobs.MAKE_DOWNLOAD, body)
            self._store.jobs[job.id] = JobRow(job, now)
            return Asked(download, job.id)

    def downloads(self, principal: Principal) -> list[Download]:
        with self._store.steps.step("downloads.downloads"), self._store.lock:
            owner_id, now = self._store.owner(principal).id, self._store.clock.now()
            found = [
                replace(row.download, zips=tuple(one for one in row.download.zips if one.ends_at > now))
                for row in self._rows.values()
                if row.owner_id == owner_id and row.download.asked_at > now - timedelta(days=FORGET_DAYS)
            ]
            return sorted(found, key=lambda one: one.asked_at, reverse=True)[:MOST_LISTED]

    def download(self, principal: Principal, download_id: bytes) -> Download | None:
        return next((one for one in self.downloads(principal) if one.id == download_id), None)

    def begin(self, download_id: bytes) -> Stretch | None:
        with self._store.steps.step("downloads.begin"), self._store.lock:
            row = self._rows.get(download_id)
            if row is None or row.download.state is not State.MAKING:
                return None
            row.turn += 1
            asked, making = row.download, making_of(row.making)
            return Stretch(download_id, row.owner_id, asked.what, asked.asked_at, row.turn, making, asked.images)

    def sources(self, stretch: Stretch, after: bytes, limit: int) -> list[Source]:
        with self._store.steps.step("downloads.sources"), self._store.lock:
            row, images = self._rows[stretch.download_id], self._store.images
            wanted = [
                key
                for owner, key in images
                if owner == row.owner_id and key > after and (row.download.what is What.EXPORT or key in row.keys)
            ]
            return [
                Source(
                    images[row.owner_id, key],
                    tuple(self._tags(row.owner_id, key)),
                    self._store.details.get((row.owner_id, key), (Details(), None))[0].caption,
                    tuple(self._albums(row.owner_id, key)),
                )
                for key in sorted(wanted)[:limit]
            ]

    def save(self, stretch: Stretch, saved: Saved) -> bool:
        with self._store.steps.step("downloads.save"), self._store.lock:
            row, store = self._rows.get(stretch.download_id), self._store
            if row is None or row.turn != stretch.turn or row.download.state is not State.MAKING:
                return False
            place, zips = saved.making.place, {one.number: one for one in row.download.zips}
            now = store.clock.now()
            ends_at = now + timedelta(seconds=ZIP_KEPT_SECONDS)
            one = saved.making.open_zip
            if one is not None and one.number not in zips:
                zips[one.number] = Zip(one.number, one.stored.object_key, 0, 0, None, ends_at)
                job_id = hashlib.sha256(stretch.download_id + bytes([one.number])).digest()[:16]
                removal = jobs.removal_job(job_id, [Removal(row.owner_id, one.stored.object_key, 0)])
                store.jobs[job_id] = JobRow(removal, ends_at)
            if (made := saved.made) is not None:
                zips[made.number] = replace(zips[made.number], images=made.images, size=made.size, made_at=now)
            row.making = text_of(saved.making)
            row.download = replace(
                row.download,
                state=saved.state,
                why=saved.why,
                images_done=place.images,
                bytes_done=place.bytes,
                missing=place.missing,
                zips=tuple(zips.values()),
            )
            if saved.done_job is not None:
                store.jobs.pop(saved.done_job, None)
            if saved.following is not None:
                store.jobs[saved.following.id] = JobRow(saved.following, now)
            return True

    def _tags(self, owner_id: bytes, key: bytes) -> list[ImageTag]:
        tags = self._store.tags.get((owner_id, key), {})
        return [ImageTag(tag, tags[tag].automatic) for tag in sorted(tags, key=str.encode) if not tags[tag].removed]

    def _albums(self, owner_id: bytes, key: bytes) -> list[AlbumPlace]:
        albums = self._store.albums
        found = [one for one in self._store.album_images.values() if (one.owner_id, one.key) == (owner_id, key)]
        found.sort(key=lambda one: (albums[one.album_id].created_at, one.album_id))
        return [AlbumPlace(one.album_id, albums[one.album_id].title, one.place) for one in found]
