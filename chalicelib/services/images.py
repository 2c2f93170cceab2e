"""Put, get, list, delete: what people do with images, and the order of steps that loses none of them.

Writing: the removal of the new object is announced first, then the object is stored under a name never used before,
then one transaction makes it the image and withdraws the announcement. Killed anywhere between, the writer leaves at
most an object that an announced job removes; acknowledged means that object and row are both durable.
"""

import hashlib
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import NotFoundError, ObjectsUnavailableError, RowsUnavailableError, StoreError
from chalicelib.domain.images import Image
from chalicelib.domain.keys import text_of
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import (
    Draft,
    ImageRows,
    Inspector,
    JobQueue,
    JobRows,
    Objects,
    Precondition,
    Row,
    Stopwatch,
)
from chalicelib.services.read_through import ReadThrough, Served
from chalicelib.services.staleness import Staleness

logger = logging.getLogger(__name__)

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
    staleness: Staleness = field(default_factory=Staleness)

    def put(
        self, principal: Principal, key: bytes, data: bytes, precondition: Precondition, stopwatch: Stopwatch
    ) -> tuple[Image, bool]:
        """Stores the bytes as the image under the key: the image, and whether the key is new.

        Raises UnsupportedTypeError, TooLargeError, UnreadableImageError or PreconditionError, and leaves nothing.
        """
        with stopwatch.part("row"):
            row = self.rows.row_to_change(principal, key)
        precondition(row.image)  # early, to spare the work; decided again under the lock
        with stopwatch.part("inspect"):
            facts = self.inspector.inspect(data)
        draft = Draft(key, _new_object_key(row.owner.id), hashlib.sha256(data).digest(), len(data), facts)
        removal = jobs.Removal(row.owner.id, draft.object_key, partition_of(key))
        intent = jobs.removal_job(_new_job_id(), [removal])
        with stopwatch.part("announce"):
            self.rows.announce(intent)
        try:
            with stopwatch.part("store"):
                self.objects.put(draft.object_key, data, facts.media_type)
            with stopwatch.part("commit"):
                written = self.rows.put(principal, draft, intent.id, precondition)
        except RowsUnavailableError:  # it would be waited for once more; the intent falls due by itself
            raise
        except StoreError:
            self._abandon(intent.id)
            raise
        self._send(written.jobs)
        return written.image, written.created

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
        return self.objects.signed_address(image.object_key, image.facts.media_type, SIGNED_SECONDS)

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
        self._send(due)

    def delete_all(self, principal: Principal) -> int:
        """Deletes every image of the owner's; how many there were."""
        count, due = self.rows.delete_all(principal, _new_job_id())
        self._send(due)
        return count

    def _row(self, principal: Principal, key: bytes, stopwatch: Stopwatch) -> Row:
        with stopwatch.part("row"):
            row = self.rows.row(principal, key)
        if row.image is None and self.staleness.noted:  # an image that is acknowledged is never denied
            raise RowsUnavailableError("Whether there is such an image cannot be told just now; try again shortly.")
        return row

    def _send(self, due: Sequence[bytes]) -> None:
        if not due:
            return
        try:
            self.queue.send(due)
            self.job_rows.mark_sent(due)
        except StoreError as error:
            logger.warning("jobs not sent now, the schedule will: %s", error)

    def _abandon(self, intent_id: bytes) -> None:
        try:
            self.rows.abandon(intent_id)
        except StoreError as error:
            logger.warning("a removal stays due for later: %s", error)


def _image_of(row: Row, key: bytes) -> Image:
    if row.image is None:
        raise _not_found(key)
    return row.image


def _not_found(key: bytes) -> NotFoundError:
    return NotFoundError(f"There is no image with the key “{text_of(key)}”.")


def _new_object_key(owner_id: bytes) -> str:
    return f"originals/{owner_id.hex()}/{secrets.token_hex(16)}"


def _new_job_id() -> bytes:
    return secrets.token_bytes(16)
