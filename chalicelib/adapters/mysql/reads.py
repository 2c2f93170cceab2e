"""Reads for requests: at the primary, and at a replica while the primary does not answer.

The primary is the only one that decides while it answers. A replica's rows may be old, so each read of them is noted.
A replica is never sent anything but SELECT: what it is reached through has no transactions.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

from pymysql.err import ProgrammingError

from chalicelib.adapters.mysql.database import Args, Belongs, Rows
from chalicelib.domain.breaker import Breaker, BreakerPolicy, admitted, failed
from chalicelib.domain.errors import OverloadedError, RowsUnavailableError, UnavailableError

logger = logging.getLogger(__name__)

# Together what one read may take without a replica, so that a request is answered within 2 s when both hang.
PRIMARY_SECONDS = 0.7
REPLICA_SECONDS = 0.8
# A primary that is only slow is still the one that decides.
_POLICY = BreakerPolicy(slow_seconds=math.inf, pause_seconds=1.0)


class Server(Protocol):
    """What Reads asks: a Database, of which nothing but this is used."""

    def select(self, sql: str, args: Args, belongs: Belongs, seconds: float) -> Rows: ...

    def close(self) -> None: ...


class Reads:
    """Rows of the primary, or of the replica, in which case `note` is called. Safe to share between threads."""

    def __init__(
        self,
        primary: Server,
        replica: Server,
        note: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._primary = primary
        self._replica = replica
        self._note = note
        self._monotonic = monotonic
        self._breaker = Breaker()  # replaced under the lock, looked at without
        self._lock = threading.Lock()

    def select(self, sql: str, args: Args = (), belongs: Belongs = lambda rows: True) -> Rows:
        """The rows of one autocommitted statement. Raises RowsUnavailableError or OverloadedError."""
        return self.located(sql, args, belongs)[0]

    def located(self, sql: str, args: Args = (), belongs: Belongs = lambda rows: True) -> tuple[Rows, bool]:
        """As `select`, and whether the rows are the primary's."""
        asked = not self._breaker.tripped or self._probes()
        if asked:
            try:
                return self._at_primary(sql, args, belongs), True
            except RowsUnavailableError as error:
                lost: UnavailableError = error
            except OverloadedError as error:
                if not self._breaker.tripped:
                    raise  # busy is not gone
                lost = error  # writes that wait for a primary that hangs hold its connections
        try:
            return self._at_replica(sql, args, belongs), False
        except RowsUnavailableError:
            if asked:
                raise lost from lost.__cause__
            return self._at_primary(sql, args, belongs), True  # nobody else is left to ask, so its pause does not count

    def close(self) -> None:
        """Closes the connections to the replica that are not in use."""
        self._replica.close()

    def _at_primary(self, sql: str, args: Args, belongs: Belongs) -> Rows:
        try:
            rows = self._primary.select(sql, args, belongs, PRIMARY_SECONDS)
        except RowsUnavailableError as error:
            with self._lock:
                if not self._breaker.tripped:
                    logger.warning("reads go to the replica: %s (%s)", error, error.__cause__)
                self._breaker = failed(self._breaker, self._monotonic(), _POLICY)
            raise
        if self._breaker.tripped:
            with self._lock:
                self._breaker = Breaker()
            logger.warning("reads go to the primary again")
        return rows

    def _at_replica(self, sql: str, args: Args, belongs: Belongs) -> Rows:
        try:
            rows = self._replica.select(sql, args, belongs, REPLICA_SECONDS)
        except ProgrammingError as error:  # it lags so far behind that it has not got the tables yet
            raise RowsUnavailableError("The replica cannot answer yet.") from error
        self._note()
        return rows

    def _probes(self) -> bool:
        """Whether this call is the one that finds out whether the primary is back."""
        with self._lock:
            self._breaker, probes = admitted(self._breaker, self._monotonic(), _POLICY)
        return probes
