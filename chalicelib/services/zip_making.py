"""Makes the zips of a download, in stretches that each fit into one run of the worker.

An archive goes to the object store in parts (services/part_writing.py). A stretch ends between two images; what is too
little for a part by then is kept in the download's row. In memory are one image and one part. Of two runs at once the
earlier one's word counts no more.
"""

import hashlib
import json
import logging
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from chalicelib.domain import jobs
from chalicelib.domain.download_ports import DownloadRows, MadeZip, Saved
from chalicelib.domain.downloads import (
    DOWNLOADS,
    MEDIA_TYPE,
    METADATA_NAME,
    ZIP_KEPT_SECONDS,
    OpenZip,
    Place,
    Source,
    State,
    Stretch,
    What,
    file_name,
    restarted,
)
from chalicelib.domain.errors import PartsLostError
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job
from chalicelib.domain.keys import text_of
from chalicelib.domain.parted import Parted, PartedObjects
from chalicelib.domain.ports import Clock, Objects
from chalicelib.domain.zip_files import ZipNames, directory_of, entry_of, header_of, overhead_of, safe_name
from chalicelib.services.part_writing import MOST_RESTARTS, PartWriting, StretchLimits
from chalicelib.services.sending import Sending
from chalicelib.services.stretches import do_stretch

logger = logging.getLogger(__name__)

PAGE = 50  # images looked up at once


@dataclass(frozen=True, slots=True)
class ZipLimits(StretchLimits):
    """How large an archive becomes, and how long a stretch takes.

    After `stretch_seconds` the image under way is finished: the slowest one takes 8 s to read and as long to store.
    Metadata are kept in the download's row, which holds 16 MiB, until their archive is whole, and so are the bytes that
    are no part yet, a third longer there.
    """

    most_bytes: int = 2 << 30
    most_images: int = 2000
    most_record_bytes: int = 4 << 20


@dataclass(frozen=True, slots=True)
class ZipMaking:
    """Performs the jobs of the kind MAKE_DOWNLOAD."""

    rows: DownloadRows
    parts: PartedObjects
    objects: Objects
    sending: Sending
    clock: Clock
    limits: ZipLimits = field(default_factory=ZipLimits)

    def perform(self, job: Job) -> None:
        """Does a stretch of the download, and owes the rest. Raises UnavailableError: to be tried again.

        After jobs.MOST_TRIES of one stretch the download has failed.
        """
        do_stretch(job, lambda: self._begun(job))

    def _begun(self, job: Job) -> "_Run | None":
        stretch = self.rows.begin(bytes.fromhex(json.loads(job.body)["download"]))
        if stretch is None:
            self.sending.job_rows.finish(job.id)
            return None
        return _Run(self, stretch, job.id)


class _Run:
    """One stretch. Of a download that fails, the archives that are whole stay."""

    def __init__(self, made_by: ZipMaking, stretch: Stretch, job_id: bytes) -> None:
        self._by = made_by
        self._stretch = stretch
        self._job_id = job_id
        self._making = self._saved = stretch.making
        opened = stretch.making.open_zip
        self._writing = PartWriting(made_by.parts, made_by.clock, made_by.limits, opened.rest if opened else b"")
        self._names = self._names_of(opened)
        self._record_bytes = sum(map(_bytes_of, opened.records)) if opened else 0

    def go(self) -> None:
        if self._is_too_old(self._making.open_zip):
            raise PartsLostError("The archive was begun so long ago that it would be removed too soon.")
        if self._making.open_zip is not None and self._open_zip.is_whole and not self._end():
            return
        for source in self._sources():
            if not self._has_room(source.image) and not self._close():
                return
            if self._making.open_zip is None and not self._open():
                return
            self._write(source)
            if self._writing.is_full:
                self._send()
                if self._writing.is_to_be_saved and not self._save(Saved(self._making)):
                    return
            if self._writing.is_over:
                self._pause()
                return
        if self._making.open_zip is not None and not self._close():
            return
        if self._stretch.what is What.SELECTION:  # of which `sources` gives those that are there
            place = self._making.place
            self._go_on_to(replace(place, missing=max(0, self._stretch.images - place.images)))
        self._save(Saved(self._making, state=State.READY, done_job=self._job_id))

    def begin_anew(self) -> None:
        making = restarted(self._saved)
        if making.restarts > MOST_RESTARTS:
            why = "It could not be made: what was stored of it was lost again and again. Ask for it once more."
            self.fail(why)
            return
        self._making = making
        self._hand_on()

    def fail(self, why: str) -> None:
        self._save(Saved(replace(self._saved, open_zip=None), state=State.FAILED, why=why, done_job=self._job_id))

    def _sources(self) -> Iterator[Source]:
        while page := self._by.rows.sources(self._stretch, self._making.place.after, PAGE):
            yield from page

    def _has_room(self, image: Image) -> bool:
        one, limits = self._making.open_zip, self._by.limits
        if one is None:
            return True
        size = self._offset + image.size + overhead_of(safe_name(text_of(image.key), ""))
        if len(one.entries) >= limits.most_images or self._record_bytes >= limits.most_record_bytes:
            return False
        return size <= limits.most_bytes

    def _open(self) -> bool:
        number = self._making.zips + 1
        object_key = f"{DOWNLOADS}{secrets.token_hex(32)}/{file_name(self._stretch.asked_at, number)}"
        upload_id = self._by.parts.begin_parts(object_key, MEDIA_TYPE)
        begun = OpenZip(number, Parted(object_key, upload_id), self._by.clock.now(), self._making.place)
        self._names, self._record_bytes = self._names_of(None), 0
        return self._save(Saved(replace(self._making, open_zip=begun, zips=number)))

    def _write(self, source: Source) -> None:
        image, place = source.image, self._making.place
        data = self._by.objects.get(image.object_key)
        if data is None or hashlib.sha256(data).digest() != image.sha256:
            logger.warning("download %s: no bytes of %s", self._stretch.download_id.hex(), image.object_key)
            self._go_on_to(replace(place, after=image.key, missing=place.missing + 1))
            return
        name = self._names.take(safe_name(text_of(image.key), image.facts.media_type))
        self._append(name, data, image, _record(name, source) if self._stretch.what is What.EXPORT else None)
        self._go_on_to(replace(place, after=image.key, images=place.images + 1, bytes=place.bytes + image.size))

    def _append(self, name: str, data: bytes, image: Image | None, record: dict[str, object] | None) -> None:
        one = self._open_zip
        at = one.begun_at if image is None else image.created_at
        entry = entry_of(name, data, self._offset, at)
        self._writing.pending += header_of(entry)
        self._writing.pending += data
        records = one.records if record is None else (*one.records, record)
        self._record_bytes += 0 if record is None else _bytes_of(record)
        self._making = replace(self._making, open_zip=replace(one, entries=(*one.entries, entry), records=records))

    def _go_on_to(self, place: Place) -> None:
        self._making = replace(self._making, place=place)

    def _send(self) -> None:
        one = self._open_zip
        self._making = replace(self._making, open_zip=replace(one, stored=self._writing.send(one.stored), rest=b""))

    def _pause(self) -> None:
        """The following run goes on behind what is written."""
        if self._writing.is_enough:
            self._send()
        else:
            rest = bytes(self._writing.pending)
            self._making = replace(self._making, open_zip=replace(self._open_zip, rest=rest))
        self._hand_on()

    def _close(self) -> bool:
        one = self._open_zip
        if self._stretch.what is What.EXPORT:
            told = json.dumps({"images": one.records}, ensure_ascii=False, indent=1).encode()
            self._append(METADATA_NAME, told, None, None)
        self._writing.pending += directory_of(self._open_zip.entries, self._offset)
        self._send()
        self._making = replace(self._making, open_zip=replace(self._open_zip, is_whole=True))
        return self._save(Saved(self._making)) and self._end()

    def _end(self) -> bool:
        """Makes the archive that is whole one object."""
        one = self._open_zip
        self._writing.end(one.stored)
        images = len(one.entries) - (1 if self._stretch.what is What.EXPORT else 0)
        made = MadeZip(one.number, images, one.stored.offset)
        return self._save(Saved(replace(self._making, open_zip=None), made=made))

    def _hand_on(self) -> None:
        body = json.dumps({"download": self._stretch.download_id.hex()})
        following = Job(secrets.token_bytes(16), jobs.MAKE_DOWNLOAD, body)
        if self._save(Saved(self._making, done_job=self._job_id, following=following)):
            self._by.sending.send([following.id])

    def _save(self, saved: Saved) -> bool:
        if not self._by.rows.save(self._stretch, saved):
            logger.info("download %s: another run goes on with it", self._stretch.download_id.hex())
            return False
        self._making = self._saved = saved.making
        self._writing.note_saved()
        return True

    @property
    def _offset(self) -> int:
        """How many bytes of the archive there are."""
        return self._open_zip.stored.offset + len(self._writing.pending)

    @property
    def _open_zip(self) -> OpenZip:
        if self._making.open_zip is None:
            raise AssertionError("an archive is open")
        return self._making.open_zip

    def _is_too_old(self, one: OpenZip | None) -> bool:
        return one is not None and self._by.clock.now() - one.begun_at > timedelta(seconds=ZIP_KEPT_SECONDS / 2)

    def _names_of(self, one: OpenZip | None) -> ZipNames:
        return ZipNames([METADATA_NAME, *(entry.name for entry in one.entries)] if one else [METADATA_NAME])


def _bytes_of(record: Mapping[str, object]) -> int:
    return len(json.dumps(record, ensure_ascii=False).encode())


def _record(name: str, source: Source) -> dict[str, object]:
    """What the metadata says of an image."""
    image = source.image
    return {
        "file": name,
        "key": text_of(image.key),
        "media_type": image.facts.media_type,
        "size": image.size,
        "width": image.facts.width,
        "height": image.facts.height,
        "frames": image.facts.frames,
        "sha256": image.sha256.hex(),
        "uploaded_at": image.created_at.isoformat().replace("+00:00", "Z"),
        "caption": source.caption,
        "tags": [{"tag": one.tag, "automatic": one.automatic} for one in source.tags],
        "albums": [{"id": one.album_id.hex(), "title": one.title, "place": one.place} for one in source.albums],
    }
