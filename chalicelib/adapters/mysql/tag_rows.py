"""The rows of images' tags.

Where one comes from: `automatic`; `own`, which its owner wrote; `kept`, which was found automatically and its owner
wrote too. A kept one is its owner's in all, but like an automatic one it leaves a mark when it is removed, so as not to
be found again.
"""

from collections.abc import Sequence

from chalicelib.adapters.mysql.database import Database, Selecting, Transaction
from chalicelib.adapters.mysql.image_renditions import forget_automatic
from chalicelib.adapters.mysql.image_rows import bump, image_under, locked_owner
from chalicelib.adapters.mysql.image_terms import index
from chalicelib.adapters.mysql.principals import Whose
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.stored_renditions import ImageTag

_OF = "owner_id = %s AND image_key = %s"


class MySqlTagRows:
    """The part of RenditionRows in MySQL that is about tags."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_tag(self, principal: Principal, key: bytes, tag: str, most: int) -> bool:
        def work(transaction: Transaction) -> bool:
            owner = locked_owner(transaction, principal)
            if image_under(transaction, owner, key) is None:
                return False
            found = transaction.select(
                f"SELECT tag, source FROM image_tags WHERE {_OF} AND removed = 0", (owner.id, key)
            )
            sources = {source for one, source in found if one == tag}
            if sources and "automatic" not in sources:
                return True
            if not sources and len(found) >= most:
                raise InvalidValueError("tag", f"An image has at most {most} tags. Remove one first.")
            put_by_hand(transaction, owner, [key], tag)
            index(transaction, owner.id, [key])
            bump(transaction, owner)
            return True

        return self._database.transaction(work)

    def remove_tag(self, principal: Principal, key: bytes, tag: str) -> bool:
        def work(transaction: Transaction) -> bool:
            owner = locked_owner(transaction, principal)
            one = (owner.id, key, tag)
            if not transaction.select(f"SELECT 1 FROM image_tags WHERE {_OF} AND tag = %s FOR UPDATE", one):
                return False
            take_off(transaction, owner, [key], tag)
            index(transaction, owner.id, [key])
            bump(transaction, owner)
            return True

        return self._database.transaction(work)

    def _tags(self, reads: Selecting, who: Whose, key: bytes) -> tuple[ImageTag, ...]:
        found = reads.select(
            f"SELECT t.image_key, t.tag, t.source FROM {who.tables} JOIN image_tags t ON t.owner_id = o.id "
            f"WHERE {who.condition} AND t.image_key = %s AND t.removed = 0 ORDER BY t.tag",
            (*who.args, key),
            belongs=lambda rows: all(row[0] == key and len(row) == 3 for row in rows),
        )
        return tuple(ImageTag(tag, source == "automatic") for _, tag, source in found)


def put_by_hand(transaction: Transaction, owner: Owner, keys: Sequence[bytes], tag: str) -> None:
    """Makes the tag the owner's own on each of these images, whether it is there, was removed, or neither."""
    transaction.change_many(
        "INSERT INTO image_tags (owner_id, image_key, tag, source) VALUES (%s, %s, %s, 'own') "
        "ON DUPLICATE KEY UPDATE removed = 0, source = IF(source = 'own', 'own', 'kept')",
        [(owner.id, key, tag) for key in keys],
    )


def take_off(transaction: Transaction, owner: Owner, keys: Sequence[bytes], tag: str) -> None:
    """Removes the tag from each of these images."""
    those = (owner.id, tag, tuple(keys))
    which = "owner_id = %s AND tag = %s AND image_key IN %s"
    transaction.change(f"UPDATE image_tags SET removed = 1 WHERE {which} AND source <> 'own'", those)
    transaction.change(f"DELETE FROM image_tags WHERE {which} AND source = 'own'", those)


def give_automatic(transaction: Transaction, owner: Owner, key: bytes, tags: Sequence[str]) -> None:
    """Makes these the image's automatic tags. One's own stay as they are, and removed ones stay removed."""
    forget_automatic(transaction, owner.id, key)
    add_automatic(transaction, owner, key, tags)


def add_automatic(transaction: Transaction, owner: Owner, key: bytes, tags: Sequence[str]) -> None:
    """Adds automatic tags. One's own stay as they are, and removed ones stay removed."""
    transaction.change_many(
        "INSERT IGNORE INTO image_tags (owner_id, image_key, tag, source) VALUES (%s, %s, %s, 'automatic')",
        [(owner.id, key, tag) for tag in tags],
    )
