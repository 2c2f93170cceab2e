"""How the operator's commands reach the MySQL database."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import pymysql


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a server, as one user."""

    host: str
    port: int
    user: str
    password: str
    name: str
    tls: bool

    def connect(self, *, timeout_seconds: int = 10, statement_timeout_seconds: int = 600) -> pymysql.Connection:
        """A connection with autocommit. Raises pymysql.err.OperationalError if the server cannot be reached."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=self.name,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=timeout_seconds,
            read_timeout=statement_timeout_seconds,
            write_timeout=statement_timeout_seconds,
            ssl=self.tls_context(),
            ssl_disabled=not self.tls,
        )

    def tls_context(self) -> ssl.SSLContext | None:
        """What checks the server's certificate; None without TLS."""
        return ssl.create_default_context() if self.tls else None


def from_environ(environ: Mapping[str, str]) -> Database:
    """From DATABASE_HOST and its siblings; TLS unless DATABASE_TLS is off. Raises KeyError or ValueError."""
    return Database(
        host=environ["DATABASE_HOST"],
        port=int(environ.get("DATABASE_PORT", "3306")),
        user=environ["DATABASE_USER"],
        password=environ["DATABASE_PASSWORD"],
        name=environ["DATABASE_NAME"],
        tls=environ.get("DATABASE_TLS", "on") != "off",
    )


def from_url(url: str) -> Database:
    """From mysql://user:password@host:port/name, with `?tls=off` to go without TLS. Raises ValueError."""
    parts = urlsplit(url)
    name = parts.path.lstrip("/")
    if parts.scheme != "mysql" or not parts.hostname or not parts.username or not name:
        raise ValueError("The database's address must look like mysql://user:password@host:port/name.")
    return Database(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        name=name,
        tls=parts.query != "tls=off",
    )
