"""Put, get, list, delete: what people do with images. `announced_write` has the order of steps that loses none."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import NotFoundError, ObjectsUnavailableError, RowsUnavailableError
from chalicelib.domain.idempotency import Note
from chalicelib.domain.images import Image
from chalicelib.domain.keys import IfTaken, text_of
from chalicelib.domain.ports import (
    Draft,
    ImageAddresses,
    ImageRows,
    Inspector,
    JobQueue,
    JobRows,
    Objects,
    Precondition,
    Row,
    Stopwatch,
    Written,
)
from chalicelib.services.announced_write import AnnouncedWrite, announced, new_object_key
from chalicelib.services.read_through import ReadThrough, Served
from chalicelib.services.sending import send_now
from chalicelib.services.staleness import Staleness

READ_ATTEMPTS = 3
SIGNED_SECONDS = 300


def no_precondition(image: Image | None) -> None:
    """Lets every write through."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list in byte order of keys; `next_after` is None on the last page."""

    images: list[Image]
    next_after: bytes | None


@dataclass(frozen=True, slots=True)
class Images:
    """The use cases on images. Every call may raise RowsUnavailableError or ObjectsUnavailableError.

    What get, find, page and keys answer may be old if `staleness` has noted it meanwhile; nothing is changed by it.
    """

    rows: ImageRows
    job_rows: JobRows
    objects: Objects
    inspector: Inspector
    queue: JobQueue
    read_through: ReadThrough
    addresses: ImageAddresses
    staleness: Staleness = field(default_factory=Staleness)

    def put(
        self,
        principal: Principal,
        key: bytes,
        data: bytes,
        precondition: Precondition,
        stopwatch: Stopwatch,
        note: Note[Written] | None = None,
        if_taken: IfTaken = IfTaken.REPLACE,
    ) -> Written:
        """Stores the bytes as the image under the key, or does what is wanted if the key is taken.

        Raises UnsupportedTypeError, TooLargeError, UnreadableImageError or PreconditionError, and leaves nothing; so do
        DoneBeforeError and IdempotencyKeyReusedError, by the note.
        """
        with stopwatch.part("row"):
            row = self.rows.row_to_change(principal, key)
        precondition(row.image)  # early, to spare the work; decided again under the lock
        with stopwatch.part("inspect"):
            facts = self.inspector.inspect(data)
        draft = Draft(key, new_object_key(row.owner.id), hashlib.sha256(data).digest(), len(data), facts, if_taken)
        written = announced(
            self.rows,
            self.objects,
            AnnouncedWrite(row.owner.id, draft, data),
            lambda intent_id: self.rows.put(principal, draft, intent_id, precondition, note),
            stopwatch,
        )
        send_now(self.queue, self.job_rows, written.jobs)
        return written

    def get(
        self,
        principal: Principal,
        key: bytes,
        stopwatch: Stopwatch,
        wanted: Callable[[Image], bool] = lambda image: True,
    ) -> tuple[Image, Served | None]:
        """The image under the key, with its bytes if `wanted` says so of its row. Raises NotFoundError."""
        for _ in range(READ_ATTEMPTS):
            row = self._row(principal, key, stopwatch)
            image = _image_of(row, key)
            if not wanted(image):
                return image, None
            served = self.read_through.read(image, row.map_version, stopwatch)
            if served is not None:
                return image, served
        raise ObjectsUnavailableError("The bytes of this image cannot be found; its row stands.")

    def find(self, principal: Principal, key: bytes, stopwatch: Stopwatch) -> Image:
        """The image under the key, without its bytes. Raises NotFoundError."""
        return _image_of(self._row(principal, key, stopwatch), key)

    def signed_address(self, image: Image) -> str:
        """An address that gives the image's bytes for SIGNED_SECONDS, to anyone who holds it."""
        return self.addresses.signed_address(image.object_key, image.facts.media_type, SIGNED_SECONDS)

    def page(self, principal: Principal, after: bytes | None, limit: int) -> Page:
        """At most `limit` images whose keys sort behind `after`."""
        found = self.rows.page(principal, after, limit + 1)
        more = len(found) > limit
        return Page(found[:limit], found[limit - 1].key if more else None)

    def keys(self, principal: Principal) -> list[bytes]:
        """Every key of the owner's, in byte order."""
        return self.rows.keys(principal)

    def delete(self, principal: Principal, key: bytes, precondition: Precondition) -> None:
        """Deletes the image under the key. Raises NotFoundError or PreconditionError."""
        due = self.rows.delete(principal, key, _new_job_id(), precondition)
        if due is None:
            raise _not_found(key)
        send_now(self.queue, self.job_rows, due)

    def delete_all(self, principal: Principal) -> int:
        """Deletes every image of the owner's; how many there were."""
        count, due = self.rows.delete_all(principal, _new_job_id())
        send_now(self.queue, self.job_rows, due)
        return count

    def _row(self, principal: Principal, key: bytes, stopwatch: Stopwatch) -> Row:
        with stopwatch.part("row"):
            row = self.rows.row(principal, key)
        if row.image is None and self.staleness.noted:  # an image that is acknowledged is never denied
            raise RowsUnavailableError("Whether there is such an image cannot be told just now; try again shortly.")
        return row


def _image_of(row: Row, key: bytes) -> Image:
    if row.image is None:
        raise _not_found(key)
    return row.image


def _not_found(key: bytes) -> NotFoundError:
    return NotFoundError(f"There is no image with the key “{text_of(key)}”.")


def _new_job_id() -> bytes:
    return secrets.token_bytes(16)
