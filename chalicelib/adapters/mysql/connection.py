"""PyMySQL's connection, with a deadline for whole calls, and closed when an answer makes no sense."""

import functools
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import CR
from pymysql.cursors import Cursor

from chalicelib.adapters import deadline_sockets
from chalicelib.adapters.deadline_sockets import DeadlineTlsSocket

if TYPE_CHECKING:
    Base = pymysql.Connection[Cursor]
else:
    Base = pymysql.Connection

DEFAULT_CONNECT_SECONDS = 1.0
# What PyMySQL raises while it takes bytes apart that are no packets.
_NONSENSE = (ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, struct.error)


class Connection(Base):
    """One connection. What goes wrong in it is told as OperationalError or OSError, and closes it."""

    def connect(self, sock: Any = None) -> None:
        """Connects anew; the deadline that `deadline_sockets.within` has set holds for this too."""
        opened = deadline_sockets.connect(self.host, self.port, self.connect_timeout or DEFAULT_CONNECT_SECONDS)
        try:
            with self._sensible():
                super().connect(opened)  # closes it if it fails
        finally:
            if not self.open:
                opened.close()

    def sign_in_as(self, user: str, password: str) -> None:
        """Whom the next `connect` signs in."""
        self.user, self.password = user, password.encode()

    def query(self, sql: Any, unbuffered: bool = False) -> int:
        with self._sensible():
            return super().query(sql, unbuffered)

    def _read_ok_packet(self) -> Any:
        with self._sensible():
            return super()._read_ok_packet()  # type: ignore[misc]

    @contextmanager
    def _sensible(self) -> Iterator[None]:
        try:
            yield
        except _NONSENSE as error:
            self._force_close()  # type: ignore[attr-defined]
            raise pymysql.err.OperationalError(CR.CR_MALFORMED_PACKET, f"Malformed packet ({error!r})") from error


@functools.cache
def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """20 ms: made once a process, not once a connection. `ca_file` says whom to trust, instead of the machine's own."""
    context = ssl.create_default_context(cafile=ca_file)
    context.sslsocket_class = DeadlineTlsSocket
    return context
