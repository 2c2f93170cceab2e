"""One run of the scaler: gathers what there is, lets the pure parts decide, does what they say.

May be run twice at once: a named lock lets one through. Killed at any step it leaves only instances that carry the
fleet's tags, which the next run finds and uses.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from chalicelib.domain.fleet import FleetMap
from chalicelib.domain.ports import Clock, FleetMaps
from scaler.instances import Instance, LiveInstance
from scaler.reconcile import Steps, steps

logger = logging.getLogger(__name__)


class Instances(Protocol):
    """What the scaler needs of EC2."""

    def live(self) -> list[LiveInstance]: ...

    def launch(self, count: int, already: int) -> None: ...

    def terminate(self, instance_ids: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Scaler:
    """Keeps the fleet at the wanted number of nodes and the fleet map true."""

    instances: Instances
    maps: FleetMaps
    answers: Callable[[str, int], bool]
    exclusive: Callable[[str], AbstractContextManager[bool]]
    clock: Clock
    wanted: int
    port: int
    patience_seconds: float = (
        10.0  # how long a node may be silent before it is replaced, and one run waits for a launch
    )
    boot_seconds: float = 300.0  # how long a new instance may take until it answers
    poll_seconds: float = 0.2

    def run(self) -> FleetMap:
        """The fleet map after this run. Raises UnavailableError if an instance cannot be had."""
        with self.exclusive("scaler") as alone:
            if not alone:
                logger.info("another run is under way")
                return self.maps.current()
            heard: set[str] = set()
            fleet_map, live = self._settle(heard, silent=frozenset())
            silent = self._unheard(fleet_map, live, heard)
            if silent:
                logger.warning("no answer for %s s, to be replaced: %s", self.patience_seconds, ", ".join(silent))
                fleet_map, _ = self._settle(heard, silent)
            return fleet_map

    def _settle(self, heard: set[str], silent: frozenset[str]) -> tuple[FleetMap, list[LiveInstance]]:
        """Takes steps until every node of a full map answers or patience ends; adds to `heard` those that answered."""
        deadline = self.clock.monotonic() + self.patience_seconds
        launched = False
        while True:
            current, live = self.maps.current(), self.instances.live()
            instances = [self._probed(one, silent) for one in live]
            answering = {instance.id for instance in instances if instance.answering}
            heard |= answering
            todo = steps(current, instances, self.wanted, self.port)
            if launched:
                todo = replace(todo, launch=0)  # one launch until patience ends, even if some died meanwhile
            launched = launched or todo.launch > 0
            fleet_map = self._apply(current, todo, len(live))
            full = len(fleet_map.nodes) == self.wanted and {node.id for node in fleet_map.nodes} <= answering
            if full or self.clock.monotonic() >= deadline:
                return fleet_map, live
            self.clock.sleep(self.poll_seconds)

    def _probed(self, one: LiveInstance, silent: frozenset[str]) -> Instance:
        answering = one.id not in silent and self.answers(one.address, self.port)
        return Instance(one.id, one.address, answering, one.id in silent)

    def _unheard(self, fleet_map: FleetMap, live: Sequence[LiveInstance], heard: set[str]) -> frozenset[str]:
        """The instances that should have answered by now: those with keys, and those that had time to boot."""
        mapped = {node.id for node in fleet_map.nodes}
        booted_before = self.clock.now() - timedelta(seconds=self.boot_seconds)
        return frozenset(one.id for one in live if one.id in mapped or one.launched_at < booted_before) - heard

    def _apply(self, current: FleetMap, todo: Steps, already: int) -> FleetMap:
        """The fleet map that is in force afterwards."""
        if todo.fleet_map != current:
            published = self.maps.publish(todo.fleet_map)
            logger.info(
                "fleet map %s %s: %s",
                todo.fleet_map.version,
                "published" if published else "not published, another was first",
                ", ".join(f"{node.id} at {node.address}" for node in todo.fleet_map.nodes),
            )
            if not published:
                return self.maps.current()
        if todo.terminate:  # only now does no map that is in force name them
            logger.info("terminating %s", ", ".join(todo.terminate))
            self.instances.terminate(todo.terminate)
        if todo.launch:  # last: what EC2 refuses must hold up nothing else
            logger.info("launching %s instances beside %s", todo.launch, already - len(todo.terminate))
            self.instances.launch(todo.launch, already - len(todo.terminate))
        return todo.fleet_map
