"""A private MariaDB in the state folder, on loopback, without TLS. It stands in for MySQL 8 on RDS."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pymysql

from ops.database import Database
from ops.local.errors import LocalCloudError
from ops.local.parts import Part
from ops.local.state import StateFolder, write_whole

DATABASE = "images"
APPLICATION_USER = "application"
MIGRATIONS_USER = "migrations"
REPLICATION_USER = "replication"
BINARY_LOG = "changes"

# MySQL 8's default, said aloud because MariaDB's differs.
_SQL_MODE = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)
_SMALL_LOG = "--innodb-log-file-size=16M"


def install_command(data_folder: Path, search: str) -> tuple[str, ...]:
    """Fills a new, empty data folder. Raises LocalCloudError if the program is missing."""
    return (
        "env",
        f"--chdir={data_folder.parent}",  # because the script splits a path at its blanks
        _program("mariadb-install-db", search),
        "--no-defaults",
        f"--datadir=./{data_folder.name}",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        _SMALL_LOG,
        *_as_root(),
    )


def make_data_folder(state: StateFolder, run: Callable[[Path], None]) -> bool:
    """Whether a data folder had to be made. `run` fills the one it is given and raises if it cannot.

    It is made under another name and renamed, so one of the right name is complete and is never deleted.
    """
    if state.mariadb.exists():
        return False
    unfinished = state.mariadb.with_name("mariadb.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    run(unfinished)
    os.sync()  # the rename must not reach the disk before what it names
    unfinished.rename(state.mariadb)
    return True


def part(
    state: StateFolder,
    port: int,
    secrets: Mapping[str, str],
    environ: Mapping[str, str],
    prepare: Callable[[], None],
    *,
    log_changes: bool = False,
) -> Part:
    """`prepare` brings the tables up to date. With `log_changes` a replica can follow.

    Once changes were logged they always are: after a kill the log is what says which transactions are committed.
    """
    log_changes = log_changes or (state.mariadb / f"{BINARY_LOG}.index").exists()
    application = database(port, APPLICATION_USER, secrets["application_password"])
    return Part(
        name="mariadb",
        title="MariaDB",
        command=(
            *server_command(state, state.mariadb, port, secrets, environ, log_changes=log_changes),
            "--server-id=1",
        ),
        environ=environ,
        is_ready=lambda: answers(application),
        prepare=prepare,
        ready_seconds=60,
        stop_seconds=60,
    )


def server_command(
    state: StateFolder,
    data_folder: Path,
    port: int,
    secrets: Mapping[str, str],
    environ: Mapping[str, str],
    *,
    log_changes: bool,
) -> tuple[str, ...]:
    """Runs a server on a data folder, with the accounts made. Raises LocalCloudError if the program is missing."""
    init_file = state.tmp / f"{data_folder.name}-init.sql"
    write_whole(init_file, _init_sql(secrets, replication=log_changes))
    log_options = (f"--log-bin={BINARY_LOG}", "--binlog-format=ROW", "--sync-binlog=1", "--expire-logs-days=1")
    return (
        _program("mariadbd", environ["PATH"]),
        "--no-defaults",
        f"--datadir={data_folder}",
        f"--tmpdir={state.tmp}",
        f"--init-file={init_file}",
        "--socket=m.sock",  # relative to the data folder: a path over 107 characters would abort the start
        "--pid-file=m.pid",
        "--bind-address=127.0.0.1",
        f"--port={port}",
        "--skip-name-resolve",
        "--performance-schema=OFF",
        *(log_options if log_changes else ("--skip-log-bin",)),
        _SMALL_LOG,
        "--innodb-flush-log-at-trx-commit=1",
        f"--sql-mode={_SQL_MODE}",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_bin",
        "--default-time-zone=+00:00",
        *_as_root(),
    )


def database(port: int, user: str, password: str) -> Database:
    """How a user reaches it."""
    return Database(host="127.0.0.1", port=port, user=user, password=password, name=DATABASE, tls=False)


def answers(target: Database) -> bool:
    """Whether the server takes a connection now."""
    try:
        target.connect(timeout_seconds=2).close()
    except pymysql.err.OperationalError:
        return False
    return True


def _init_sql(secrets: Mapping[str, str], *, replication: bool) -> str:
    """One statement a line, as --init-file wants it. Run at every start, so that the passwords are the folder's."""
    accounts = [
        (APPLICATION_USER, secrets["application_password"], f"SELECT, INSERT, UPDATE, DELETE ON {DATABASE}.*"),
        (MIGRATIONS_USER, secrets["migrations_password"], f"ALL PRIVILEGES ON {DATABASE}.*"),
    ]
    if replication:
        rights = "REPLICATION SLAVE, REPLICATION SLAVE ADMIN, REPLICA MONITOR ON *.*"
        accounts.append((REPLICATION_USER, secrets["replication_password"], rights))
    lines = ["SET SESSION sql_log_bin = 0"]  # each server makes its own accounts
    lines += [f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"]
    for user, password, rights in accounts:
        lines += [
            f"CREATE USER IF NOT EXISTS '{user}'@'127.0.0.1' IDENTIFIED BY '{password}'",
            f"ALTER USER '{user}'@'127.0.0.1' IDENTIFIED BY '{password}'",
            f"GRANT {rights} TO '{user}'@'127.0.0.1'",
        ]
    lines += [
        f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{secrets['administrator_password']}'",
        "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost')",
        "FLUSH PRIVILEGES",
    ]
    return "".join(f"{line};\n" for line in lines)


def _program(name: str, search: str) -> str:
    found = shutil.which(name, path=search)
    if found is None:
        raise LocalCloudError(
            f"{name} is not installed: run `make run`, which installs it, "
            "or install the packages mariadb-server-core and mariadb-client-core."
        )
    return found


def _as_root() -> tuple[str, ...]:
    """MariaDB refuses to run as root unless told; the state folder belongs to whoever started us."""
    return ("--user=root",) if os.geteuid() == 0 else ()
