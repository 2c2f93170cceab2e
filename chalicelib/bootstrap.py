"""Wires the real parts together, once a process and not before the first request."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from chalicelib.config import Config, config_from
from chalicelib.domain import jobs
from chalicelib.domain.account_ports import Mail, Passwords
from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.ports import (
    Clock,
    DecisionRows,
    FleetMaps,
    FleetReports,
    JobQueue,
    NodeAdmins,
    ScalerWaker,
)
from chalicelib.domain.scaler_ports import ScalerRows
from chalicelib.domain.upload_ports import AnswerRows
from chalicelib.services.accounts import Accounts
from chalicelib.services.admin import Admin
from chalicelib.services.cache_configuration import CacheConfiguration
from chalicelib.services.data_removal import DataRemoval
from chalicelib.services.dumps import Dumps
from chalicelib.services.fleet_console import FleetConsole
from chalicelib.services.fleet_status import FleetStatus
from chalicelib.services.images import Images
from chalicelib.services.node_contents import NodeContents
from chalicelib.services.read_through import FillPolicy, ReadThrough
from chalicelib.services.rendering import Rendering
from chalicelib.services.renditions import Renditions
from chalicelib.services.replica_status import ReplicaStatus
from chalicelib.services.sending import Sending
from chalicelib.services.staleness import Staleness
from chalicelib.services.sweep_acts import SweepActing
from chalicelib.services.sweeping import Sweeping
from chalicelib.services.uploads import Uploads
from chalicelib.services.uploads_state import KeptUploadsState
from chalicelib.services.worker import Worker

if TYPE_CHECKING:
    from chalicelib.adapters.mysql.database import Database, DatabaseAddress, Selecting
    from chalicelib.adapters.mysql.image_lists import ImageLists
    from chalicelib.adapters.s3_objects import S3Objects

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that the faces and the handlers use."""

    config: Config
    maps: FleetMaps
    clock: Clock
    exclusive: Callable[[str], AbstractContextManager[bool]]
    images: Images
    uploads: Uploads
    answers: AnswerRows
    renditions: Renditions
    worker: Worker
    fleet: FleetStatus
    cache_configuration: CacheConfiguration
    console: FleetConsole
    decisions: DecisionRows
    reports: FleetReports
    admins: NodeAdmins
    scaler_rows: ScalerRows
    accounts: Accounts
    replica: ReplicaStatus
    admin: Admin
    dumps: Dumps
    data_removal: DataRemoval
    sweeping: Sweeping


_building = threading.Lock()
_built: list[Services] = []


def services() -> Services:
    """This process's services, from its environment. Raises ConfigError."""
    if not _built:
        with _building:  # two first requests at once build them once
            if not _built:
                _built.append(services_from(os.environ))
    return _built[0]


class _AtFirstUse:
    """Stands in for a port until a method of it is asked for."""

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._built: object = None

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            if self._built is None:
                self._built = self._build()
        return getattr(self._built, name)


def at_first_use(build: Callable[[], T]) -> T:
    """What `build` makes, made when it is first used, once."""
    return cast(T, _AtFirstUse(build))


# boto3 and its clients take 200 ms of a cold process, and a cached GET needs none of them.
def _objects(config: Config) -> "S3Objects":
    from chalicelib.adapters import aws_clients
    from chalicelib.adapters.s3_objects import S3Objects

    return S3Objects(aws_clients.s3(), config.bucket)


def _queue(config: Config) -> JobQueue:
    from chalicelib.adapters import aws_clients
    from chalicelib.adapters.sqs_queue import SqsQueue

    return SqsQueue(aws_clients.sqs(), config.job_queue_url)


def _waker(config: Config) -> ScalerWaker:
    from chalicelib.adapters import aws_clients
    from chalicelib.adapters.sqs_queue import SqsScalerWaker

    return SqsScalerWaker(aws_clients.sqs(), config.fleet_queue_url)


def _passwords() -> Passwords:
    from chalicelib.adapters.argon2_passwords import Argon2Passwords

    return Argon2Passwords()


def _mail(config: Config) -> Mail:
    from chalicelib.adapters import aws_clients
    from chalicelib.adapters.ses_mail import SesMail

    return SesMail(aws_clients.ses(), config.mail_sender)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Where requests read rows, and lists of them; `replica` is the status of what stands beside the primary."""

    rows: "Selecting"
    lists: "ImageLists"
    replica: ReplicaStatus


def _reading(config: Config, primary: "Database", address: "DatabaseAddress", staleness: Staleness) -> _Reading:
    from chalicelib.adapters.mysql.image_lists import ImageLists, ReplicatedImageLists

    if config.database_reader_host is None:
        return _Reading(primary, ImageLists(primary), ReplicaStatus(None))
    from chalicelib.adapters.mysql.database import Database
    from chalicelib.adapters.mysql.heartbeats import MySqlHeartbeats
    from chalicelib.adapters.mysql.reads import Reads

    replica = Database(replace(address, host=config.database_reader_host, port=config.database_reader_port))
    reads, status = Reads(primary, replica, staleness.note), ReplicaStatus(MySqlHeartbeats(primary, replica))
    return _Reading(reads, ReplicatedImageLists(reads, replica, status.counts.note), status)


def services_from(environ: Mapping[str, str]) -> Services:
    """Services on real parts. Nothing is connected before it is used."""
    from chalicelib.adapters.inspector import ChildInspector
    from chalicelib.adapters.memcached import MemcachedNodes, NodePolicy
    from chalicelib.adapters.memcached_admin import MemcachedNodeAdmins
    from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
    from chalicelib.adapters.mysql.admin_rows import MySqlAdminRows
    from chalicelib.adapters.mysql.database import Database, DatabaseAddress
    from chalicelib.adapters.mysql.decision_rows import MySqlDecisionRows, MySqlFleetReports
    from chalicelib.adapters.mysql.dump_rows import MySqlDumpRows
    from chalicelib.adapters.mysql.fleet_maps import MySqlFleetMaps
    from chalicelib.adapters.mysql.idempotency_rows import MySqlAnswerRows
    from chalicelib.adapters.mysql.image_rows import MySqlImageRows
    from chalicelib.adapters.mysql.job_rows import MySqlJobRows
    from chalicelib.adapters.mysql.removal_rows import MySqlRemovalRows
    from chalicelib.adapters.mysql.rendition_rows import MySqlRenderRows, MySqlRenditionRows
    from chalicelib.adapters.mysql.scaler_rows import MySqlScalerRows
    from chalicelib.adapters.mysql.settings_rows import MySqlSettingsRows
    from chalicelib.adapters.mysql.sweep_acts import MySqlSweepActs
    from chalicelib.adapters.mysql.sweep_rows import MySqlSweepRows
    from chalicelib.adapters.mysql.upload_rows import MySqlUploadRows
    from chalicelib.adapters.renderer import ChildRenderer
    from chalicelib.adapters.system_clock import SystemClock

    config = config_from(environ)
    address = DatabaseAddress(
        host=config.database_host,
        port=config.database_port,
        user=config.database_user,
        password=config.database_password,
        name=config.database_name,
        tls=config.database_tls,
    )
    database, staleness = Database(address), Staleness()
    reading = _reading(config, database, address, staleness)
    reads = reading.rows
    # What decides and acts reads at the primary only; what requests are shown may come from the replica.
    maps, shown_maps = MySqlFleetMaps(database), MySqlFleetMaps(database, reads)
    job_rows = MySqlJobRows(database)
    caches = MemcachedNodes(NodePolicy(timeout_seconds=config.cache_timeout_seconds))
    objects = at_first_use(lambda: _objects(config))
    queue = at_first_use(lambda: _queue(config))
    clock = SystemClock()
    read_through = ReadThrough(shown_maps, caches, objects, clock, FillPolicy(item_bytes=config.node_item_bytes))
    image_rows, admins = MySqlImageRows(database, reads, reading.lists), MemcachedNodeAdmins()
    decisions, reports = MySqlDecisionRows(database, reads), MySqlFleetReports(reads)
    status = FleetStatus(shown_maps, caches, clock)
    configuration = CacheConfiguration(
        MySqlSettingsRows(database),
        MySqlSettingsRows(database, reads),
        decisions,
        clock,
        CacheSettings(num_nodes=config.fleet_nodes, mode=config.fleet_mode),
    )
    inspector = ChildInspector(time_limit_seconds=config.inspect_seconds)
    accounts = Accounts(
        rows=MySqlAccountRows(database, reads),
        passwords=at_first_use(_passwords),
        mail=at_first_use(lambda: _mail(config)),
        clock=clock,
        settings=MySqlSettingsRows(database),
        built_in_owner=config.signed_in_as,
    )
    sending, admin_rows = Sending(job_rows, queue), MySqlAdminRows(database)
    uploads_state = KeptUploadsState(MySqlSettingsRows(database, reads), clock.monotonic)
    dumps = Dumps(MySqlDumpRows(database), admin_rows, accounts, objects, objects, sending, config.environment)
    data_removal = DataRemoval(MySqlRemovalRows(database), admin_rows, sending, clock, config.environment)
    answers = MySqlAnswerRows(database)
    images = Images(image_rows, job_rows, objects, inspector, queue, read_through, staleness)
    rendering = Rendering(MySqlRenderRows(database), image_rows, job_rows, objects, ChildRenderer())
    performers = {
        jobs.RENDER: rendering.perform,
        jobs.MAKE_DUMP: dumps.make,
        jobs.REMOVE_DATA: data_removal.perform,
    }
    upload_rows, sweep_rows = MySqlUploadRows(database), MySqlSweepRows(database)
    sweep_acts = SweepActing(sweep_rows, MySqlSweepActs(database), image_rows, objects, sending)
    return Services(
        config=config,
        maps=maps,
        clock=clock,
        exclusive=database.exclusive,
        uploads=Uploads(
            rows=upload_rows,
            answers=answers,
            image_rows=image_rows,
            job_rows=job_rows,
            incoming=objects,
            objects=objects,
            inspector=inspector,
            queue=queue,
            clock=clock,
            most_bytes=config.max_upload_bytes,
        ),
        answers=answers,
        images=images,
        renditions=Renditions(MySqlRenditionRows(database, reads), images),
        worker=Worker(job_rows, objects, maps, caches, queue, performers),
        fleet=status,
        cache_configuration=configuration,
        console=FleetConsole(
            maps=shown_maps,
            status=status,
            configuration=configuration,
            decision_rows=decisions,
            reports=reports,
            waker=at_first_use(lambda: _waker(config)),
            admins=admins,
            contained=NodeContents(shown_maps, admins, image_rows),
            clock=clock,
        ),
        decisions=decisions,
        reports=reports,
        admins=admins,
        scaler_rows=MySqlScalerRows(database),
        replica=reading.replica,
        accounts=accounts,
        admin=Admin(admin_rows, accounts, uploads_state),
        dumps=dumps,
        data_removal=data_removal,
        sweeping=Sweeping(sweep_rows, sweep_acts, upload_rows, database.exclusive, clock),
    )
