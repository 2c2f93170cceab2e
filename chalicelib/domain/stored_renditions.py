"""Renditions and tags as rows know them, and the names of renditions' objects. Pure.

A rendition's object key is made of its original's and its kind, so that making it again gives the same object, and so
that the original's name tells for good whether a rendition's object can still be wanted: originals' names never come
back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from chalicelib.domain.image_details import NO_DETAILS, Details
from chalicelib.domain.images import Image, ImageFacts
from chalicelib.domain.renditions import MEDIA_TYPE

_ORIGINALS, _RENDITIONS = "originals/", "renditions/"


class State(Enum):
    """How far a rendition is."""

    DUE = "due"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rendition:
    """One row. Size in pixels and bytes and `sha256` are those of a ready one; `why` is for people, of a failed one."""

    kind: str
    state: State
    object_key: str
    sha256: bytes = b""
    width: int = 0
    height: int = 0
    size: int = 0
    why: str | None = None


@dataclass(frozen=True, slots=True)
class ImageTag:
    """A tag of an image, found automatically or its owner's own."""

    tag: str
    automatic: bool


@dataclass(frozen=True, slots=True)
class About:
    """What stands beside an image: its renditions in the order of the kinds, its tags in order, and its details."""

    renditions: tuple[Rendition, ...] = ()
    tags: tuple[ImageTag, ...] = ()
    details: Details = NO_DETAILS

    def ready(self, kind: str) -> Rendition | None:
        """The rendition of that kind, if it is ready."""
        return next((one for one in self.renditions if one.kind == kind and one.state is State.READY), None)


def object_key_of(source_object_key: str, kind: str) -> str:
    """The object key of the rendition of that kind of the original."""
    return f"{_RENDITIONS}{source_object_key.removeprefix(_ORIGINALS)}/{kind}"


def original_of(object_key: str) -> str:
    """The object key of the original that the object was made of; an original is its own."""
    if not object_key.startswith(_RENDITIONS):
        return object_key
    return _ORIGINALS + object_key.removeprefix(_RENDITIONS).rpartition("/")[0]


def kind_of(object_key: str) -> str | None:
    """The name of the kind of rendition that the object is; None of an original."""
    return object_key.rpartition("/")[2] if object_key.startswith(_RENDITIONS) else None


def as_image(image: Image, rendition: Rendition) -> Image:
    """The ready rendition as an image under the same key, hence of the same partition, with bytes of its own."""
    facts = ImageFacts(MEDIA_TYPE, rendition.width, rendition.height, frames=1)
    return replace(image, object_key=rendition.object_key, sha256=rendition.sha256, size=rendition.size, facts=facts)


def in_order(renditions: Sequence[Rendition], kinds: Sequence[str]) -> tuple[Rendition, ...]:
    """The renditions in the order of the table of kinds."""
    places = {kind: place for place, kind in enumerate(kinds)}
    return tuple(sorted(renditions, key=lambda one: (places.get(one.kind, len(places)), one.kind)))
