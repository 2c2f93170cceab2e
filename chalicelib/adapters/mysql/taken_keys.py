"""Which keys of an owner's are taken, and by which bytes: asked in a transaction that has locked the owner's row."""

from collections.abc import Collection
from itertools import islice

from chalicelib.adapters.mysql.database import Transaction
from chalicelib.domain.accounts import Owner
from chalicelib.domain.keys import names_for
from chalicelib.domain.ports import Draft

# Without the hint a server that expects many twins would go through all of the owner's images in the order of keys.
TWIN = (
    "SELECT image_key FROM images FORCE INDEX (images_content) "
    "WHERE owner_id = %s AND sha256 = %s AND image_key <> %s ORDER BY image_key LIMIT 1"
)
_STATEMENT_NAMES = 64  # cameras use the same names again and again


def twin_of(transaction: Transaction, owner: Owner, draft: Draft) -> bytes | None:
    """The first key, but the draft's own, under which the owner has an image of the same bytes."""
    found = transaction.select(TWIN, (owner.id, draft.sha256, draft.key))
    return found[0][0] if found else None


def free_key(transaction: Transaction, owner: Owner, key: bytes, promised: Collection[bytes] = ()) -> bytes:
    """The first of `names_for` the key that no image has, and that is not among those `promised`."""
    names = names_for(key)
    while True:
        some = tuple(islice(names, _STATEMENT_NAMES))
        found = transaction.select(
            "SELECT image_key FROM images WHERE owner_id = %s AND image_key IN %s", (owner.id, some)
        )
        taken = {name for (name,) in found} | {*promised}
        for name in some:
            if name not in taken:
                return name
