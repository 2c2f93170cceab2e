"""What an owner's images take, and whether more is taken at all: asked and counted under the owner's lock.

The transaction that stores or removes bytes calls these, so that what is counted and what is there are one.
"""

import json

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.domain.accounts import Owner
from chalicelib.domain.admin import BLOCKED, NOTE, UPLOADS, UploadsBlock
from chalicelib.domain.errors import QuotaError, UploadsBlockedError

_TAKEN = "SELECT o.bytes, a.quota_bytes FROM owners o LEFT JOIN accounts a ON a.owner_id = o.id WHERE o.id = %s"


def refuse_if_blocked(transaction: Transaction) -> None:
    """Raises UploadsBlockedError. Who blocks uploads waits for the transactions that were let through here."""
    found = transaction.select("SELECT body FROM settings WHERE name = %s LOCK IN SHARE MODE", (UPLOADS,))
    values = json.loads(found[0][0]) if found else {}
    if values.get(BLOCKED) is True:
        raise UploadsBlockedError(UploadsBlock(blocked=True, note=str(values.get(NOTE, ""))).words)


def spend(transaction: Transaction, owner: Owner, size: int, images: int = 0) -> None:
    """Counts `size` bytes more, or fewer, for an owner whose row is locked. Raises QuotaError, for more only.

    `images` is how many images more there are.
    """
    if size > 0:
        refuse_if_full(transaction, owner.id, size)
    transaction.change(
        "UPDATE owners SET bytes = bytes + %s, images = images + %s WHERE id = %s", (size, images, owner.id)
    )


def count(transaction: Transaction, owner: Owner, size: int) -> None:
    """Counts `size` bytes more, or fewer, whatever the quota: what is made of an image that is there already."""
    transaction.change("UPDATE owners SET bytes = bytes + %s WHERE id = %s", (size, owner.id))


def refuse_if_full(reading: Transaction | Database, owner_id: bytes, size: int) -> None:
    """Raises QuotaError if `size` bytes more do not fit."""
    for taken, quota in reading.select(_TAKEN, (owner_id,)):
        if quota is not None and taken + size > quota:
            raise QuotaError(quota_words(taken, size, quota))


def miscounted(database: Database) -> list[tuple[bytes, int, int]]:
    """The owners whose count is not what their rows add up to: id, counted, added up."""
    found = database.select(
        "SELECT id, bytes, added FROM (SELECT o.id, o.bytes, "
        "(SELECT COALESCE(SUM(i.size), 0) FROM images i WHERE i.owner_id = o.id) "
        "+ (SELECT COALESCE(SUM(t.size), 0) FROM trashed_images t WHERE t.owner_id = o.id) "
        "+ (SELECT COALESCE(SUM(r.size), 0) FROM renditions r WHERE r.owner_id = o.id AND r.state = 'ready') AS added "
        "FROM owners o) counted WHERE bytes <> added"
    )
    return [(owner_id, counted, int(added)) for owner_id, counted, added in found]


def quota_words(taken: int, size: int, quota: int) -> str:
    """What the owner is told."""
    return (
        f"Your images take {taken:,} bytes of the {quota:,} that you may have; {size:,} more do not fit. "
        "Delete what you do not need and empty the trash, or ask an admin for more."
    )
