"""What downloads need of the world, as narrow protocols."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.accounts import Principal
from chalicelib.domain.downloads import Download, Making, Source, State, Stretch, What
from chalicelib.domain.idempotency import Note
from chalicelib.domain.jobs import Job


@dataclass(frozen=True, slots=True)
class Asked:
    """A download, and the job that makes it."""

    download: Download
    job_id: bytes


@dataclass(frozen=True, slots=True)
class MadeZip:
    """An archive that is whole."""

    number: int
    images: int
    size: int


@dataclass(frozen=True, slots=True)
class Saved:
    """What a stretch has come to. `done_job` is ended with it, and `following` becomes due.

    If the making's open archive is new, its row is written, and its removal owed for ZIP_KEPT_SECONDS later.
    """

    making: Making
    made: MadeZip | None = None
    state: State = State.MAKING
    why: str | None = None
    done_job: bytes | None = None
    following: Job | None = None


class DownloadRows(Protocol):
    """The rows of downloads, at the primary. Every call may raise RowsUnavailableError.

    Those that are told the principal raise NotSignedInError when it is nobody any more.
    """

    def ask(
        self, principal: Principal, download_id: bytes, what: What, keys: Sequence[bytes], note: Note[Download] | None
    ) -> Asked:
        """Writes the row and the job that makes it. `keys` are those of a selection.

        Forgets what of the owner's was asked for more than FORGET_DAYS ago. Raises NotFoundError if there is none of
        these images, DownloadsUnderWayError, DoneBeforeError or IdempotencyKeyReusedError.
        """

    def downloads(self, principal: Principal) -> list[Download]:
        """The owner's, at most MOST_LISTED, newest first. Archives that are removed are not among theirs."""

    def download(self, principal: Principal, download_id: bytes) -> Download | None: ...

    def begin(self, download_id: bytes) -> Stretch | None:
        """A new stretch of the download; None if it is not to be made any more."""

    def sources(self, stretch: Stretch, after: bytes, limit: int) -> list[Source]:
        """At most `limit` of its images whose keys sort behind `after`, in byte order of their keys."""

    def save(self, stretch: Stretch, saved: Saved) -> bool:
        """Whether it is saved: not if a later stretch has begun."""
