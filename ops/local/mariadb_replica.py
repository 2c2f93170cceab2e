"""A second MariaDB that follows the first, on loopback. It stands in for a read replica on RDS.

Its data folder is a copy of the primary's, made anew at each start while neither runs; it then follows the primary's
binary log from the file that the primary begins when it starts.
"""

import re
import shutil
from collections.abc import Mapping

import pymysql

from ops.local import mariadb
from ops.local.errors import LocalCloudError
from ops.local.parts import REPLICA, Part
from ops.local.state import StateFolder

_SECONDS = 10  # for each statement
_OF_THE_PROCESS = shutil.ignore_patterns("m.sock", "m.pid")


def make_data_folder(state: StateFolder) -> str:
    """Copies the primary's data folder, which nobody uses; the name of the log file that the primary begins next.

    Raises LocalCloudError if it cannot be copied.
    """
    shutil.rmtree(state.replica, ignore_errors=True)
    try:
        shutil.copytree(state.mariadb, state.replica, ignore=_OF_THE_PROCESS)
    except (OSError, shutil.Error) as error:
        raise LocalCloudError(f"The database folder cannot be copied to {state.replica}: {error}") from error
    pattern = re.compile(rf"{mariadb.BINARY_LOG}\.(\d+)")
    numbers = [int(found[1]) for path in state.mariadb.iterdir() if (found := pattern.fullmatch(path.name))]
    return f"{mariadb.BINARY_LOG}.{max(numbers, default=0) + 1:06}"


def part(
    state: StateFolder,
    port: int,
    primary_port: int,
    first_log: str,
    secrets: Mapping[str, str],
    environ: Mapping[str, str],
    delay_seconds: int = 0,
) -> Part:
    """Follows the primary, `delay_seconds` behind it at least."""
    password = secrets["replication_password"]
    return Part(
        name=REPLICA,
        title="MariaDB's replica",
        command=(
            *mariadb.server_command(state, state.replica, port, secrets, environ, log_changes=True),
            "--server-id=2",
            "--read-only",
            "--relay-log=relay",
            "--relay-log-recovery",
            "--slave-net-timeout=10",
            "--slave-exec-mode=IDEMPOTENT",  # killed, it may find a change done that it is about to do
        ),
        environ=environ,
        is_ready=lambda: mariadb.answers(
            mariadb.database(port, mariadb.APPLICATION_USER, secrets["application_password"])
        ),
        prepare=lambda: _follow(port, primary_port, first_log, password, delay_seconds),
        ready_seconds=60,
        stop_seconds=60,
    )


def _follow(port: int, primary_port: int, first_log: str, password: str, delay_seconds: int) -> None:
    """Lets the replica follow; one that was started again knows whom and from where. Raises pymysql.err.Error."""
    with (
        pymysql.connect(
            host="127.0.0.1",
            port=port,
            user=mariadb.REPLICATION_USER,
            password=password,
            autocommit=True,
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            ssl_disabled=True,
        ) as connection,
        connection.cursor() as cursor,
    ):
        if not cursor.execute("SHOW SLAVE STATUS"):
            cursor.execute(
                "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = %s, MASTER_USER = %s, MASTER_PASSWORD = %s, "
                "MASTER_LOG_FILE = %s, MASTER_LOG_POS = 4, MASTER_USE_GTID = no, MASTER_CONNECT_RETRY = 1, "
                "MASTER_DELAY = %s",
                (primary_port, mariadb.REPLICATION_USER, password, first_log, delay_seconds),
            )
        cursor.execute("START SLAVE")
