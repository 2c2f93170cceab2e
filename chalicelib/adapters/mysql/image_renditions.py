"""What writing, replacing and deleting an image does to its renditions and tags, within the same transaction."""

from collections.abc import Iterator, Sequence

from chalicelib.adapters.mysql.database import Transaction
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job, Removal, Render
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Draft
from chalicelib.domain.renditions import MEDIA_TYPE, ON_ARRIVAL
from chalicelib.domain.stored_renditions import object_key_of, original_of

_INSERT = """
INSERT INTO renditions (owner_id, image_key, kind, source_object_key, object_key, media_type, state, created_at)
VALUES (%s, %s, %s, %s, %s, %s, 'due', UTC_TIMESTAMP(6))
"""


def arrived(transaction: Transaction, owner: Owner, draft: Draft, job_id: bytes) -> Job:
    """Writes the renditions that an image gets on arrival as due; the job that makes them, still to be written."""
    kinds = tuple(kind.name for kind in ON_ARRIVAL)
    insert_due(transaction, owner, draft.key, draft.object_key, kinds)
    return jobs.render_job(job_id, Render(owner.id, draft.key, draft.object_key, kinds))


def insert_due(
    transaction: Transaction, owner: Owner, key: bytes, source_object_key: str, kinds: Sequence[str]
) -> None:
    """Writes rows of renditions that are due."""
    rows = [
        (owner.id, key, kind, source_object_key, object_key_of(source_object_key, kind), MEDIA_TYPE) for kind in kinds
    ]
    transaction.change_many(_INSERT, rows)


def replaced(transaction: Transaction, image: Image) -> list[Removal]:
    """Deletes the image's renditions; what is to be removed with them, the image's own object first."""
    whose = (image.owner_id, image.key)
    found = transaction.select(
        "SELECT image_key, object_key FROM renditions WHERE owner_id = %s AND image_key = %s FOR UPDATE", whose
    )
    transaction.change("DELETE FROM renditions WHERE owner_id = %s AND image_key = %s", whose)
    return list(_removals(image.owner_id, [(image.key, image.object_key), *found]))


def deleted(transaction: Transaction, image: Image) -> list[Removal]:
    """Deletes the image's renditions and tags; what is to be removed with them."""
    transaction.change("DELETE FROM image_tags WHERE owner_id = %s AND image_key = %s", (image.owner_id, image.key))
    return replaced(transaction, image)


def all_deleted(transaction: Transaction, owner: Owner, images: Sequence[Image]) -> list[Removal]:
    """Deletes every rendition and tag of the owner's; what is to be removed with those images, trashed ones too."""
    found = transaction.select(
        "SELECT image_key, object_key FROM renditions WHERE owner_id = %s FOR UPDATE", (owner.id,)
    )
    transaction.change("DELETE FROM renditions WHERE owner_id = %s", (owner.id,))
    transaction.change("DELETE FROM image_tags WHERE owner_id = %s", (owner.id,))
    # In the trash, renditions stand under no key: the object's own name tells which image it was made of.
    keys = {image.object_key: image.key for image in images}
    made: list[tuple[bytes, str]] = list(found)
    made = [(keys.get(original_of(one), key), one) for key, one in made]
    return list(_removals(owner.id, [*((image.key, image.object_key) for image in images), *made]))


def _removals(owner_id: bytes, objects: Sequence[tuple[bytes, str]]) -> Iterator[Removal]:
    for key, object_key in objects:
        yield Removal(owner_id, object_key, partition_of(key))
