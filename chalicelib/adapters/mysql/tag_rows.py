"""The rows of images' tags."""

from collections.abc import Sequence

from chalicelib.adapters.mysql.database import Database, Selecting, Transaction
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
            found = transaction.select(f"SELECT tag FROM image_tags WHERE {_OF} AND removed = 0", (owner.id, key))
            if (tag,) in found:
                return True
            if len(found) >= most:
                raise InvalidValueError("tag", f"An image has at most {most} tags. Remove one first.")
            if not transaction.change(
                f"UPDATE image_tags SET removed = 0 WHERE {_OF} AND tag = %s", (owner.id, key, tag)
            ):
                transaction.change(
                    "INSERT INTO image_tags (owner_id, image_key, tag, source) VALUES (%s, %s, %s, 'own')",
                    (owner.id, key, tag),
                )
            index(transaction, owner.id, [key])
            bump(transaction, owner)
            return True

        return self._database.transaction(work)

    def remove_tag(self, principal: Principal, key: bytes, tag: str) -> bool:
        def work(transaction: Transaction) -> bool:
            owner = locked_owner(transaction, principal)
            one = (owner.id, key, tag)
            found = transaction.select(f"SELECT source FROM image_tags WHERE {_OF} AND tag = %s FOR UPDATE", one)
            if not found:
                return False
            if found[0][0] == "own":
                transaction.change(f"DELETE FROM image_tags WHERE {_OF} AND tag = %s", one)
            else:
                transaction.change(f"UPDATE image_tags SET removed = 1 WHERE {_OF} AND tag = %s", one)
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


def give_automatic(transaction: Transaction, owner: Owner, key: bytes, tags: Sequence[str]) -> None:
    """Makes these the image's automatic tags. One's own stay as they are, and removed ones stay removed."""
    transaction.change(f"DELETE FROM image_tags WHERE {_OF} AND source = 'automatic' AND removed = 0", (owner.id, key))
    add_automatic(transaction, owner, key, tags)


def add_automatic(transaction: Transaction, owner: Owner, key: bytes, tags: Sequence[str]) -> None:
    """Adds automatic tags. One's own stay as they are, and removed ones stay removed."""
    transaction.change_many(
        "INSERT IGNORE INTO image_tags (owner_id, image_key, tag, source) VALUES (%s, %s, %s, 'automatic')",
        [(owner.id, key, tag) for tag in tags],
    )
