"""What the sweeper needs of the world, as narrow protocols."""

from collections.abc import Collection, Sequence
from typing import Protocol

from chalicelib.domain.admin import Deed
from chalicelib.domain.sweeping import Facts, Finding, Listed, Named, Suspect, Sweep
from chalicelib.domain.uploads import Upload


class SweptObjects(Protocol):
    """The object store, as the sweeper sees it. Raises ObjectsUnavailableError."""

    def listed(self, prefix: str, after: str, limit: int) -> list[Listed]:
        """At most `limit` objects with that prefix behind the key `after`, in order."""

    def is_there(self, object_key: str) -> bool:
        """By HEAD. False only if the store says that there is no such object."""

    def copy(self, source: str, target: str) -> bool:
        """Copies an object within the store; False if it is not there."""

    def revive(self, object_key: str) -> bool:
        """Makes the newest older version of the object its bytes again; False if none is kept."""

    def marked(self, marker: str) -> int:
        """The number that `mark` wrote last, or 0."""

    def mark(self, marker: str, number: int) -> None: ...


class SweepRows(Protocol):
    """Rows as the sweeper reads them, all at the primary. Raises RowsUnavailableError."""

    def sweep(self) -> tuple[int, Sweep]:
        """The sweep as it was kept last, and its version."""

    def keep(self, version: int, sweep: Sweep, found: Sequence[Suspect] = ()) -> bool:
        """Keeps sweep and suspects in one transaction, if the version still is that one; it is counted up."""

    def stop(self, version: int, sweep: Sweep, words: str) -> bool:
        """Keeps the sweep as `keep` does, forgets all suspects and notes why in words."""

    def allow(self, version: int, sweep: Sweep, deed: Deed) -> bool:
        """Keeps the sweep as `keep` does, and puts the deed into the log as done."""

    def owed_removals(self, most: int) -> int:
        """How many jobs that remove objects are owed; no more than `most` are counted."""

    def named(self, prefix: str, after: str, until: str, limit: int) -> list[Named]:
        """At most `limit` rows that name objects with that prefix, behind `after` and up to `until`, in order."""

    def owed(self, object_keys: Collection[str]) -> set[str]:
        """Those of them that an owed job removes."""

    def facts(self, object_key: str) -> Facts:
        """What is said of the object, the jobs asked before the rows.

        A write's transaction withdraws its announcement and writes its row at once. So whoever finds first no
        announcement and then no row has found an object that no write can commit any more.
        """

    def never_completed(self, limit: int) -> list[Upload]:
        """Uploads that are waited for although their time was over an hour ago."""

    def suspects(self, number: int, after: int, limit: int) -> list[Finding]:
        """At most `limit` findings to act on, behind that id, in order: suspects, and losses that sweep found again."""

    def expired(self, limit: int) -> list[Finding]:
        """At most `limit` findings whose object has been in quarantine for its time."""

    def findings(self, before: int | None, limit: int) -> list[Finding]:
        """At most `limit` findings, newest first; those with a smaller id than `before` if it is given."""


class SweepActs(Protocol):
    """What the sweeper changes, one transaction each, which looks once more first. Raises RowsUnavailableError.

    Each answers the jobs that it made due: none if somebody else acted on the finding before, or if it was no more so.
    """

    def forget(self, finding: Finding) -> None:
        """It was a false alarm."""

    def quarantine(self, finding: Finding, words: str, job_id: bytes, copied: bool) -> tuple[bytes, ...]:
        """Notes that the object's copy is in quarantine and owes the object's removal.

        If something names the object after all, the copy's removal is owed instead. A parentless row goes with it; it
        may have had no object, so that nothing was `copied`.
        """

    def adopt(self, finding: Finding, words: str, job_id: bytes) -> tuple[bytes, ...]:
        """Writes the row of a rendition that has none as due, and the job that makes it."""

    def is_named(self, finding: Finding) -> bool:
        """Whether the row still says that the object must be there."""

    def remake(self, finding: Finding, words: str, job_id: bytes) -> tuple[bytes, ...]:
        """Makes a rendition due whose object is not there."""

    def restored(self, finding: Finding, intent_id: bytes, words: str, job_id: bytes) -> tuple[bytes, ...]:
        """Notes that an image's object is back, withdraws the intent and ends the quarantine, whose copy is removed.

        If the image is gone meanwhile, the intent is due.
        """

    def lost(self, finding: Finding, words: str) -> None:
        """Notes that an image's bytes are lost; its row stays."""

    def note_stray(self, finding: Finding, words: str) -> None:
        """Notes that a copy is in quarantine."""

    def expire(self, finding: Finding, words: str, job_id: bytes) -> tuple[bytes, ...]:
        """Owes the removal of the copy."""

    def tidy(self, sweep: Sweep, days: int) -> None:
        """Forgets suspects that nobody acted on, and findings that were settled so many days ago.

        A loss that this sweep did not find again is gone.
        """
