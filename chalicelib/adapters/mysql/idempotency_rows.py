"""The rows of kept answers, each written by the transaction that did the request."""

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.principals import nobody, whose
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import DoneBeforeError, IdempotencyKeyReusedError
from chalicelib.domain.idempotency import KEPT_SECONDS, Asked

_FORGET = 1000  # rows at once


class MySqlAnswerRows:
    """AnswerRows in MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kept(self, principal: Principal, asked: Asked) -> str | None:
        who = whose(principal)
        expected = (who.asked, asked.key_hash)
        found = self._database.select(
            f"SELECT {who.echo}, %s, k.request_hash, k.answer FROM {who.tables} LEFT JOIN idempotency_keys k "
            "ON k.owner_id = o.id AND k.key_hash = %s AND k.created_at > UTC_TIMESTAMP(6) - INTERVAL %s SECOND "
            f"WHERE {who.condition}",
            (asked.key_hash, asked.key_hash, KEPT_SECONDS, *who.args),
            belongs=lambda rows: all(row[:2] == expected for row in rows),
        )
        if not found:
            raise nobody(principal)
        request_hash, answer = found[0][2:]
        if request_hash is not None and request_hash != asked.request_hash:
            raise _reused()
        return None if answer is None else str(answer)


def keep_answer(transaction: Transaction, owner_id: bytes, asked: Asked, answer: str) -> None:
    """Keeps the answer, within a transaction that has locked the owner's row.

    Raises DoneBeforeError if the same request has one already, IdempotencyKeyReusedError if another has.
    """
    transaction.change(
        "DELETE FROM idempotency_keys WHERE owner_id = %s AND created_at <= UTC_TIMESTAMP(6) - INTERVAL %s SECOND "
        f"LIMIT {_FORGET}",
        (owner_id, KEPT_SECONDS),
    )
    # Should more have been forgotten than that, an old one may be left under this very key.
    transaction.change(
        "DELETE FROM idempotency_keys WHERE owner_id = %s AND key_hash = %s "
        "AND created_at <= UTC_TIMESTAMP(6) - INTERVAL %s SECOND",
        (owner_id, asked.key_hash, KEPT_SECONDS),
    )
    found = transaction.select(
        "SELECT request_hash FROM idempotency_keys WHERE owner_id = %s AND key_hash = %s", (owner_id, asked.key_hash)
    )
    if found:
        raise DoneBeforeError("The request was done already.") if found[0][0] == asked.request_hash else _reused()
    transaction.change(
        "INSERT INTO idempotency_keys (owner_id, key_hash, request_hash, answer, created_at) "
        "VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6))",
        (owner_id, asked.key_hash, asked.request_hash, answer),
    )


def _reused() -> IdempotencyKeyReusedError:
    return IdempotencyKeyReusedError(
        "This Idempotency-Key came with another request before. Send this request with a key of its own."
    )
