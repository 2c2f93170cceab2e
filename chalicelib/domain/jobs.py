"""Work that is owed: a row written in the transaction that makes it due, then a message that names the row."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.notices import EditNotice

REMOVE_OBJECTS = "remove_objects"
MAKE_DUMP, REMOVE_DATA = "make_dump", "remove_data"
ERASE_ACCOUNT = "erase_account"
RENDER = "render"
MAKE_DOWNLOAD = "make_download"
EDIT_NOTICE, LABEL = "edit_notice", "label"
INDEX_IMAGES = "index_images"
ACCOUNT_MAIL = "account_mail"
MOST_TRIES = 20  # to make renditions or labels; a message goes to the dead-letter queue after five
MAX_REMOVALS = 1000  # S3 deletes at most as many in one call


@dataclass(frozen=True, slots=True)
class Removal:
    """One object to remove from the object store and from the cache."""

    owner_id: bytes
    object_key: str
    partition: int


@dataclass(frozen=True, slots=True)
class Render:
    """Kinds of renditions to make of an image, as long as that object is the image's."""

    owner_id: bytes
    key: bytes
    source_object_key: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountMail:
    """A mail that was asked for, kept under the name `asked`; its links begin with `site`."""

    asked: bytes
    purpose: str
    site: str


@dataclass(frozen=True, slots=True)
class Job:
    """A row of work. `id` is 16 random bytes; `body` is what its kind needs; `tries` counts how often it was begun."""

    id: bytes
    kind: str
    body: str
    tries: int = field(default=0, compare=False)


def removal_job(job_id: bytes, removals: Iterable[Removal]) -> Job:
    """A job that removes at most MAX_REMOVALS objects."""
    body = [[removal.owner_id.hex(), removal.object_key, removal.partition] for removal in removals]
    return Job(job_id, REMOVE_OBJECTS, json.dumps(body))


def removals_of(job: Job) -> tuple[Removal, ...]:
    """What a job made by removal_job removes."""
    return tuple(Removal(bytes.fromhex(owner), key, partition) for owner, key, partition in json.loads(job.body))


def render_job(job_id: bytes, order: Render) -> Job:
    """A job that makes renditions."""
    body = [order.owner_id.hex(), order.key.hex(), order.source_object_key, list(order.kinds)]
    return Job(job_id, RENDER, json.dumps(body))


def render_of(job: Job) -> Render:
    """What a job made by render_job makes."""
    owner, key, source, kinds = json.loads(job.body)
    return Render(bytes.fromhex(owner), bytes.fromhex(key), source, tuple(kinds))


def edit_notice_job(job_id: bytes, notice: EditNotice) -> Job:
    """A job that tells the owner."""
    body = [notice.owner_id.hex(), notice.key.hex(), list(notice.kinds), notice.ready]
    return Job(job_id, EDIT_NOTICE, json.dumps(body))


def edit_notices_of(body: str) -> list[EditNotice]:
    """What is told by a job made by edit_notice_job, or by one with a body made by gathered_notices."""
    owner = bytes.fromhex(json.loads(body)[0])
    return [EditNotice(owner, bytes.fromhex(key), tuple(kinds), bool(ready)) for key, kinds, ready in _told_by(body)]


def gathered_notices(bodies: Sequence[str]) -> str:
    """One body for jobs that tell the same owner."""
    return json.dumps([json.loads(bodies[0])[0], *(told for body in bodies for told in _told_by(body))])


def _told_by(body: str) -> list[Any]:
    _, *told = json.loads(body)
    return [told] if isinstance(told[0], str) else told


def notices_begin(job: Job) -> str:
    """What the bodies of all jobs begin with that tell the same owner as this one."""
    return job.body[: job.body.index(",") + 1]


def label_job(job_id: bytes, order: Render, tries_left: int) -> Job:
    """A job that has the image looked at; the order's kinds do not matter."""
    body = [order.owner_id.hex(), order.key.hex(), order.source_object_key, tries_left]
    return Job(job_id, LABEL, json.dumps(body))


def label_of(job: Job) -> tuple[Render, int]:
    """What a job made by label_job looks at, and how often it may be tried yet."""
    owner, key, source, tries_left = json.loads(job.body)
    return Render(bytes.fromhex(owner), bytes.fromhex(key), source, ()), int(tries_left)


def index_job(job_id: bytes, owner_id: bytes, after: bytes) -> Job:
    """A job that makes an owner's images findable whose keys sort behind `after`."""
    return Job(job_id, INDEX_IMAGES, json.dumps([owner_id.hex(), after.hex()]))


def indexed_by(job: Job) -> tuple[bytes, bytes]:
    """The owner's id, and the key behind which a job made by index_job begins."""
    owner_id, after = json.loads(job.body)
    return bytes.fromhex(owner_id), bytes.fromhex(after)


def account_mail_job(job_id: bytes, order: AccountMail) -> Job:
    """A job that mails what was asked for. It names no address."""
    return Job(job_id, ACCOUNT_MAIL, json.dumps([order.asked.hex(), order.purpose, order.site]))


def account_mail_of(job: Job) -> AccountMail:
    """What a job made by account_mail_job mails."""
    asked, purpose, site = json.loads(job.body)
    return AccountMail(bytes.fromhex(asked), purpose, site)
