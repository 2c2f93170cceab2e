"""What the admin's doings need of the world, as narrow protocols. Each change is in the log by the same transaction."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from chalicelib.domain.admin import AuditEntry, Counts, Deed, Dump, UploadsBlock, User, UserChange
from chalicelib.domain.dumps import DumpStretch, Page, SavedDump
from chalicelib.domain.jobs import Job


class AdminRows(Protocol):
    """The rows that admins see and change, at the primary. Raises RowsUnavailableError."""

    def users(self, after: bytes | None, limit: int) -> list[User]:
        """At most `limit` users by address, those behind the owner `after`."""

    def user(self, owner_id: bytes) -> User | None: ...

    def change_user(self, owner_id: bytes, change: UserChange, deed: Deed) -> None:
        """Of one who is disabled, every session, token and link is ended. Raises UnknownUserError or LastAdminError."""

    def change_setting(self, name: str, values: Mapping[str, object], deed: Deed) -> None:
        """Puts the values into the settings of that name, beside those that are there."""

    def begin(self, deed: Deed) -> None:
        """Puts the deed into the log as begun."""

    def conclude(self, deed_id: bytes, outcome: str) -> None:
        """Writes what became of a deed that was begun; what is known already stays."""

    def note(self, deed: Deed, outcome: str) -> None:
        """Puts into the log a deed that changed no row."""

    def audit(self, before: int | None, limit: int) -> list[AuditEntry]:
        """At most `limit` entries, newest first; those older than the entry `before` if it is given."""

    def counts(self) -> Counts: ...


class RemovalRows(Protocol):
    """The rows of the removal of all data."""

    def ask_removal(self, deed: Deed, accounts: bool) -> bytes:
        """Puts the deed into the log and owes the job that does it, whose id is answered."""

    def remove_accounts(self, before: datetime, job_id: bytes, limit: int) -> int:
        """Removes accounts that no admin has, made before that moment, with all that lets one in; how many.

        Their uploads that wait end with them. If there were any, the job of that id removes what has come of them.
        """

    def next_owner(self, after: bytes) -> bytes | None:
        """The first owner behind that one, in the order of their ids, who has images."""

    def remove_images(self, owner_id: bytes, before: datetime, job_id: bytes, limit: int) -> int:
        """Removes at most `limit` of the owner's images that were stored before that moment; how many.

        Of an owner whose account is gone all go: what came between the asking and the account's end is nobody's.
        If there were any, the job of that id removes their objects.
        """

    def next_notices(self) -> bytes | None:
        """An owner without an account whose subscription to notices is kept, if there is one."""

    def forget_notices(self, owner_id: bytes) -> None:
        """Forgets the owner's subscription to notices, which was ended before."""

    def end_quarantine(self, job_id: bytes, limit: int) -> int:
        """Ends the quarantine of at most `limit` objects; how many. If there were any, the job removes their copies."""

    def owe(self, job: Job) -> None:
        """Makes a job due now."""


class DumpRows(Protocol):
    """The rows of dumps, and the rows that go into one."""

    def ask_dump(self, dump_id: bytes, object_key: str, deed: Deed) -> bytes:
        """Puts the deed into the log, owes the job that makes the dump, and for a day later the object's removal.

        Answers the id of the job.
        """

    def dumps(self) -> list[Dump]:
        """Those whose objects are not removed yet, newest first."""

    def dump(self, dump_id: bytes) -> Dump | None:
        """The dump, if its object is not removed yet."""

    def begin(self, dump_id: bytes) -> DumpStretch | None:
        """A new stretch of the dump; None if it is not to be made any more."""

    def pages(self, after: str) -> AbstractContextManager[Iterator[Page]]:
        """Every row that a dump may hold behind that place ("" for all), as of the moment when the block begins.

        Table after table, each in the order of its primary key.
        """

    def save(self, stretch: DumpStretch, saved: SavedDump) -> bool:
        """Whether it is saved: not if a later stretch has begun."""


class UploadsState(Protocol):
    """Whether uploads are taken, as it was a second or two ago at most."""

    def now(self) -> UploadsBlock: ...
