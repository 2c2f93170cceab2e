"""What people ask of an image's renditions and tags: to see them, to have more made, to tag and untag."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import (
    InvalidValueError,
    NotFoundError,
    ObjectsUnavailableError,
    RowsUnavailableError,
    StoreError,
)
from chalicelib.domain.images import Image
from chalicelib.domain.keys import text_of
from chalicelib.domain.ports import Stopwatch
from chalicelib.domain.rendition_ports import RenditionRows
from chalicelib.domain.renditions import EDITS, KINDS
from chalicelib.domain.stored_renditions import About, State, as_image
from chalicelib.domain.tags import tag_of
from chalicelib.services.images import READ_ATTEMPTS, Images
from chalicelib.services.read_through import Served
from chalicelib.services.sending import send_now

MOST_TAGS = 100  # of one image


@dataclass(frozen=True, slots=True)
class Renditions:
    """The use cases on renditions and tags. Every call may raise RowsUnavailableError."""

    rows: RenditionRows
    images: Images

    def get(
        self,
        principal: Principal,
        key: bytes,
        kind: str,
        stopwatch: Stopwatch,
        wanted: Callable[[Image], bool] = lambda image: True,
    ) -> tuple[Image, Served | None]:
        """The rendition as an image of its own, with its bytes if `wanted` says so of it.

        Raises InvalidValueError for a kind that is none, NotFoundError for a rendition that is not there yet, or
        ObjectsUnavailableError.
        """
        for _ in range(READ_ATTEMPTS):
            with stopwatch.part("row"):
                row = self.rows.row(principal, key, kind)
            if row.image is None or row.rendition is None or row.rendition.state is not State.READY:
                raise self._why_not(row.image, key, kind)
            image = as_image(row.image, row.rendition)
            if not wanted(image):
                return image, None
            served = self.images.read_through.read(image, row.map_version, stopwatch)
            if served is not None:
                return image, served
        raise ObjectsUnavailableError("The bytes of this rendition cannot be found; its row stands.")

    def about(self, principal: Principal, key: bytes) -> About:
        """Renditions and tags of the image."""
        return self.rows.about(principal, key)

    def edit(self, principal: Principal, key: bytes, kind: str) -> None:
        """Has that edit made of the image, if it is not there. Raises InvalidValueError or NotFoundError."""
        names = [edit.name for edit in EDITS]
        if kind not in names:
            raise InvalidValueError("kind", f"kind must be one of: {', '.join(names)}.")
        self._send(key, self.rows.ask(principal, key, kind, secrets.token_bytes(16)))

    def retry(self, principal: Principal, key: bytes) -> None:
        """Has the renditions made that failed. Raises NotFoundError."""
        self._send(key, self.rows.ask_again(principal, key, secrets.token_bytes(16)))

    def add_tag(self, principal: Principal, key: bytes, text: str) -> str:
        """Puts a tag on the image; the tag. Raises InvalidValueError or NotFoundError."""
        tag = tag_of(text)
        if not self.rows.add_tag(principal, key, tag, MOST_TAGS):
            raise _no_image(key)
        return tag

    def remove_tag(self, principal: Principal, key: bytes, text: str) -> None:
        """Takes a tag off the image. Raises InvalidValueError or NotFoundError."""
        tag = tag_of(text)
        if not self.rows.remove_tag(principal, key, tag):
            raise NotFoundError(f"There is no image with the key “{text_of(key)}” and the tag “{tag}”.")

    def _send(self, key: bytes, due: Sequence[bytes] | None) -> None:
        if due is None:
            raise _no_image(key)
        send_now(self.images.queue, self.images.job_rows, due)

    def _why_not(self, image: Image | None, key: bytes, kind: str) -> StoreError:
        if self.images.staleness.noted:  # what is acknowledged is never denied
            return RowsUnavailableError("Whether there is such a rendition cannot be told just now; try again shortly.")
        if image is None:
            return _no_image(key)
        if kind not in KINDS:
            return InvalidValueError("kind", f"kind must be one of: {', '.join(KINDS)}.")
        return NotFoundError(f"The image with the key “{text_of(key)}” has no rendition “{kind}” that is ready.")


def _no_image(key: bytes) -> NotFoundError:
    return NotFoundError(f"There is no image with the key “{text_of(key)}”.")
