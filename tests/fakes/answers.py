"""AnswerRows in memory."""

from datetime import timedelta

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import DoneBeforeError, IdempotencyKeyReusedError
from chalicelib.domain.idempotency import KEPT_SECONDS, Asked
from tests.fakes.store import MemoryStore


class MemoryAnswerRows:
    """AnswerRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def kept(self, principal: Principal, asked: Asked) -> str | None:
        with self._store.steps.step("answers.kept"), self._store.lock:
            return kept_answer(self._store, self._store.owner(principal).id, asked)


def kept_answer(store: MemoryStore, owner_id: bytes, asked: Asked) -> str | None:
    """The answer to the request, if it is kept. Raises IdempotencyKeyReusedError."""
    found = store.answers.get((owner_id, asked.key_hash))
    if found is None or found[2] <= store.clock.now() - timedelta(seconds=KEPT_SECONDS):
        return None
    if found[0] != asked.request_hash:
        raise IdempotencyKeyReusedError("This Idempotency-Key came with another request before.")
    return found[1]


def keep_answer(store: MemoryStore, owner_id: bytes, asked: Asked, answer: str) -> None:
    """Within a transaction that has changed nothing yet. Raises DoneBeforeError or IdempotencyKeyReusedError."""
    if kept_answer(store, owner_id, asked) is not None:
        raise DoneBeforeError("The request was done already.")
    store.answers[owner_id, asked.key_hash] = (asked.request_hash, answer, store.clock.now())
