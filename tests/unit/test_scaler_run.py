from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import pytest

from chalicelib.domain import fleet
from chalicelib.domain.errors import RowsUnavailableError, UnavailableError
from chalicelib.domain.fleet import FleetMap, Node, with_nodes
from scaler.instances import LiveInstance
from scaler.run import Scaler
from tests.fakes import MemoryParts

PORT = 11211


class MemoryInstances:
    """Instances in memory. Addresses are given out in the same order after `restart`, ids never twice."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.running: dict[str, LiveInstance] = {}
        self._now = now
        self.launches: list[int] = []
        self.on_launch: Callable[[], None] = lambda: None
        self.no_room = False
        self._ids = 0
        self._addresses = 0

    def live(self) -> list[LiveInstance]:
        return list(self.running.values())

    def launch(self, count: int, already: int) -> None:
        assert already == len(self.running)
        if self.no_room:
            raise UnavailableError("no room for another instance")
        self.launches.append(count)
        for _ in range(count):
            self._ids, self._addresses = self._ids + 1, self._addresses + 1
            instance_id = f"i-{self._ids}"
            self.running[instance_id] = LiveInstance(instance_id, f"10.0.0.{self._addresses}", self._now())
        self.on_launch()

    def terminate(self, instance_ids: Sequence[str]) -> None:
        for instance_id in instance_ids:
            del self.running[instance_id]

    def restart(self) -> None:
        self.running.clear()
        self._addresses = 0


class Run:
    """The scaler over fakes; an address answers unless it is in `silent`."""

    def __init__(self, wanted: int = 2) -> None:
        self.parts = MemoryParts(nodes=())
        self.instances = MemoryInstances(self.parts.clock.now)
        self.silent: set[str] = set()
        self.scaler = Scaler(
            instances=self.instances,
            maps=self.parts.maps,
            answers=lambda address, port: port == PORT and address not in self.silent,
            exclusive=self.parts.exclusive,
            clock=self.parts.clock,
            wanted=wanted,
            port=PORT,
        )

    def run(self) -> FleetMap:
        return self.scaler.run()

    def settled(self) -> None:
        assert set(self.parts.fleet_map.nodes) == {Node(one.id, one.address, PORT) for one in self.instances.live()}
        assert len(self.instances.running) == self.scaler.wanted

    def settled_as(self, fleet_map: FleetMap) -> None:
        assert self.parts.fleet_map == fleet_map
        assert {(one.id, one.address) for one in self.instances.live()} >= {(n.id, n.address) for n in fleet_map.nodes}


@pytest.fixture
def run() -> Run:
    return Run()


def test_a_first_run_launches_waits_and_publishes(run: Run) -> None:
    run.instances.on_launch = lambda: run.silent.update(["10.0.0.1", "10.0.0.2"])
    run.parts.clock.on_sleep = lambda seconds: run.silent.clear()
    after = run.run()
    run.settled()
    assert after == run.parts.fleet_map
    assert (after.version, run.instances.launches) == (1, [2])


def test_a_settled_fleet_is_left_alone(run: Run) -> None:
    run.run()
    run.parts.steps.taken.clear()
    for _ in range(3):
        run.run()
    assert run.instances.launches == [2]
    assert "maps.publish" not in run.parts.steps.taken
    assert run.parts.clock.slept == [run.scaler.poll_seconds] * len(run.parts.clock.slept)


def test_a_dead_node_is_replaced_in_its_place(run: Run) -> None:
    first = run.run()
    run.instances.terminate((first.nodes[0].id,))
    second = run.run()
    assert second.nodes == (Node("i-3", "10.0.0.3", PORT), first.nodes[1])
    assert run.instances.launches == [2, 1]


def test_a_node_that_is_silent_for_a_moment_keeps_its_place(run: Run) -> None:
    first = run.run()
    run.silent.add(first.nodes[0].address)
    run.parts.clock.on_sleep = lambda seconds: run.silent.clear()
    assert run.run() == first
    assert run.instances.launches == [2]


def test_a_node_that_stays_silent_is_replaced_and_ended(run: Run) -> None:
    first = run.run()
    run.silent.add(first.nodes[0].address)
    after = run.run()
    assert after.nodes == (Node("i-3", "10.0.0.3", PORT), first.nodes[1])
    assert run.instances.launches == [2, 1]
    run.settled()


def test_a_replacement_that_comes_up_late_is_taken_in_by_a_later_run(run: Run) -> None:
    first = run.run()
    run.silent.add(first.nodes[0].address)
    run.instances.on_launch = lambda: run.silent.add("10.0.0.3")
    assert run.run() == first
    run.silent.remove("10.0.0.3")
    assert run.run().nodes == (Node("i-3", "10.0.0.3", PORT), first.nodes[1])
    run.settled()


def test_an_instance_that_never_comes_up_is_given_its_time_and_then_replaced(run: Run) -> None:
    run.instances.on_launch = lambda: run.silent.add("10.0.0.1")
    run.run()
    assert run.instances.launches == [2]
    run.parts.clock.sleep(run.scaler.boot_seconds)
    run.run()
    assert run.instances.launches == [2, 1]
    run.settled()


def test_what_answers_is_taken_in_even_where_there_is_no_room_for_more(run: Run) -> None:
    first = run.run()
    run.instances.terminate([first.nodes[0].id, first.nodes[1].id])
    run.instances.launch(1, already=0)
    run.instances.no_room = True
    with pytest.raises(UnavailableError, match="no room"):
        run.run()
    assert run.parts.fleet_map.nodes[0] == Node("i-3", "10.0.0.3", PORT)


def test_an_old_map_with_dead_ids_is_put_right_after_a_restart(run: Run) -> None:
    before = run.run()
    run.instances.restart()
    after = run.run()
    run.settled()
    assert {node.address for node in after.nodes} == {node.address for node in before.nodes}
    assert {node.id for node in after.nodes}.isdisjoint(node.id for node in before.nodes)


def test_instances_that_a_killed_run_left_are_used(run: Run) -> None:
    class KilledError(BaseException):
        pass

    def die() -> None:
        raise KilledError

    run.instances.on_launch = die
    with pytest.raises(KilledError):
        run.run()
    run.instances.on_launch = lambda: None
    run.run()
    run.settled()
    assert run.instances.launches == [2]


def test_of_two_runs_at_once_one_does_nothing(run: Run) -> None:
    seen: list[FleetMap] = []
    run.instances.on_launch = lambda: seen.append(run.run())
    run.run()
    assert seen == [fleet.EMPTY]
    assert run.instances.launches == [2]
    run.settled()


def test_a_run_launches_once_even_if_what_it_launched_dies(run: Run) -> None:
    run.parts.clock.on_sleep = lambda seconds: run.instances.running.clear()
    run.instances.on_launch = lambda: run.silent.update(["10.0.0.1", "10.0.0.2"])
    run.run()
    assert run.instances.launches == [2]


def test_a_run_gives_up_waiting_after_its_patience(run: Run) -> None:
    run.instances.on_launch = lambda: run.silent.update(["10.0.0.1", "10.0.0.2"])
    assert run.run() == fleet.EMPTY
    assert sum(run.parts.clock.slept) == pytest.approx(run.scaler.patience_seconds, abs=1)
    run.silent.clear()
    run.run()
    run.settled()
    assert run.instances.launches == [2]


def test_no_room_for_an_instance_is_told_and_the_lock_is_freed(run: Run) -> None:
    run.instances.no_room = True
    for _ in range(2):
        with pytest.raises(UnavailableError, match="no room"):
            run.run()
    run.instances.no_room = False
    run.run()
    run.settled()


def test_a_node_is_ended_only_once_no_published_map_names_it() -> None:
    run = Run(wanted=3)
    run.run()
    smaller = Run(wanted=2)
    smaller.parts, smaller.instances = run.parts, run.instances
    smaller.scaler = Scaler(
        run.instances, run.parts.maps, lambda address, port: True, run.parts.exclusive, run.parts.clock, 2, PORT
    )
    run.parts.steps.fail("maps.publish", RowsUnavailableError("no"))
    with pytest.raises(RowsUnavailableError):
        smaller.run()
    assert len(run.instances.running) == 3
    smaller.run()
    smaller.settled()


def test_a_map_that_another_published_first_is_not_acted_on(run: Run) -> None:
    run.run()
    run.instances.launch(2, already=2)
    other = with_nodes(run.parts.fleet_map, [Node(one.id, one.address, PORT) for one in run.instances.live()[2:]])
    run.instances.terminate(("i-1",))

    def another_is_first() -> None:
        run.parts.store.fleet_map = other

    run.parts.steps.before("maps.publish", another_is_first)
    run.run()
    run.settled_as(other)


def test_the_lock_is_named_and_asked_for_once(run: Run) -> None:
    names: list[str] = []

    @contextmanager
    def exclusive(name: str) -> Iterator[bool]:
        names.append(name)
        yield True

    Scaler(run.instances, run.parts.maps, lambda address, port: True, exclusive, run.parts.clock, 2, PORT).run()
    assert names == ["scaler"]
