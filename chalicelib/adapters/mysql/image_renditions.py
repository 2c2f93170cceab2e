"""What writing, replacing and deleting an image does to its renditions and tags, within the same transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chalicelib.adapters.mysql.database import Rows, Transaction
from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job, Removal, Render
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Draft
from chalicelib.domain.renditions import MEDIA_TYPE, ON_ARRIVAL
from chalicelib.domain.stored_renditions import State, object_key_of, original_of

# Tables whose rows hang on an image by owner_id and image_key.
DEPENDENTS = ("renditions", "image_tags", "image_details", "album_images", "shares")

_INSERT = """
INSERT INTO renditions (owner_id, image_key, kind, source_object_key, object_key, media_type, state, created_at)
VALUES (%s, %s, %s, %s, %s, %s, 'due', UTC_TIMESTAMP(6))
"""
MADE = "SELECT image_key, object_key, state, size FROM renditions WHERE owner_id = %s"


@dataclass(frozen=True, slots=True)
class Freed:
    """What an image leaves behind: objects to be removed, its own first, and how many bytes count no more."""

    removals: list[Removal]
    bytes: int


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


def replaced(transaction: Transaction, image: Image) -> Freed:
    """Deletes the image's renditions and automatic tags, which were its bytes'; what it and they leave behind.

    What its owner wrote and removed belongs to the key, and stays.
    """
    forget_automatic(transaction, image.owner_id, image.key)
    return _without(transaction, image, ("renditions",))


def deleted(transaction: Transaction, image: Image) -> Freed:
    """Deletes the image's renditions, tags, details, places in albums and links; what it and they leave behind."""
    return _without(transaction, image, DEPENDENTS)


def forget_automatic(transaction: Transaction, owner_id: bytes, key: bytes) -> None:
    """Deletes the image's automatic tags. That one was removed is remembered."""
    transaction.change(
        "DELETE FROM image_tags WHERE owner_id = %s AND image_key = %s AND source = 'automatic' AND removed = 0",
        (owner_id, key),
    )


def _without(transaction: Transaction, image: Image, tables: Sequence[str]) -> Freed:
    whose = (image.owner_id, image.key)
    found = transaction.select(f"{MADE} AND image_key = %s FOR UPDATE", whose)
    for table in tables:
        transaction.change(f"DELETE FROM {table} WHERE owner_id = %s AND image_key = %s", whose)
    return freed_of(image.owner_id, [image], found)


def all_deleted(transaction: Transaction, owner: Owner, images: Sequence[Image]) -> Freed:
    """As `deleted`, for every image of the owner's, in the trash too; what they leave behind."""
    found = transaction.select(f"{MADE} FOR UPDATE", (owner.id,))
    for table in DEPENDENTS:
        transaction.change(f"DELETE FROM {table} WHERE owner_id = %s AND image_key IS NOT NULL", (owner.id,))
    return freed_of(owner.id, images, found)


def freed_of(owner_id: bytes, images: Sequence[Image], made: Rows) -> Freed:
    """What these images and their renditions leave behind; `made` are rows of key, object key, state and size."""
    # In the trash, renditions stand under no key: the object's own name tells which image it was made of.
    keys: dict[str, bytes] = {image.object_key: image.key for image in images}
    objects = [(image.key, image.object_key) for image in images]
    objects += [(keys.get(original_of(name)) or key, name) for key, name, _, _ in made]
    ready = sum(size for _, _, state, size in made if state == State.READY.value)
    return Freed(list(_removals(owner_id, objects)), sum(image.size for image in images) + ready)


def _removals(owner_id: bytes, objects: Sequence[tuple[bytes, str]]) -> Iterator[Removal]:
    for key, object_key in objects:
        yield Removal(owner_id, object_key, partition_of(key))
