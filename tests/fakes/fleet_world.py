"""A scaler on fakes, with nodes that answer or not and minutes that are measured or not."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace

from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.decisions import Sample, minute_of
from chalicelib.domain.errors import UnavailableError
from chalicelib.domain.fleet import FleetMap, Node
from scaler.parts import Parts, Timing
from scaler.run import Scaler
from tests.fakes.fleet_maps import MemoryFleetMaps
from tests.fakes.instances import MemoryInstances
from tests.fakes.node_admin import MemoryNodeAdmins
from tests.fakes.node_cache import MemoryNodeCaches
from tests.fakes.scaler_rows import SETTINGS, MemoryScalerRows
from tests.fakes.store import MemoryStore

PORT = 11211


class MemorySamples:
    """Samples; `down` makes CloudWatch not answer."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Sample] = {}
        self.down = False
        self.calls = 0

    def put(self, sample: Sample) -> None:
        self.kept[sample.node_id, sample.minute] = sample

    def read(self, node_ids: Sequence[str], minutes: Sequence[int]) -> list[Sample]:
        self.calls += 1
        if self.down:
            raise UnavailableError("CloudWatch does not answer.")
        return [one for one in self.kept.values() if one.node_id in node_ids and one.minute in minutes]


class FleetWorld:
    """Everything that a run touches. An address answers unless it is in `silent`."""

    def __init__(self, settings: CacheSettings | None = None) -> None:
        self.store = MemoryStore()
        self.clock, self.steps = self.store.clock, self.store.steps
        self.instances = MemoryInstances(self.clock.now, self.steps)
        self.rows = MemoryScalerRows(self.store)
        self.samples = MemorySamples()
        self.silent: set[str] = set()
        self.delay_of: dict[str, float] = {}  # of an address, in seconds
        self.held = False
        self.told: list[Mapping[str, float]] = []  # by each run
        self.defaults = settings or CacheSettings()
        self.admins = MemoryNodeAdmins(MemoryNodeCaches(self.clock))

    def scaler(self) -> Scaler:
        """A process of its own."""
        return Scaler(
            Parts(
                instances=self.instances,
                rows=self.rows,
                maps=MemoryFleetMaps(self.store),
                samples=self.samples,
                prober=self,
                admins=self.admins,
                exclusive=self.exclusive,
                clock=self.clock,
                port=PORT,
                defaults=self.defaults,
                timing=Timing(),
                tell=self.told.append,
            )
        )

    def run(self) -> FleetMap:
        return self.scaler().run()

    def answering(self, nodes: Collection[Node]) -> set[Node]:
        there = {one.address for one in self.instances.running.values()} - self.silent
        return {node for node in nodes if node.address in there and node.port == PORT}

    def delays(self, nodes: Collection[Node]) -> dict[Node, float]:
        return {node: self.delay_of.get(node.address, 0.0) for node in self.answering(nodes)}

    def ready(self, nodes: Collection[Node]) -> set[Node]:
        return self.answering(nodes)

    @contextmanager
    def exclusive(self, name: str) -> Iterator[bool]:
        granted = not self.held
        self.held = True
        try:
            yield granted
        finally:
            if granted:
                self.held = False

    def choose(self, **changes: object) -> None:
        """As a person who changes the settings."""
        version, stored = self.store.settings.get(SETTINGS, (0, {}))
        self.store.settings[SETTINGS] = (version + 1, {**asdict(self.defaults), **stored, **changes})

    def settings(self) -> CacheSettings:
        stored = self.store.settings.get(SETTINGS, (0, {}))[1]
        return replace(self.defaults, **stored)  # type: ignore[arg-type]

    def pass_minutes(self, count: int = 1) -> None:
        """To five seconds after the start of a later minute."""
        now = self.clock.now().timestamp()
        self.clock.advance((minute_of(self.clock.now()) + count) * 60 + 5 - now)

    def measure(self, requests: int, misses: int, copies: int = 0, but: Collection[str] = ()) -> None:
        """Every serving node, but some, reports the minute that closed last: so much each."""
        minute = minute_of(self.clock.now()) - 1
        for node in self.store.fleet_map.nodes:
            if node.id not in but:
                self.samples.put(Sample(node.id, minute, requests, requests - misses, misses, copies))

    def minute(self, requests: int, misses: int, copies: int = 0, but: Collection[str] = ()) -> FleetMap:
        """A minute goes by, is measured, and the scaler runs."""
        self.pass_minutes()
        self.measure(requests, misses, copies, but)
        return self.run()

    @property
    def serving(self) -> list[str]:
        return [node.id for node in self.store.fleet_map.nodes]

    @property
    def rules(self) -> list[str]:
        return [one.rule for one in self.store.decisions]
