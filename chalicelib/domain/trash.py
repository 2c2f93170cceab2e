"""The trash: images that their owner put away, kept for 30 days. Pure.

A trashed image has no key: another may be stored under the one it had, and it stands in no list but the trash's own.
Its bytes stay, and count against the quota, until it is deleted for ever.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.images import Image

KEPT_DAYS = 30
MOST_AT_ONCE = 1000  # images, of one action


@dataclass(frozen=True, slots=True)
class TrashedImage:
    """One row. `image.key` is the key it had; `batch_id` is common to what one action put away."""

    id: bytes  # 16 random bytes
    image: Image
    batch_id: bytes
    trashed_at: datetime  # UTC, aware

    @property
    def ends_at(self) -> datetime:
        """When it is deleted for ever, a minute or two later at most unless there are very many."""
        return self.trashed_at + timedelta(days=KEPT_DAYS)


@dataclass(frozen=True, slots=True)
class Restored:
    """An image that is back, under `key`: another than it had if that was taken meanwhile."""

    id: bytes
    key_before: bytes
    key: bytes


def place_of(trash_id: bytes) -> bytes:
    """What stands in place of a key in the rows that hang on a trashed image. No key of a person's begins so."""
    return b"\x00" + trash_id.hex().encode()


def checked_count(count: int, field: str) -> None:
    """Raises InvalidValueError unless so many can be acted on at once."""
    if not 1 <= count <= MOST_AT_ONCE:
        raise InvalidValueError(field, f"Choose 1 to {MOST_AT_ONCE:,} images at once; these are {count:,}.")
