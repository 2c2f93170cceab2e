"""Real servers of the tests' own, each of which can be killed: MariaDB, memcached, the stand-in for S3 and SQS."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError
from pymysql.err import ProgrammingError

from chalicelib.adapters.mysql.database import Database, DatabaseAddress
from chalicelib.domain.fleet import Node
from ops.database import Database as Administrator
from ops.local import mariadb, mariadb_replica, ministack, processes
from ops.local.parts import Part, base_environ, search_path
from ops.local.ports import free_port
from ops.local.state import StateFolder, generated_secrets, prepare
from ops.migrate import migrate

PROJECT = Path(__file__).parents[2]
POLL_SECONDS = 0.02


@dataclass
class Server:
    """One part's process, started and ended by the tests."""

    part: Part
    state: StateFolder
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once the part is ready and prepared."""
        self.process = processes.spawn(
            self.part.name,
            self.part.command,
            self.part.environ,
            state_dir=self.state.root,
            log=self.state.log(self.part.name),
            folder=self.state.root,
        )
        deadline = time.monotonic() + self.part.ready_seconds
        while not self.part.is_ready():
            log = self.state.log(self.part.name)
            assert self.process.poll() is None, f"{self.part.name} ended: {log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"{self.part.name} was not ready: {log.read_text()[-2000:]}"
            time.sleep(POLL_SECONDS)
        if self.part.prepare is not None:
            self.part.prepare()

    def kill(self) -> None:
        """As kill -9; returns once it is gone."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def pause(self) -> None:
        """Stops it without ending it: connections are taken by the kernel and nothing answers."""
        self.signal(signal.SIGSTOP)
        deadline = time.monotonic() + 20
        while not self._stands_still():  # threads stop one after another
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def _stands_still(self) -> bool:
        assert self.process is not None
        states = [
            stat.read_text().rpartition(")")[2].split()[0]
            for stat in Path(f"/proc/{self.process.pid}/task").glob("*/stat")
        ]
        return set(states) == {"T"}

    def signal(self, number: signal.Signals) -> None:
        """To this process and no other; nothing if it has ended."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


def state_folder(root: Path) -> StateFolder:
    """A state folder of the tests' own."""
    state = StateFolder(root)
    prepare(state)
    return state


@dataclass
class MariaDb:
    """A private MariaDB with the application's tables, configured as `make run` configures it."""

    state: StateFolder
    port: int = field(default_factory=free_port)
    databases: list[Database] = field(default_factory=list)  # to be closed
    replicated: bool = False  # a Replica will follow
    options: tuple[str, ...] = ()  # more of the server's

    def __post_init__(self) -> None:
        environ = base_environ(self.state, os.environ)
        mariadb.make_data_folder(self.state, lambda folder: self._install(folder, environ))
        self.secrets = generated_secrets(self.state)
        self.first_log = mariadb_replica.make_data_folder(self.state) if self.replicated else ""
        part = mariadb.part(self.state, self.port, self.secrets, environ, self._migrate, log_changes=self.replicated)
        self.server = Server(replace(part, command=(*part.command, *self.options)), self.state)
        self.server.start()

    def database(self, answer_timeout_seconds: float = 5.0, port: int | None = None) -> Database:
        """A Database with no connection yet, as the application's user; `port` is another's who has the same users."""
        made = Database(
            DatabaseAddress(
                host="127.0.0.1",
                port=port or self.port,
                user=mariadb.APPLICATION_USER,
                password=self.secrets["application_password"],
                name=mariadb.DATABASE,
                tls=False,
                answer_timeout_seconds=answer_timeout_seconds,
            )
        )
        self.databases.append(made)
        return made

    def empty(self) -> None:
        """The tables as they are after the migrations."""
        with self._administrator().connect() as connection, connection.cursor() as cursor:
            for statement in (
                "DELETE FROM jobs",
                "DELETE FROM erasures",
                "DELETE FROM findings",
                "UPDATE sweeps SET version = 0, state = '{}'",
                "DELETE FROM uploads",
                "DELETE FROM idempotency_keys",
                "DELETE FROM shares",
                "DELETE FROM albums",
                "DELETE FROM images",
                "DELETE FROM trashed_images",
                "DELETE FROM downloads",
                "DELETE FROM renditions",
                "DELETE FROM image_tags",
                "DELETE FROM image_terms",
                "DELETE FROM indexed_images",
                "DELETE FROM owner_terms",
                "DELETE FROM image_details",
                "DELETE FROM settings",
                "INSERT INTO settings (name, version, body) VALUES ('uploads', 1, '{}')",
                "DELETE FROM audit",
                "DELETE FROM dumps",
                "DELETE FROM launches",
                "DELETE FROM decisions",
                "UPDATE scaler_runs SET run = 0, report = NULL",
                "UPDATE heartbeats SET beaten_at = NULL",
                "DELETE FROM tries",
                "DELETE FROM account_links",
                "DELETE FROM api_tokens",
                "DELETE FROM sessions",
                "DELETE FROM accounts",
                "DELETE FROM owners WHERE name <> 'demo'",
                "UPDATE owners SET version = 0, images = 0, bytes = 0",
                """UPDATE fleet_maps SET version = 0, body = '{"nodes": [], "assignment": []}'""",
            ):
                cursor.execute(statement)

    def execute(self, sql: str, args: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """The rows of one statement, on a connection that no test's subject uses."""
        with self._administrator().connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, args)
            return list(cursor.fetchall())

    def _administrator(self) -> Administrator:
        return mariadb.database(self.port, mariadb.MIGRATIONS_USER, self.secrets["migrations_password"])

    def _migrate(self) -> None:
        migrate(self._administrator())

    def _install(self, folder: Path, environ: Mapping[str, str]) -> None:
        command = mariadb.install_command(folder, environ["PATH"])
        done = subprocess.run(command, env=dict(environ), capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


class Replica:
    """A second MariaDB that follows the first, which was made to be replicated."""

    def __init__(self, primary: MariaDb, delay_seconds: int = 0) -> None:
        self.port = free_port()
        self._primary = primary
        part = mariadb_replica.part(
            primary.state,
            self.port,
            primary.port,
            primary.first_log,
            primary.secrets,
            base_environ(primary.state, os.environ),
            delay_seconds,
        )
        self.server = Server(part, primary.state)
        self.server.start()

    def execute(self, sql: str) -> list[tuple[object, ...]]:
        """The rows of one statement, as the application's user."""
        return self._execute(sql, mariadb.APPLICATION_USER, mariadb.DATABASE)

    def database(self) -> Database:
        """A Database with no connection yet, as the application's user; closed with the primary's."""
        return self._primary.database(port=self.port)

    def fall_behind(self) -> None:
        """Changes nothing any more, until `follow`."""
        self._execute("STOP SLAVE SQL_THREAD", mariadb.REPLICATION_USER, "")

    def follow(self) -> None:
        """Ends what `fall_behind` began."""
        self._execute("START SLAVE SQL_THREAD", mariadb.REPLICATION_USER, "")

    def has_caught_up(self) -> bool:
        """Whether it holds what the primary holds: every write changes a version."""
        versions = "SELECT name, version FROM owners UNION SELECT 'map', version FROM fleet_maps ORDER BY 1"
        try:
            return self.execute(versions) == self._primary.execute(versions)
        except ProgrammingError:  # no tables yet
            return False

    def _execute(self, sql: str, user: str, database: str) -> list[tuple[object, ...]]:
        target = mariadb.database(self.port, user, self._primary.secrets[f"{user}_password"])
        with replace(target, name=database).connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())


class Memcached:
    """A real memcached at an address of its own."""

    def __init__(self, state: StateFolder, name: str = "memcached", item_bytes: int = 1 << 20) -> None:
        self.node = Node(f"node-{name}", "127.0.0.1", free_port())
        environ = base_environ(state, os.environ)
        program = shutil.which("memcached", path=search_path(os.environ.get("PATH", "")))
        assert program is not None, "memcached is not installed"
        # As root it would change to another user, and lose the signal that ends it with the tests.
        user = ("-u", "root") if os.geteuid() == 0 else ()
        command = (
            *(program, "-l", self.node.address, "-p", str(self.node.port), "-U", "0", "-m", "64"),
            *("-I", str(item_bytes), "-c", "256", *user),
        )
        self.server = Server(
            Part(name, name, command, environ, self._is_up, None, ready_seconds=20, stop_seconds=2),
            state,
        )
        self.server.start()

    def client(self) -> Client:
        """A client of the tests' own; to be closed."""
        address = (self.node.address, self.node.port)
        return Client(address, connect_timeout=2, timeout=2, default_noreply=False)

    def stats(self) -> dict[str, int]:
        """The counters of get, and the number of open connections."""
        client = self.client()
        try:
            found = client.stats()
        finally:
            client.close()
        return {name: int(found[name.encode()]) for name in ("get_hits", "get_misses", "curr_connections")}

    def _is_up(self) -> bool:
        client = self.client()
        try:
            return self.server.process is not None and int(client.stats()[b"pid"]) == self.server.process.pid
        except (OSError, MemcacheError):
            return False
        finally:
            client.close()


def ministack_server(state: StateFolder, prepare_stack: Callable[[], None], port: int) -> Server:
    """The stand-in for S3 and SQS."""
    environ = base_environ(state, os.environ)
    return Server(ministack.part(state, port, PROJECT / ".venvs", environ, prepare_stack), state)
