"""first-admin: a link that makes the first admin of an environment."""

import argparse
import secrets
from contextlib import closing

from chalicelib.domain.account_ports import FIRST_ADMIN
from chalicelib.domain.accounts import TOKEN_BYTES, hash_of
from chalicelib.services.accounts import FIRST_ADMIN_SECONDS
from ops.aws import tables
from ops.aws.account import Account
from ops.aws.command import OK, environment_name
from ops.aws.environment import Environment
from ops.aws.errors import OperatorError
from ops.aws.telling import Telling
from ops.database import Database

_EPILOG = """\
The link is good once, for an hour. Whoever opens it says an address and a password, and is admin. Once there is
one there is no such link: admins make others at /admin."""


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("name", type=environment_name)
    parser.epilog = _EPILOG


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    environment = Environment(account, arguments.name, telling)
    told = environment.told()
    site = told.get("SiteAddress", "").rstrip("/") or environment.address(told).rstrip("/")
    if not site:
        raise OperatorError("Nothing is deployed yet.", next_=f"`./ops/store create-env {arguments.name}`")
    link = new_link(tables.operators_database(account.client("secretsmanager"), told, tables.environ()))
    address = f"{site}/first-admin?link={link}"
    telling.result([f"First admin (good once, for an hour): {address}"], {"address": address})
    return OK


def new_link(database: Database) -> str:
    """Its secret, of which the database keeps the hash. Raises OperatorError if there is an admin."""
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM accounts WHERE admin = 1 LIMIT 1")
        if cursor.fetchone():
            raise OperatorError("There is an admin already.", "Admins make others at /admin.")
        cursor.execute(
            "INSERT INTO account_links (token_hash, purpose, ends_at) "
            "VALUES (%s, %s, UTC_TIMESTAMP(6) + INTERVAL %s SECOND)",
            (hash_of(secret), FIRST_ADMIN, FIRST_ADMIN_SECONDS),
        )
    return secret
