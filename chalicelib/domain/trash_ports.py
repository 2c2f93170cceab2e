"""What the trash and actions on many images need of the rows, as narrow protocols.

Each change is one transaction under the owner's lock, and bumps the owner's version. Every call may raise
RowsUnavailableError or NotSignedInError; with a note, changes may raise DoneBeforeError or IdempotencyKeyReusedError.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.idempotency import Note
from chalicelib.domain.stored_renditions import Rendition
from chalicelib.domain.trash import Restored, TrashedImage

Refused = str
"""Why one image of many was left as it is, as the slug of an error."""


@dataclass(frozen=True, slots=True)
class TrashRow:
    """What one SELECT at the primary says of one trashed image: it decides what may be shown."""

    owner: Owner
    map_version: int
    trashed: TrashedImage | None
    thumbnail: Rendition | None


@dataclass(frozen=True, slots=True)
class Back:
    """What is back from the trash, and the jobs that render what was not rendered before."""

    restored: tuple[Restored, ...]
    jobs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """The keys or ids of what is deleted for ever, and the jobs that remove their objects."""

    names: tuple[bytes, ...]
    jobs: tuple[bytes, ...]


class TrashRows(Protocol):
    """The rows of trashed images, read and written at the primary."""

    def trash(
        self,
        principal: Principal,
        keys: Sequence[bytes],
        batch_id: bytes,
        note: Note[tuple[TrashedImage, ...]] | None = None,
    ) -> tuple[TrashedImage, ...]:
        """Puts the images under these keys into the trash, with all that hangs on them; those that there were."""

    def restore(self, principal: Principal, ids: Sequence[bytes], seed: bytes, note: Note[Back] | None = None) -> Back:
        """Takes these out again, each under the first of `names_for` its key that is free. `seed` makes jobs' ids."""

    def delete(self, principal: Principal, ids: Sequence[bytes], seed: bytes, note: Note[Gone] | None = None) -> Gone:
        """Deletes these for ever. `seed` makes jobs' ids."""

    def batch(self, principal: Principal, batch_id: bytes) -> list[bytes]:
        """The ids of what one action put away and is still in the trash."""

    def page(self, principal: Principal, behind: tuple[datetime, bytes] | None, limit: int) -> list[TrashedImage]:
        """At most `limit`, put away last first; those behind that moment and id."""

    def count(self, principal: Principal) -> tuple[int, int]:
        """How many there are, and their bytes."""

    def row(self, principal: Principal, trash_id: bytes) -> TrashRow: ...

    def overdue(self) -> bytes | None:
        """The id of an owner of images that have been in the trash for longer than they are kept."""

    def purge(self, owner_id: bytes, seed: bytes, limit: int) -> Gone:
        """Deletes at most `limit` such images of the owner's for ever, those longest there first."""


class ManyRows(Protocol):
    """Changes to many images at once."""

    def delete(self, principal: Principal, keys: Sequence[bytes], seed: bytes, note: Note[Gone] | None = None) -> Gone:
        """Deletes the images under these keys for ever. `seed` makes jobs' ids."""

    def add_tag(
        self,
        principal: Principal,
        keys: Sequence[bytes],
        tag: str,
        most: int,
        note: Note[Mapping[bytes, Refused]] | None = None,
    ) -> Mapping[bytes, Refused]:
        """Puts the tag on each of the images; which were refused: "not-found" or, with `most` tags, "too-many-tags".

        A removed automatic tag is put back as one.
        """

    def remove_tag(
        self, principal: Principal, keys: Sequence[bytes], tag: str, note: Note[Mapping[bytes, Refused]] | None = None
    ) -> Mapping[bytes, Refused]:
        """Takes the tag off each of the images; which were refused: "not-found", also those without the tag."""
