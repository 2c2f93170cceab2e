"""The rows of the audit log. Those who change something put the deed into it by the same transaction."""

from datetime import UTC, datetime

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.domain.admin import BEGUN, AuditEntry, Deed

_COLUMNS = "id, at, actor_email, what, about, outcome, address"


def put_down(transaction: Transaction, deed: Deed, outcome: str) -> bool:
    """Puts the deed into the log; False if it is there, put down by a try whose answer was lost."""
    return bool(
        transaction.change(
            "INSERT IGNORE INTO audit (deed, at, actor_email, what, about, outcome, address) "
            "VALUES (%s, UTC_TIMESTAMP(6), %s, %s, %s, %s, %s)",
            (deed.id, deed.actor.encode(), deed.what, deed.about, outcome, deed.address[:100]),
        )
    )


def concluded(transaction: Transaction, deed_id: bytes, outcome: str) -> None:
    """Writes what became of a deed that was begun."""
    transaction.change("UPDATE audit SET outcome = %s WHERE deed = %s AND outcome = %s", (outcome, deed_id, BEGUN))


def entries(database: Database, before: int | None, limit: int) -> list[AuditEntry]:
    """At most `limit` entries, newest first; those older than the entry `before` if it is given."""
    condition, args = ("WHERE id < %s ", (before,)) if before is not None else ("", ())
    found = database.select(
        f"SELECT {_COLUMNS} FROM audit {condition}ORDER BY id DESC LIMIT %s",
        (*args, limit),
        belongs=lambda rows: all(len(row) == _COLUMNS.count(",") + 1 for row in rows),
    )
    return [AuditEntry(row[0], moment_of(row[1]), row[2].decode(), *row[3:]) for row in found]


def moment_of(at: datetime) -> datetime:
    """A moment as the database tells it, in UTC."""
    return at.replace(tzinfo=UTC)
