"""Runs of the scaler with real rows in MySQL and an EC2 in memory, which may be stopped, paused or run at once."""

import random
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from bench.proofs.lagging_instances import LaggingInstances
from chalicelib.adapters.mysql.fleet_maps import MySqlFleetMaps
from chalicelib.adapters.mysql.scaler_rows import MySqlScalerRows
from chalicelib.adapters.mysql.settings_rows import MySqlSettingsRows
from chalicelib.domain.cache_settings import CacheSettings, from_mapping
from chalicelib.domain.decisions import Sample, minute_of
from chalicelib.domain.errors import UnavailableError
from chalicelib.domain.fleet import FleetMap, Node
from scaler.parts import Parts
from scaler.resize import CEILING_SECONDS
from scaler.run import Scaler
from tests.contract.real_parts import MariaDb
from tests.fakes import ManualClock, MemoryNodeCaches
from tests.fakes.node_admin import MemoryNodeAdmins

PORT = 11211
QUIET_RUNS = 4
LOCK_SECONDS = 60.0
SETTINGS = "cache"
EMPTIED = (
    "DELETE FROM launches",
    "DELETE FROM decisions",
    "DELETE FROM settings",
    """UPDATE fleet_maps SET version = 0, body = '{"nodes": [], "assignment": []}'""",
)


class KilledError(BaseException):
    """The process is gone: nothing may catch it."""


class At:
    """Passed at each call of the parts: at the `number`-th it does `act`, before the call's effect or after it."""

    def __init__(self, number: int, act: Callable[[], None], *, after: bool) -> None:
        self._number, self._act, self._after = number, act, after
        self.calls = 0

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def passed(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            due = self.calls == self._number
            if due and not self._after:
                self._act()
            result = call(*args, **kwargs)
            if due and self._after:
                self._act()
            return result

        return passed

    @property
    def reached(self) -> bool:
        return self.calls >= self._number


class _Watched:
    """A part whose every call passes an At."""

    def __init__(self, part: object, at: At) -> None:
        self._part, self._at = part, at

    def __getattr__(self, name: str) -> Any:
        return self._at.around(getattr(self._part, name))


class World:
    """One fleet. An address answers if its instance runs and it is not in `silent`."""

    def __init__(self, maria: MariaDb, seed: int) -> None:
        for statement in EMPTIED:
            maria.execute(statement)
        self._maria = maria
        self._database = maria.database()
        self.source = random.Random(seed)
        self.clock = ManualClock()
        self.instances = LaggingInstances(self.clock.now, self.source)
        self.samples: dict[tuple[str, int], Sample] = {}
        self.metrics_down = False
        self.silent: set[str] = set()
        self.settings_rows = MySqlSettingsRows(self._database)
        self.maps = MySqlFleetMaps(self._database)

    def scaler(self, at: At | None = None, *, lock_lost: bool = False) -> Scaler:
        """A process of its own; one that lost its lock takes itself for alone."""
        parts: dict[str, Any] = {
            "instances": self.instances,
            "rows": MySqlScalerRows(self._database),
            "maps": MySqlFleetMaps(self._database),
            "samples": self,
            "prober": self,
            "admins": MemoryNodeAdmins(MemoryNodeCaches(self.clock)),
        }
        if at is not None:
            parts = {name: _Watched(part, at) for name, part in parts.items()}
        exclusive = _granted if lock_lost else self._database.exclusive
        defaults = CacheSettings(num_nodes=2, cooldown_minutes=0)
        return Scaler(Parts(**parts, exclusive=exclusive, clock=self.clock, port=PORT, defaults=defaults))

    def read(self, node_ids: Sequence[str], minutes: Sequence[int]) -> list[Sample]:
        """As Samples."""
        if self.metrics_down:
            raise UnavailableError("CloudWatch does not answer.")
        return [one for one in list(self.samples.values()) if one.node_id in node_ids and one.minute in minutes]

    def answering(self, nodes: Collection[Node]) -> set[Node]:
        """As Prober."""
        there = self.instances.addresses.keys() - self.silent
        return {node for node in nodes if node.address in there}

    def delays(self, nodes: Collection[Node]) -> dict[Node, float]:
        """As Prober."""
        return dict.fromkeys(self.answering(nodes), 0.0)

    def ready(self, nodes: Collection[Node]) -> set[Node]:
        """As Prober."""
        return self.answering(nodes)

    def choose(self, **changes: object) -> None:
        """As a person who changes the settings."""
        version, stored = self.settings_rows.read(SETTINGS)
        values = {**asdict(CacheSettings(num_nodes=2, cooldown_minutes=0)), **stored, **changes}
        if not self.settings_rows.write(SETTINGS, version, values):
            raise RuntimeError("nobody else changes the settings now")

    @property
    def target(self) -> int:
        return from_mapping({"num_nodes": 2, **self.settings_rows.read(SETTINGS)[1]}).num_nodes

    @property
    def fleet_map(self) -> FleetMap:
        return self.maps.current()

    def measure(self, requests: int, misses: int, but: Collection[str] = ()) -> None:
        """A minute goes by, and every serving node but some reports it."""
        now = self.clock.now().timestamp()
        self.clock.advance((minute_of(self.clock.now()) + 1) * 60 + 5 - now)
        minute = minute_of(self.clock.now()) - 1
        for node in self.fleet_map.nodes:
            if node.id not in but:
                self.samples[node.id, minute] = Sample(node.id, minute, requests, requests - misses, misses)

    def quieten(self) -> list[str]:
        """All trouble ends and some runs go by: what is wrong then, in words."""
        self.instances.show_all()
        self.metrics_down = False
        self.silent.clear()
        for _ in range(QUIET_RUNS):
            self.much_later()
        serving = {node.id for node in self.fleet_map.nodes}
        wrong = []
        if len(serving) != self.target:
            wrong.append(f"wrong size: {len(serving)} serve and {self.target} are wanted")
        if leaked := self.instances.running - serving:
            wrong.append(f"leaked: {sorted(leaked)}")
        if dead := serving - self.instances.running:
            wrong.append(f"wrong size: {sorted(dead)} are in the map and do not run")
        return wrong

    def much_later(self) -> None:
        """A run after what any launch or handoff is waited for."""
        self._maria.execute("UPDATE launches SET created_at = created_at - INTERVAL 90 SECOND")
        self.clock.advance(CEILING_SECONDS)
        deadline, before = time.monotonic() + LOCK_SECONDS, self.runs
        ended = False
        while not ended or self.runs == before:  # a killed run's lock is freed a moment after its connection is gone
            if time.monotonic() > deadline:
                raise RuntimeError("no run comes to its end: is the lock of one that was killed not freed?")
            with suppress(UnavailableError):  # a machine that stands still for seconds
                self.scaler().run()
                ended = True

    @property
    def runs(self) -> int:
        """How many runs have begun."""
        return int(str(self._maria.execute("SELECT run FROM scaler_runs WHERE id = 1")[0][0]))

    def shrinks_on_silence(self) -> list[str]:
        """Decisions to shrink on a minute that not every node of its fleet had reported.

        What `refused` takes back are nodes that were never there: its target is the number that serve.
        """
        found = self._maria.execute(
            "SELECT minute, nodes_before, inputs FROM decisions WHERE target < nodes_before AND rule <> 'refused'"
        )
        return [
            f"minute {minute} shrank {before} nodes on fewer samples"
            for minute, before, _ in found
            if len([one for one in self.samples.values() if one.minute == minute]) < int(str(before))
        ]


@contextmanager
def _granted(name: str) -> Iterator[bool]:
    yield True
