"""The services, and the whole application, on fakes."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from chalice.app import Chalice

from chalicelib.bootstrap import Services
from chalicelib.config import Config, config_from
from chalicelib.domain.fleet import FleetMap, Node, with_nodes
from chalicelib.domain.ports import (
    Clock,
    FleetMaps,
    ImageAddresses,
    ImageRows,
    Inspector,
    JobQueue,
    JobRows,
    NodeCaches,
    Objects,
)
from chalicelib.domain.ports import SettingsRows as SettingsRowsPort
from chalicelib.services.read_through import FillPolicy
from chalicelib.services.readiness import Probe, nodes_answer
from chalicelib.services.replica_status import ReplicaStatus
from chalicelib.services.staleness import Staleness
from chalicelib.web.application import create_app
from tests.fakes.account_rows import MemoryAccountRows
from tests.fakes.admin_rows import MemoryAdminRows
from tests.fakes.album_rows import MemoryAlbumRows
from tests.fakes.answers import MemoryAnswerRows
from tests.fakes.clock import ManualClock
from tests.fakes.download_rows import MemoryDownloadRows
from tests.fakes.dump_rows import MemoryDumpRows
from tests.fakes.erasure_rows import MemoryErasureRows
from tests.fakes.fleet_maps import MemoryFleetMaps
from tests.fakes.gallery_rows import MemoryGalleryRows
from tests.fakes.image_rows import MemoryImageRows
from tests.fakes.index_rows import NothingToIndex
from tests.fakes.inspector import FixedInspector
from tests.fakes.job_rows import MemoryJobRows
from tests.fakes.mail import MemoryMail, PlainPasswords
from tests.fakes.node_admin import MemoryNodeAdmins
from tests.fakes.node_cache import MemoryNodeCaches
from tests.fakes.notices import FixedLabels, MemoryNotices
from tests.fakes.objects import MemoryObjects
from tests.fakes.queue import MemoryQueue, MemoryWaker
from tests.fakes.renderer import FixedRenderer
from tests.fakes.rendition_rows import MemoryRenditionRows
from tests.fakes.scaler_rows import MemoryDecisionRows, MemoryFleetReports, MemoryScalerRows
from tests.fakes.settings_rows import MemorySettingsRows
from tests.fakes.share_rows import MemoryShareRows
from tests.fakes.steps import Steps
from tests.fakes.store import MemoryStore
from tests.fakes.sweep_rows import MemorySweepRows
from tests.fakes.trash_rows import MemoryManyRows, MemoryTrashRows
from tests.fakes.upload_rows import MemoryUploadRows

ENVIRON = {
    "ENVIRONMENT": "test",
    "BUCKET": "images",
    "JOB_QUEUE_URL": "https://queue.test/jobs",
    "FLEET_QUEUE_URL": "https://queue.test/fleet",
    "DATABASE_HOST": "database.test",
    "DATABASE_USER": "application",
    "DATABASE_PASSWORD": "password",
    "NODE_SUBNETS": "subnet-1,subnet-2",
    "SECRET_KEY": "a secret of the tests, and long enough",
}
EVERYBODY_IS_DEMO = {"SIGNED_IN_AS": "demo", "OPEN_TO": "everything"}
_CONFIGS: dict[tuple[tuple[str, str], ...], Config] = {}
TWO_NODES = (Node("node-a", "10.0.0.1", 11211), Node("node-b", "10.0.0.2", 11211))


class FixedSecret:
    """SecretText that is always the same."""

    def current(self) -> str:
        return ENVIRON["SECRET_KEY"]


@dataclass
class MemoryParts:
    """Every fake, connected: one store, one clock, one record of steps. A fleet of two nodes is published."""

    steps: Steps = field(default_factory=Steps)
    clock: ManualClock = field(default_factory=ManualClock)
    nodes: tuple[Node, ...] = TWO_NODES

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock, self.steps)
        self.store.fleet_map = with_nodes(self.store.fleet_map, self.nodes)
        self.image_rows = MemoryImageRows(self.store)
        self.job_rows = MemoryJobRows(self.store)
        self.index_rows = NothingToIndex()
        self.upload_rows, self.answers = MemoryUploadRows(self.store), MemoryAnswerRows(self.store)
        self.settings = MemorySettingsRows(self.store)
        self.maps = MemoryFleetMaps(self.store)
        self.objects = MemoryObjects(self.steps)
        self.caches = MemoryNodeCaches(self.clock, self.steps)
        self.queue = MemoryQueue(self.steps)
        self.waker = MemoryWaker(self.steps)
        self.decisions, self.reports = MemoryDecisionRows(self.store), MemoryFleetReports(self.store)
        self.scaler_rows = MemoryScalerRows(self.store)
        self.admins = MemoryNodeAdmins(self.caches)
        self.account_rows, self.mail = MemoryAccountRows(self.store), MemoryMail(self.steps)
        self.admin_rows = MemoryAdminRows(self.store, self.account_rows)
        self.passwords = PlainPasswords()
        self.notices: MemoryNotices | None = None  # as where there is no topic
        self.labels: FixedLabels | None = None
        self.inspector = FixedInspector(steps=self.steps)
        self.renderer = FixedRenderer(steps=self.steps)
        self.rendition_rows = self.render_rows = MemoryRenditionRows(self.store)
        self.trash_rows, self.many_rows = MemoryTrashRows(self.store), MemoryManyRows(self.store)
        self.download_rows = MemoryDownloadRows(self.store)
        self.album_rows, self.share_rows = MemoryAlbumRows(self.store), MemoryShareRows(self.store)
        self.gallery_rows = self.detail_rows = MemoryGalleryRows(self.store)
        self.removal_rows, self.dump_rows = self.admin_rows, MemoryDumpRows(self.store, self.admin_rows)
        self.erasure_rows, self.erased_objects = MemoryErasureRows(self.store, self.account_rows), self.objects
        self.form_secret = FixedSecret()
        self.incoming = self.parted_objects = self.swept_objects = self.objects
        self.sweep_rows = self.sweep_acts = MemorySweepRows(self.store)
        self.staleness, self.replica = Staleness(), ReplicaStatus(None)
        self._held: set[str] = set()

    @property
    def probes(self) -> dict[str, Probe]:
        """Each part answers if its fake does."""
        return {
            "database": Probe(self.maps.current, 1.0, needed=True),
            "bucket": Probe(lambda: self.objects.stored, 1.0, needed=True),
            "queue": Probe(lambda: self.queue.send([]), 1.0, needed=False),
            "fleet": Probe(lambda: nodes_answer(self.maps, self.admins), 1.0, needed=False),
        }

    @cached_property
    def image_addresses(self) -> ImageAddresses:
        """There is no CDN."""
        return self.objects

    @property
    def shown_maps(self) -> MemoryFleetMaps:
        """The one store has no replica."""
        return self.maps

    @property
    def shown_settings(self) -> MemorySettingsRows:
        """The one store has no replica."""
        return self.settings

    @property
    def fleet_map(self) -> FleetMap:
        """The map as published."""
        return self.store.fleet_map

    @contextmanager
    def exclusive(self, name: str) -> Iterator[bool]:
        """As Database.exclusive: whether the name is held by this caller alone."""
        granted = name not in self._held
        if granted:
            self._held.add(name)
        try:
            yield granted
        finally:
            if granted:
                self._held.discard(name)

    def services(self, **overrides: Any) -> Services:
        """Services on these parts; see memory_services for what may be given instead of them."""
        return memory_services(parts=self, **overrides)


def _config(environ: Mapping[str, str]) -> Config:
    """As read once: thousands of tests ask for the same."""
    named = tuple(sorted(environ.items()))
    if named not in _CONFIGS:
        _CONFIGS[named] = config_from(environ)
    return _CONFIGS[named]


def memory_config(environ: Mapping[str, str] | None = None, **changes: Any) -> Config:
    """A whole configuration; `changes` are by the names of Config. The key of forms is a secret's, as on AWS."""
    as_deployed = {"FLEET_MODE": "manual", "FORM_SECRET_ARN": "arn:form-secret"}
    return replace(_config({**ENVIRON, **EVERYBODY_IS_DEMO, **as_deployed, **(environ or {})}), **changes)


def memory_services(
    *,
    parts: MemoryParts | None = None,
    config: Config | None = None,
    maps: FleetMaps | None = None,
    clock: Clock | None = None,
    image_rows: ImageRows | None = None,
    job_rows: JobRows | None = None,
    settings: SettingsRowsPort | None = None,
    objects: Objects | None = None,
    caches: NodeCaches | None = None,
    queue: JobQueue | None = None,
    inspector: Inspector | None = None,
    policy: FillPolicy | None = None,
    **services: Any,
) -> Services:
    """Services on fakes, each of which may be given; `services` replaces services, or what they show of a port."""
    given = {
        "maps": maps,
        "clock": clock,
        "image_rows": image_rows,
        "job_rows": job_rows,
        "settings": settings,
        "objects": objects,
        "caches": caches,
        "queue": queue,
        "inspector": inspector,
    }
    ports = copy.copy(parts or MemoryParts())
    vars(ports).update({name: port for name, port in given.items() if port is not None} | services)
    built = Services(config or memory_config(), ports, policy)
    vars(built).update(services)
    return built


def memory_app(services: Services | None = None) -> Chalice:
    """The whole application, built as app.py builds it, with these services or with fakes."""
    given = services or memory_services()
    return create_app(lambda: given)
