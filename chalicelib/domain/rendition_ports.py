"""What the services need of the rows of renditions and tags, as narrow protocols."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.image_details import SeenFacts
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job, Render
from chalicelib.domain.stored_renditions import About, Rendition


@dataclass(frozen=True, slots=True)
class RenditionRow:
    """What one SELECT at the primary says: it decides what may be shown."""

    owner: Owner
    map_version: int
    image: Image | None
    rendition: Rendition | None


class RenditionRows(Protocol):
    """Renditions and tags as their owner sees them. Every call may raise RowsUnavailableError or NotSignedInError."""

    def row(self, principal: Principal, key: bytes, kind: str) -> RenditionRow:
        """One autocommitted SELECT by primary key, at the primary; at a replica, noted as stale, while it is down."""

    def about(self, principal: Principal, key: bytes) -> About:
        """Renditions and tags of the image; empty if there is no such image. Removed tags are not among them."""

    def of_images(self, principal: Principal, keys: Sequence[bytes]) -> dict[bytes, tuple[Rendition, ...]]:
        """The renditions of these images in the order of the kinds, whatever their states."""

    def ask(self, principal: Principal, key: bytes, kind: str, job_id: bytes) -> tuple[bytes, ...] | None:
        """Makes a rendition due that is not there or failed; the jobs that are due, or None if there is no image.

        Raises QuotaError for a kind that no image gets by itself, if the owner's quota is full.
        """

    def ask_again(self, principal: Principal, key: bytes, job_id: bytes) -> tuple[bytes, ...] | None:
        """Makes the failed renditions due, by one job; the jobs that are due, or None if there is no image.

        With the quota full only those that every image gets. Raises QuotaError if there are others only.
        """

    def add_tag(self, principal: Principal, key: bytes, tag: str, most: int) -> bool:
        """Puts the tag on the image; False if there is no such image.

        It is the owner's own from then on, one that was found automatically too. Raises InvalidValueError if the image
        would have more than `most` tags.
        """

    def remove_tag(self, principal: Principal, key: bytes, tag: str) -> bool:
        """Takes the tag off the image; one that was found automatically, ever, stays off.

        False if there is no such image or tag.
        """


class RenderRows(Protocol):
    """What the worker does to the rows, by the owner's id. Every call may raise RowsUnavailableError."""

    def source(self, order: Render) -> Image | None:
        """The image, if it still is the one to be rendered; looked at where rows are written."""

    def complete(
        self,
        order: Render,
        job_id: bytes,
        intent_id: bytes,
        made: Sequence[Rendition],
        tags: Sequence[str],
        seen: SeenFacts | None = None,
        owed: Sequence[Job] = (),
    ) -> bool:
        """Makes the renditions ready and gives the image its automatic tags, in one transaction.

        It also withdraws the intent and ends the job. If the image is not the one that was rendered any more, the
        transaction makes the intent due and ends the job, and the answer is False. `tags` empty leaves tags alone, and
        `seen` None what was seen before.
        What is made counts as the owner's bytes, and is not refused for a quota: the image was taken already.
        Jobs that are `owed` then are written by the run that ends the job, so a job that was performed twice owes once.
        """

    def refuse_if_full(self, order: Render, size: int) -> None:
        """Raises QuotaError if so many bytes more do not fit into the owner's quota."""

    def fail(self, order: Render, job_id: bytes, why: str, owed: Sequence[Job] = ()) -> None:
        """Marks what the job was to make as failed, and ends the job; writes what is owed then, as `complete`."""

    def label(self, order: Render, job_id: bytes, tags: Sequence[str]) -> None:
        """Adds automatic tags to the image, if it still is the one that was looked at, and ends the job.

        Removed ones stay removed.
        """

    def replace_job(self, job_id: bytes, instead: Sequence[Job], seconds: int = 0) -> None:
        """Ends the job and writes others in its place, due after that long; none if another run ended it."""
