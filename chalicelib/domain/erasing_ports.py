"""What erasing an account needs of the world, as narrow protocols."""

from typing import Protocol

from chalicelib.domain.erasing import Erasure, Holdings


class ErasureRows(Protocol):
    """The rows of erasures and all rows of an owner's, at the primary. Raises RowsUnavailableError."""

    def holdings(self, owner_id: bytes) -> Holdings: ...

    def ask(self, erasure_id: bytes, receipt_hash: bytes, owner_id: bytes, grace_seconds: int) -> tuple[Erasure, bytes]:
        """Disables the account, ends all that lets one in, and owes the job that erases, whose id is answered too.

        An account that is to be erased already keeps its first erasure. Raises LastAdminError.
        """

    def withdraw(self, owner_id: bytes) -> bool:
        """Opens the account again, unless an admin disabled it since; False if the erasure has begun, or is none."""

    def of_receipt(self, receipt_hash: bytes) -> Erasure | None: ...

    def begin(self, erasure_id: bytes) -> Erasure | None:
        """The erasure, begun if it is due; None if it was withdrawn. What there is is counted as it begins."""

    def erase_some(self, owner_id: bytes, limit: int) -> bool:
        """Deletes at most so many rows that hang on the owner; whether there may be more."""

    def note(self, erasure_id: bytes, what: str, count: int) -> None:
        """Adds to what the receipt says was erased outside the database."""

    def forget(self, erasure_id: bytes) -> None:
        """Deletes the account and the owner, and every other trace of the address but that of the erasure itself."""

    def finish(self, erasure_id: bytes, again_id: bytes) -> None:
        """Ends the erasure, forgets the address, and owes the job of that id, which looks again hours later."""


class ErasedObjects(Protocol):
    """Removal from the object store for good."""

    def erase(self, prefix: str, limit: int) -> tuple[int, int]:
        """Removes at most `limit` versions and markers of objects below the prefix; how many of each.

        Raises ObjectsUnavailableError.
        """
