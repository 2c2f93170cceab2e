"""The environment's database as its operator reaches it: its tables brought up to the code, its user made."""

import json
import os
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pymysql

from ops.aws.errors import OperatorError
from ops.aws.stage import DATABASE_CA_FILE, DATABASE_NAME
from ops.aws.templates import PROJECT
from ops.database import Database, from_url
from ops.migrate import MIGRATIONS, MigrationError, migrate

URL_VARIABLE = "OPERATOR_DATABASE_URL"
VIA_VARIABLE = "OPERATOR_DATABASE_VIA"
_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
_VIA_HELP = (
    f"open a way to it, such as `aws ssm start-session --target INSTANCE --document-name "
    f"AWS-StartPortForwardingSessionToRemoteHost --parameters host=HOST,portNumber=3306,localPortNumber=13306`, set "
    f"{VIA_VARIABLE}=127.0.0.1:13306, then the same command again"
)


@dataclass(frozen=True, slots=True)
class Tunnelled(Database):
    """A database that is reached at another address than the one that its certificate names."""

    certified_host: str = ""
    ca_file: Path | None = None

    def tls_context(self) -> ssl.SSLContext:
        """One that checks the certificate for the name that is on it."""
        return _named_context(self.certified_host, self.ca_file)


def operators_database(secrets: Any, outputs: Mapping[str, str], environ: Mapping[str, str]) -> Database:
    """As the user who may change tables. Raises OperatorError where nothing tells who that is."""
    arn = outputs.get("OperatorSecretArn")
    if not arn:
        url = environ.get(URL_VARIABLE)
        if not url:
            raise OperatorError(
                "The database is your own, and nothing tells who may change its tables.",
                next_=f"set {URL_VARIABLE}=mysql://USER:PASSWORD@HOST:PORT/{DATABASE_NAME}, then the same again",
            )
        try:
            return from_url(url)
        except ValueError as error:
            raise OperatorError(f"{URL_VARIABLE} is no database's address.", str(error)) from error
    sign_in = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    return _reached(outputs, sign_in, environ)


def applications_database(secrets: Any, outputs: Mapping[str, str], like: Database) -> Database:
    """As the functions sign in, reached as `like` is."""
    sign_in = json.loads(secrets.get_secret_value(SecretId=outputs["DatabaseSecretArn"])["SecretString"])
    return replace(like, user=sign_in["username"], password=sign_in["password"])


def in_words(error: pymysql.err.MySQLError) -> OperatorError:
    """What the driver says of a database that does not answer, or refuses."""
    return OperatorError("The database does not do what was asked of it.", f"It said: {error}", _VIA_HELP)


def bring_up(
    operators: Database, application: Database, say: Callable[[str], None], folder: Path = MIGRATIONS
) -> list[str]:
    """Applies what lacks and makes the application's user; the ids of the migrations applied. Raises OperatorError."""
    try:
        applied = migrate(operators, folder)
    except MigrationError as error:
        raise OperatorError("The tables could not be brought up to the code.", str(error)) from error
    say(f"tables: {len(applied)} migrations applied" if applied else "tables: up to date")
    if not _signs_in(application):
        try:
            make_user(operators, application)
        except pymysql.err.MySQLError as error:
            raise OperatorError(
                f"The application's user “{application.user}” could not be made.",
                f"The database said: {error.args[-1]}.",
                f"make it by hand with {_RIGHTS} on {application.name}.*, then the same command again",
            ) from error
        say(f"tables: the application's user “{application.user}” is made")
    return list(applied)


def make_user(operators: Database, application: Database) -> None:
    """With the password of its secret and no more rights than the functions need. May be repeated."""
    with closing(operators.connect()) as connection, connection.cursor() as cursor:
        who, secret = (application.user, "%"), application.password
        cursor.execute("CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s", (*who, secret))
        cursor.execute("ALTER USER %s@%s IDENTIFIED BY %s", (*who, secret))
        cursor.execute(f"GRANT {_RIGHTS} ON `{application.name}`.* TO %s@%s", who)


def _signs_in(database: Database) -> bool:
    try:
        database.connect().close()
    except pymysql.err.OperationalError:
        return False
    return True


def _reached(outputs: Mapping[str, str], sign_in: Mapping[str, str], environ: Mapping[str, str]) -> Database:
    host, port = outputs["DatabaseHost"], int(outputs["DatabasePort"])
    via = environ.get(VIA_VARIABLE, "")
    via_host, _, via_port = via.rpartition(":")
    if via and not (via_host and via_port.isascii() and via_port.isdigit()):
        raise OperatorError(f"“{via}” is no address.", next_=f"{VIA_VARIABLE}=127.0.0.1:13306, then the same again")
    return Tunnelled(
        host=via_host or host,
        port=int(via_port or port),
        user=sign_in["username"],
        password=sign_in["password"],
        name=DATABASE_NAME,
        tls=True,
        certified_host=host,
        ca_file=PROJECT / DATABASE_CA_FILE,
    )


def _named_context(name: str, ca_file: Path | None) -> ssl.SSLContext:
    class Named(ssl.SSLContext):
        """Checks the certificate for a name that was said before, whatever address is called."""

        def wrap_socket(self, sock: Any, *args: Any, **options: Any) -> ssl.SSLSocket:
            return super().wrap_socket(sock, *args, **{**options, "server_hostname": name})

    context = Named(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(ca_file) if ca_file else None)
    return context


def environ() -> Mapping[str, str]:
    """Of this process."""
    return os.environ
