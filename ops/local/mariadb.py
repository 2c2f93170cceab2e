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
    state: StateFolder, port: int, secrets: Mapping[str, str], environ: Mapping[str, str], prepare: Callable[[], None]
) -> Part:
    """`prepare` brings the tables up to date."""
    init_file = state.tmp / "mariadb-init.sql"
    write_whole(init_file, _init_sql(secrets))
    application = database(port, APPLICATION_USER, secrets["application_password"])
    return Part(
        name="mariadb",
        title="MariaDB",
        command=(
            _program("mariadbd", environ["PATH"]),
            "--no-defaults",
            f"--datadir={state.mariadb}",
            f"--tmpdir={state.tmp}",
            f"--init-file={init_file}",
            "--socket=m.sock",  # relative to the data folder: a path over 107 characters would abort the start
            "--pid-file=m.pid",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            "--skip-name-resolve",
            "--performance-schema=OFF",
            "--skip-log-bin",
            _SMALL_LOG,
            "--innodb-flush-log-at-trx-commit=1",
            f"--sql-mode={_SQL_MODE}",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_bin",
            "--default-time-zone=+00:00",
            *_as_root(),
        ),
        environ=environ,
        is_ready=lambda: _answers(application),
        prepare=prepare,
        ready_seconds=60,
        stop_seconds=60,
    )


def database(port: int, user: str, password: str) -> Database:
    """How a user reaches it."""
    return Database(host="127.0.0.1", port=port, user=user, password=password, name=DATABASE, tls=False)


def _answers(target: Database) -> bool:
    try:
        target.connect(timeout_seconds=2).close()
    except pymysql.err.OperationalError:
        return False
    return True


def _init_sql(secrets: Mapping[str, str]) -> str:
    """One statement a line, as --init-file wants it. Run at every start, so that the passwords are the folder's."""
    accounts = (
        (APPLICATION_USER, secrets["application_password"], "SELECT, INSERT, UPDATE, DELETE"),
        (MIGRATIONS_USER, secrets["migrations_password"], "ALL PRIVILEGES"),
    )
    lines = [f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"]
    for user, password, rights in accounts:
        lines += [
            f"CREATE USER IF NOT EXISTS '{user}'@'127.0.0.1' IDENTIFIED BY '{password}'",
            f"ALTER USER '{user}'@'127.0.0.1' IDENTIFIED BY '{password}'",
            f"GRANT {rights} ON {DATABASE}.* TO '{user}'@'127.0.0.1'",
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
