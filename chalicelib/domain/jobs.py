"""Work that is owed: a row written in the transaction that makes it due, then a message that names the row."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

REMOVE_OBJECTS = "remove_objects"
MAKE_DUMP, REMOVE_DATA = "make_dump", "remove_data"
MAX_REMOVALS = 1000  # S3 deletes at most as many in one call


@dataclass(frozen=True, slots=True)
class Removal:
    """One object to remove from the object store and from the cache."""

    owner_id: bytes
    object_key: str
    partition: int


@dataclass(frozen=True, slots=True)
class Job:
    """A row of work. `id` is 16 random bytes; `body` is what its kind needs."""

    id: bytes
    kind: str
    body: str


def removal_job(job_id: bytes, removals: Iterable[Removal]) -> Job:
    """A job that removes at most MAX_REMOVALS objects."""
    body = [[removal.owner_id.hex(), removal.object_key, removal.partition] for removal in removals]
    return Job(job_id, REMOVE_OBJECTS, json.dumps(body))


def removals_of(job: Job) -> tuple[Removal, ...]:
    """What a job made by removal_job removes."""
    return tuple(Removal(bytes.fromhex(owner), key, partition) for owner, key, partition in json.loads(job.body))
