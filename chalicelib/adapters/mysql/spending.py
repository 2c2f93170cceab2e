"""What an owner's images take, and whether more is taken at all: asked and counted under the owner's lock.

The transaction that stores or removes bytes calls these, so that what is counted and what is there are one.
"""

import json

from chalicelib.adapters.mysql.database import Transaction
from chalicelib.domain.accounts import Owner
from chalicelib.domain.admin import BLOCKED, NOTE, UPLOADS, UploadsBlock
from chalicelib.domain.errors import QuotaError, UploadsBlockedError


def refuse_if_blocked(transaction: Transaction) -> None:
    """Raises UploadsBlockedError. Who blocks uploads waits for the transactions that were let through here."""
    found = transaction.select("SELECT body FROM settings WHERE name = %s LOCK IN SHARE MODE", (UPLOADS,))
    values = json.loads(found[0][0]) if found else {}
    if values.get(BLOCKED) is True:
        raise UploadsBlockedError(UploadsBlock(blocked=True, note=str(values.get(NOTE, ""))).words)


def spend(transaction: Transaction, owner: Owner, size: int, images: int = 0) -> None:
    """Counts `size` bytes more, or fewer, for an owner whose row is locked. Raises QuotaError, for more only.

    `images` is how many images more there are: none for what is made of an image.
    """
    if size > 0:
        ((taken, quota),) = transaction.select(
            "SELECT o.bytes, a.quota_bytes FROM owners o LEFT JOIN accounts a ON a.owner_id = o.id WHERE o.id = %s",
            (owner.id,),
        )
        if quota is not None and taken + size > quota:
            raise QuotaError(quota_words(taken, size, quota))
    transaction.change(
        "UPDATE owners SET bytes = bytes + %s, images = images + %s WHERE id = %s", (size, images, owner.id)
    )


def quota_words(taken: int, size: int, quota: int) -> str:
    """What the owner is told."""
    return (
        f"Your images take {taken:,} bytes of the {quota:,} that you may have; {size:,} more do not fit. "
        "Delete what you do not need and empty the trash, or ask an admin for more."
    )
