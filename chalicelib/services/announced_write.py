"""The order of steps in which an image is written, so that none is lost and nothing is left behind.

The removal of the new object is announced first, then the object is stored under a name never used before, then one
transaction makes it the image and withdraws the announcement. Killed anywhere between, the writer leaves at most an
object that an announced job removes; acknowledged means that object and row are both durable.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.domain import jobs
from chalicelib.domain.errors import RowsUnavailableError, StoreError
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Draft, ImageRows, Objects, Stopwatch

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AnnouncedWrite:
    """Bytes about to be stored as the draft says."""

    owner_id: bytes
    draft: Draft
    data: bytes


def announced(
    rows: ImageRows, objects: Objects, write: AnnouncedWrite, commit: Callable[[bytes], T], stopwatch: Stopwatch
) -> T:
    """What `commit` returns, which is given the id of the intent that it is to withdraw.

    Raises RowsUnavailableError, ObjectsUnavailableError, or what `commit` raises; the object is removed then: at once
    if it is known to be there, and otherwise when the intent falls due by itself. A put whose answer was not waited for
    may still arrive; a removal that came before it would leave it for good.
    """
    draft = write.draft
    removal = jobs.Removal(write.owner_id, draft.object_key, partition_of(draft.key))
    intent = jobs.removal_job(secrets.token_bytes(16), [removal])
    with stopwatch.part("announce"):
        rows.announce(intent)
    with stopwatch.part("store"):
        objects.put(draft.object_key, write.data, draft.facts.media_type)
    try:
        with stopwatch.part("commit"):
            return commit(intent.id)
    except RowsUnavailableError:  # it would be waited for once more; the intent falls due by itself
        raise
    except StoreError:
        _abandon(rows, intent.id)
        raise


def new_object_key(owner_id: bytes) -> str:
    """A name for an image's bytes that was never used before."""
    return f"originals/{owner_id.hex()}/{secrets.token_hex(16)}"


def _abandon(rows: ImageRows, intent_id: bytes) -> None:
    try:
        rows.abandon(intent_id)
    except StoreError as error:
        logger.warning("a removal stays due for later: %s", error)
