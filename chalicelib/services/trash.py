"""The trash: putting images there, taking them back, deleting them for ever, and the purge of what is older.

To put an image away and to take it back are each one transaction of rows; its bytes stay where they are. Deleting for
ever owes the removal of the objects, as deleting an image at once does.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import NotFoundError, ObjectsUnavailableError
from chalicelib.domain.idempotency import Note
from chalicelib.domain.images import Image
from chalicelib.domain.keys import text_of
from chalicelib.domain.ports import Clock, Stopwatch
from chalicelib.domain.stored_renditions import as_image
from chalicelib.domain.trash import MOST_AT_ONCE, TrashedImage, checked_count
from chalicelib.domain.trash_ports import Back, Gone, TrashRows
from chalicelib.services.images import READ_ATTEMPTS, Images
from chalicelib.services.read_through import Served
from chalicelib.services.sending import Sending

PURGE_SECONDS = 5.0  # of a minute; what is left then, the next minute purges
PURGE_BATCH = 100


@dataclass(frozen=True, slots=True)
class TrashPage:
    """One page, put away last first; `next_behind` is None on the last page."""

    trashed: list[TrashedImage]
    next_behind: tuple[datetime, bytes] | None


@dataclass(frozen=True, slots=True)
class Trash:
    """The use cases of the trash. Every call may raise RowsUnavailableError or NotSignedInError.

    At most MOST_AT_ONCE images at once: InvalidValueError. With a note, DoneBeforeError and IdempotencyKeyReusedError.
    """

    rows: TrashRows
    images: Images
    sending: Sending
    clock: Clock

    def put_away(
        self, principal: Principal, keys: Sequence[bytes], note: Note[tuple[TrashedImage, ...]] | None = None
    ) -> tuple[TrashedImage, ...]:
        """Puts these images into the trash; those that there were, of one batch."""
        checked_count(len(keys), "keys")
        return self.rows.trash(principal, keys, secrets.token_bytes(16), note)

    def put_one_away(self, principal: Principal, key: bytes) -> TrashedImage:
        """Puts that image into the trash. Raises NotFoundError."""
        for trashed in self.put_away(principal, [key]):
            return trashed
        raise NotFoundError(f"There is no image with the key “{text_of(key)}”.")

    def restore(self, principal: Principal, ids: Sequence[bytes], note: Note[Back] | None = None) -> Back:
        """Takes these back, each under its key or, where that is taken, under one with a number."""
        checked_count(len(ids), "ids")
        back = self.rows.restore(principal, ids, secrets.token_bytes(16), note)
        self.sending.send(back.jobs)
        return back

    def undo(self, principal: Principal, batch_id: bytes) -> Back:
        """Takes back what one action put away and is still in the trash."""
        ids = self.rows.batch(principal, batch_id)
        return self.restore(principal, ids) if ids else Back((), ())

    def in_batch(self, principal: Principal, batch_id: bytes) -> int:
        """How many images of one action are still in the trash."""
        return len(self.rows.batch(principal, batch_id))

    def delete(self, principal: Principal, ids: Sequence[bytes], note: Note[Gone] | None = None) -> Gone:
        """Deletes these for ever."""
        checked_count(len(ids), "ids")
        gone = self.rows.delete(principal, ids, secrets.token_bytes(16), note)
        self.sending.send(gone.jobs)
        return gone

    def empty(self, principal: Principal) -> int:
        """Deletes everything in the trash for ever; how many images. What is put there meanwhile may go too."""
        count = 0
        while page := self.rows.page(principal, None, MOST_AT_ONCE):
            count += len(self.delete(principal, [one.id for one in page]).names)
        return count

    def page(self, principal: Principal, behind: tuple[datetime, bytes] | None, limit: int) -> TrashPage:
        """At most `limit` images, those behind that moment and id."""
        found = self.rows.page(principal, behind, limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        return TrashPage(found[:limit], None if last is None else (last.trashed_at, last.id))

    def count(self, principal: Principal) -> tuple[int, int]:
        """How many images there are, and their bytes."""
        return self.rows.count(principal)

    def get(
        self,
        principal: Principal,
        trash_id: bytes,
        stopwatch: Stopwatch,
        wanted: Callable[[Image], bool] = lambda image: True,
    ) -> tuple[Image, Served | None]:
        """What is shown of one: its thumbnail, or the image while there is none, with its bytes if wanted.

        Raises NotFoundError or ObjectsUnavailableError.
        """
        for _ in range(READ_ATTEMPTS):
            with stopwatch.part("row"):
                row = self.rows.row(principal, trash_id)
            if row.trashed is None:
                raise NotFoundError("There is no such image in the trash.")
            shown = row.trashed.image
            image = shown if row.thumbnail is None else as_image(shown, row.thumbnail)
            if not wanted(image):
                return image, None
            served = self.images.read_through.read(image, row.map_version, stopwatch)
            if served is not None:
                return image, served
        raise ObjectsUnavailableError("The bytes of this image cannot be found; its row stands.")

    def purge(self) -> int:
        """Deletes for ever what is in the trash for longer than it is kept, for some seconds; how many images."""
        count, until = 0, self.clock.monotonic() + PURGE_SECONDS
        while (owner_id := self.rows.overdue()) is not None:
            gone = self.rows.purge(owner_id, secrets.token_bytes(16), PURGE_BATCH)
            self.sending.send(gone.jobs)
            count += len(gone.names)
            if self.clock.monotonic() >= until:
                break
        return count
