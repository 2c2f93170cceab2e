"""The rows of images' details, and the renaming of an image."""

from chalicelib.adapters.mysql.database import Database, Selecting, Transaction
from chalicelib.adapters.mysql.due_jobs import insert_jobs
from chalicelib.adapters.mysql.image_renditions import DEPENDENTS
from chalicelib.adapters.mysql.image_rows import bump, image_under, locked_owner
from chalicelib.adapters.mysql.image_terms import index
from chalicelib.adapters.mysql.principals import Whose
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.errors import KeyTakenError
from chalicelib.domain.image_details import Details, SeenFacts
from chalicelib.domain.jobs import Render
from chalicelib.domain.keys import text_of
from chalicelib.domain.ports import Precondition

_OF = "owner_id = %s AND image_key = %s"


class MySqlDetailRows:
    """DetailRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self, principal: Principal, key: bytes, caption: str, precondition: Precondition) -> bool:
        def work(transaction: Transaction) -> bool:
            owner = locked_owner(transaction, principal)
            image = image_under(transaction, owner, key)
            if image is None:
                return False
            precondition(image)
            transaction.change(
                "INSERT INTO image_details (owner_id, image_key, caption) VALUES (%s, %s, %s) "
                "ON DUPLICATE KEY UPDATE caption = %s",
                (owner.id, key, caption, caption),
            )
            index(transaction, owner.id, [key])
            bump(transaction, owner)
            return True

        return self._database.transaction(work)

    def rename(
        self, principal: Principal, key: bytes, new_key: bytes, job_id: bytes, precondition: Precondition
    ) -> tuple[bytes, ...] | None:
        renamed: str | None = None  # the object key of the image, once a commit was tried

        def work(transaction: Transaction) -> tuple[bytes, ...] | None:
            nonlocal renamed
            owner = locked_owner(transaction, principal)
            there = image_under(transaction, owner, new_key)
            if renamed is not None and there is not None and there.object_key == renamed:  # its answer was lost
                return _ids(transaction.select("SELECT id FROM jobs WHERE id = %s", (job_id,)))
            image = image_under(transaction, owner, key)
            if image is None:
                return None
            precondition(image)
            if new_key == key:
                return ()
            if there is not None:
                raise KeyTakenError(
                    f"Another image has the key “{text_of(new_key)}” already. Choose another key, or delete that image."
                )
            for table in DEPENDENTS:
                transaction.change(f"DELETE FROM {table} WHERE {_OF}", (owner.id, new_key))
            for table in ("images", *DEPENDENTS):
                transaction.change(f"UPDATE {table} SET image_key = %s WHERE {_OF}", (new_key, owner.id, key))
            index(transaction, owner.id, [key, new_key])
            due = _owed_again(transaction, owner, new_key, image.object_key, job_id)
            bump(transaction, owner)
            renamed = image.object_key
            return due

        return self._database.transaction(work)


def details_of(reads: Selecting, who: Whose, key: bytes) -> Details:
    """The details of the image; what was seen of a former image under the key is left out."""
    found = reads.select(
        "SELECT i.image_key, COALESCE(d.caption, ''), d.seen_object_key = i.object_key, d.colour, d.camera, d.taken_at "
        f"FROM {who.tables} JOIN images i ON i.owner_id = o.id "
        "LEFT JOIN image_details d ON d.owner_id = i.owner_id AND d.image_key = i.image_key "
        f"WHERE {who.condition} AND i.image_key = %s",
        (*who.args, key),
        belongs=lambda rows: all(row[0] == key and len(row) == 6 for row in rows),
    )
    if not found:
        return Details()
    _, caption, is_present, *seen = found[0]
    return Details(caption, SeenFacts(*seen) if is_present else SeenFacts())


def note_seen(transaction: Transaction, owner: Owner, key: bytes, object_key: str, seen: SeenFacts) -> None:
    """Keeps what was seen of the original that has that object key."""
    values = (object_key, seen.colour, seen.camera, seen.taken_at)
    transaction.change(
        "INSERT INTO image_details (owner_id, image_key, seen_object_key, colour, camera, taken_at) "
        "VALUES (%s, %s, %s, %s, %s, %s) "
        "ON DUPLICATE KEY UPDATE seen_object_key = %s, colour = %s, camera = %s, taken_at = %s",
        (owner.id, key, *values, *values),
    )


def _owed_again(
    transaction: Transaction, owner: Owner, key: bytes, object_key: str, job_id: bytes
) -> tuple[bytes, ...]:
    """A job for what is still to be made: the one that was there names the former key, and will find no image."""
    due = transaction.select(f"SELECT kind FROM renditions WHERE {_OF} AND state = 'due' FOR UPDATE", (owner.id, key))
    if not due:
        return ()
    order = Render(owner.id, key, object_key, tuple(kind for (kind,) in due))
    insert_jobs(transaction, [jobs.render_job(job_id, order)])
    return (job_id,)


def _ids(rows: list[tuple[bytes, ...]]) -> tuple[bytes, ...]:
    return tuple(row[0] for row in rows)
