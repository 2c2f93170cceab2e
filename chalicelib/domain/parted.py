"""Objects that are stored in parts, over many runs of the worker: what the object store has of one by now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Parted:
    """An object in the making: the tags of the parts that the object store has, which end at `offset` (bytes)."""

    object_key: str
    upload_id: str
    parts: tuple[str, ...] = ()
    offset: int = 0


class PartedObjects(Protocol):
    """Objects that are written in parts, over many calls. Raises ObjectsUnavailableError, PartsLostError among them."""

    def begin_parts(self, object_key: str, media_type: str) -> str:
        """The name of a new upload in parts."""

    def put_part(self, object_key: str, upload_id: str, number: int, data: bytes) -> str:
        """Stores a part, from 1, in place of one of that number; its tag. All but the last have 5 MiB at least."""

    def end_parts(self, object_key: str, upload_id: str, tags: Sequence[str]) -> None:
        """Makes the object of the parts."""

    def is_there(self, object_key: str) -> bool:
        """Whether there is such an object, by asking for its head."""

    def drop_parts(self, object_key: str, upload_id: str) -> None:
        """Gives the upload up."""


def plain_of(stored: Parted) -> dict[str, object]:
    """The value as JSON can hold it."""
    return {
        "object_key": stored.object_key,
        "upload_id": stored.upload_id,
        "parts": stored.parts,
        "offset": stored.offset,
    }


def parted_of(plain: Mapping[str, Any]) -> Parted:
    """What `plain_of` told, which may stand among other things."""
    return Parted(plain["object_key"], plain["upload_id"], tuple(plain["parts"]), plain["offset"])
