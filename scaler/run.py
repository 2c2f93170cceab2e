"""One run of the scaler: gathers what there is, lets the pure parts decide, does what they say.

May be run twice at once: a named lock lets one through. Killed at any step it leaves only instances that carry the
fleet's tags, which the next run finds and uses.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.fleet import FleetMap
from chalicelib.domain.ports import Clock, FleetMaps
from scaler.instances import Instance
from scaler.reconcile import Steps, steps

logger = logging.getLogger(__name__)


class Instances(Protocol):
    """What the scaler needs of EC2."""

    def live(self) -> list[tuple[str, str]]: ...

    def launch(self, count: int, already: int) -> None: ...

    def terminate(self, instance_ids: tuple[str, ...]) -> None: ...


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
    patience_seconds: float = 10.0  # how long one run waits for what it launched
    poll_seconds: float = 0.2

    def run(self) -> FleetMap:
        """The fleet map after this run."""
        with self.exclusive("scaler") as alone:
            if not alone:
                logger.info("another run is under way")
                return self.maps.current()
            deadline = self.clock.monotonic() + self.patience_seconds
            launched = False
            while True:
                current, instances = self.maps.current(), self._gather()
                todo = steps(current, instances, self.wanted, self.port)
                if launched:
                    todo = Steps(0, todo.terminate, todo.fleet_map)  # one launch a run, even if some died meanwhile
                launched = launched or todo.launch > 0
                published = self._apply(current, todo, len(instances))
                settled = (
                    published
                    and len(todo.fleet_map.nodes) == self.wanted
                    and {node.id for node in todo.fleet_map.nodes} <= {instance.id for instance in instances}
                )
                if settled or self.clock.monotonic() >= deadline:
                    return todo.fleet_map if published else self.maps.current()
                self.clock.sleep(self.poll_seconds)

    def _gather(self) -> list[Instance]:
        return [
            Instance(instance_id, address, self.answers(address, self.port))
            for instance_id, address in self.instances.live()
        ]

    def _apply(self, current: FleetMap, todo: Steps, already: int) -> bool:
        """Whether the fleet map now is the one decided on."""
        if todo.launch:
            logger.info("launching %s instances beside %s", todo.launch, already)
            self.instances.launch(todo.launch, already)
        if todo.fleet_map != current:
            published = self.maps.publish(todo.fleet_map)
            logger.info(
                "fleet map %s %s: %s",
                todo.fleet_map.version,
                "published" if published else "not published, another was first",
                ", ".join(f"{node.id} at {node.address}" for node in todo.fleet_map.nodes),
            )
            if not published:
                return False
        if todo.terminate:  # only now does no map that is in force name them
            logger.info("terminating surplus instances %s", ", ".join(todo.terminate))
            self.instances.terminate(todo.terminate)
        return True
