"""Requests that may be sent again: the same Idempotency-Key with the same request is answered as the first time."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from chalicelib.domain.errors import InvalidValueError

KEPT_SECONDS = 24 * 3600
MOST_CHARACTERS = 255
HEADER = "Idempotency-Key"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """The key that a request carries, and what it asks for: hashes, so that neither can be read back."""

    key_hash: bytes
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Note(Generic[T]):
    """What a transaction keeps of the request that it does: its answer, made of the outcome."""

    asked: Asked
    answer_of: Callable[[T], str]


def asked_by(key: str, *request: bytes) -> Asked:
    """The request, by everything in it that makes a difference. Raises InvalidValueError on what is no key."""
    if not (1 <= len(key) <= MOST_CHARACTERS and key.isascii() and key.isprintable()):
        raise InvalidValueError(
            HEADER, f"An {HEADER} has 1 to {MOST_CHARACTERS} printable characters of ASCII; a UUID will do."
        )
    digest = hashlib.sha256()
    for part in request:  # each by its own hash, so that no two lists of parts are the same
        digest.update(hashlib.sha256(part).digest())
    return Asked(hashlib.sha256(key.encode()).digest(), digest.digest())
