"""The heartbeat that tells a replica's lag."""

from datetime import UTC, datetime

from pymysql.err import ProgrammingError

from chalicelib.adapters.mysql.database import Database, Rows
from chalicelib.adapters.mysql.reads import REPLICA_SECONDS, Server
from chalicelib.domain.errors import RowsUnavailableError

_BEATEN = "SELECT UTC_TIMESTAMP(6), beaten_at FROM heartbeats WHERE id = 1"


class MySqlHeartbeats:
    """Heartbeats in MySQL."""

    def __init__(self, primary: Database, replica: Server) -> None:
        self._primary = primary
        self._replica = replica

    def beat(self) -> None:
        self._primary.transaction(
            lambda transaction: transaction.change("UPDATE heartbeats SET beaten_at = UTC_TIMESTAMP(6) WHERE id = 1")
        )

    def at_primary(self) -> tuple[datetime, datetime | None]:
        now, beaten_at = self._primary.select(_BEATEN, (), _one_pair)[0]
        return now.replace(tzinfo=UTC), _moment(beaten_at)

    def at_replica(self) -> datetime | None:
        try:
            found = self._replica.select(_BEATEN, (), _one_pair, REPLICA_SECONDS)
        except ProgrammingError as error:  # it has not got the table yet
            raise RowsUnavailableError("The replica cannot answer yet.") from error
        return _moment(found[0][1])


def _one_pair(rows: Rows) -> bool:
    return len(rows) == 1 and len(rows[0]) == 2 and isinstance(rows[0][0], datetime)


def _moment(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)
