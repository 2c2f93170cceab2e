"""Starting a local cloud from nothing to an address that answers."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.bootstrap import services_from
from ops.local import app_environ, app_parts, bootstrap, mail_page, mariadb, mariadb_replica, ministack, moto, network
from ops.local.cloud import Cloud
from ops.local.parts import REPLICA, Part, base_environ
from ops.local.ports import kept_ports
from ops.local.state import generated_secrets, write_whole
from ops.migrate import migrate
from ops.node_user_data import user_data


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to start. `parts` are names of parts.ORDER."""

    port: int
    parts: frozenset[str]
    fleet_nodes: int
    fleet_mode: str
    replica_delay_seconds: int = 0
    open_to: str = "compatible-api"


def start(cloud: Cloud, wanted: Wanted) -> None:
    """Start the wanted parts, each ready and prepared. Raises LocalCloudError, MigrationError or StopRequestedError."""
    foundations = _Foundations(cloud, wanted)
    foundations.start()
    environ = foundations.app_environ()
    write_whole(cloud.state.app_env, app_environ.to_lines(environ))
    whole_environ = {**base_environ(cloud.state, os.environ), **environ, **_chosen_app(os.environ)}
    parts = [
        app_parts.nodes(cloud.state, whole_environ),
        app_parts.web(cloud.state, wanted.port, whole_environ),
        app_parts.events(whole_environ),
    ]
    _start_together(cloud, [part for part in parts if part.name in wanted.parts])
    if "web" in wanted.parts and "mariadb" in wanted.parts:
        _tell_of_accounts(cloud, wanted.port, environ)


def _tell_of_accounts(cloud: Cloud, port: int, environ: Mapping[str, str]) -> None:
    """Says how to become the first admin, as long as there is none, and where mail is to be read."""
    link = services_from(environ).accounts.first_admin_link()
    if link is not None:
        cloud.say(f"First admin (good once, for an hour): http://127.0.0.1:{port}/first-admin?link={link}")
    if "AWS_ENDPOINT_URL" in environ:
        cloud.say(f"Mail that would have been sent: http://127.0.0.1:{port}{mail_page.PATH}")


class _Foundations:
    """The database and the stand-ins, and what has to be made in them."""

    def __init__(self, cloud: Cloud, wanted: Wanted) -> None:
        self._cloud = cloud
        self._wanted = wanted
        self._secrets = generated_secrets(cloud.state)
        self._environ = base_environ(cloud.state, os.environ)
        self._network = network.reserve()
        self._ports = kept_ports(cloud.state.root / "ports.json", ("mariadb", REPLICA, "ministack", "moto"))
        self._queue_urls = ("", "")
        self._notice_topic_arn = ""
        self._subnets: tuple[str, ...] = ()
        self._first_log = ""  # that the replica follows

    def start(self) -> None:
        cloud, environments = self._cloud, self._cloud.project / ".venvs"
        builders: dict[str, Callable[[], Part]] = {
            "ministack": lambda: ministack.part(
                cloud.state, self._ports["ministack"], environments, self._environ, self._make_storage
            ),
            "moto": lambda: moto.part(self._ports["moto"], environments, self._environ, self._make_network),
            "mariadb": self._mariadb,  # late, because a new data folder takes a moment in which the others load
            REPLICA: self._replica,
        }
        _start_together(cloud, [build for name, build in builders.items() if name in self._wanted.parts])

    def app_environ(self) -> dict[str, str]:
        """The application's settings; those of parts that were not wanted are left out."""
        wanted = self._wanted.parts
        environ = app_environ.app_environ(
            mariadb.database(self._ports["mariadb"], mariadb.APPLICATION_USER, self._secrets["application_password"]),
            bootstrap.Endpoints(
                default=self._url("ministack") if "ministack" in wanted else "",
                ec2=self._url("moto") if "moto" in wanted else "",
            ),
            self._queue_urls,
            self._subnets,
            self._wanted.fleet_nodes,
            self._wanted.fleet_mode,
            self._secrets["secret_key"],
            os.environ.get("CACHE_TIMEOUT_MS", "50"),  # a busy machine may want more
            self._wanted.open_to,
            self._notice_topic_arn,
            os.environ.get("ERASE_GRACE_DAYS", "7"),
            f"http://127.0.0.1:{self._wanted.port}" if "web" in wanted else "",
        )
        if REPLICA in wanted:
            environ |= app_environ.reader_environ("127.0.0.1", self._ports[REPLICA])
        return {name: value for name, value in environ.items() if value}

    def _url(self, part: str) -> str:
        return f"http://127.0.0.1:{self._ports[part]}"

    def _mariadb(self) -> Part:
        cloud = self._cloud
        mariadb.make_data_folder(cloud.state, self._fill_data_folder)
        replicated = REPLICA in self._wanted.parts
        if replicated:  # now, while the primary does not run
            self._first_log = mariadb_replica.make_data_folder(cloud.state)
        return mariadb.part(
            cloud.state,
            self._ports["mariadb"],
            self._secrets,
            self._environ,
            self._make_tables,
            log_changes=replicated,
        )

    def _replica(self) -> Part:
        return mariadb_replica.part(
            self._cloud.state,
            self._ports[REPLICA],
            self._ports["mariadb"],
            self._first_log,
            self._secrets,
            self._environ,
            self._wanted.replica_delay_seconds,
        )

    def _fill_data_folder(self, folder: Path) -> None:
        self._cloud.say("  Making a new database folder")
        command = mariadb.install_command(folder, self._environ["PATH"])
        self._cloud.run_to_end("mariadb-install-db", command, self._environ, timeout_seconds=120)

    def _make_tables(self) -> None:
        password = self._secrets["migrations_password"]
        applied = migrate(mariadb.database(self._ports["mariadb"], mariadb.MIGRATIONS_USER, password))
        if applied:
            self._cloud.say(f"  Migrations applied: {', '.join(applied)}")

    def _make_storage(self) -> None:
        bootstrap.make_bucket(self._url("ministack"))
        self._queue_urls = bootstrap.make_queues(self._url("ministack"))
        bootstrap.make_mail_sender(self._url("ministack"))
        self._notice_topic_arn = bootstrap.make_notices(self._url("ministack"))
        origins = [f"http://{host}:{self._wanted.port}" for host in ("127.0.0.1", "localhost")]
        bootstrap.open_to_browsers(self._url("ministack"), origins)

    def _make_network(self) -> None:
        self._subnets = bootstrap.make_network(
            self._url("moto"), self._network.cidr, self._network.subnet_cidrs, user_data(self._cloud.project, {})
        )


def _start_together(cloud: Cloud, parts: "list[Part] | list[Callable[[], Part]]") -> None:
    """Start all, then wait for each."""
    started = []
    for one in parts:
        part = one if isinstance(one, Part) else one()
        cloud.start(part)
        started.append((part, time.monotonic()))
    for part, moment in started:
        cloud.await_ready(part)
        cloud.say(f"  {part.title} is ready ({time.monotonic() - moment:.1f} s)")


def _chosen_app(own: "os._Environ[str]") -> dict[str, str]:
    """APP_MODULE lets tests run another application than the project's."""
    return {"APP_MODULE": own["APP_MODULE"]} if "APP_MODULE" in own else {}
