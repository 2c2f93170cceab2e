"""A run of the scaler over fakes: what it launches, publishes, replaces, terminates and writes down."""

import pytest

from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.fleet import Node
from chalicelib.domain.ports import NodeOrders
from tests.fakes.fleet_world import FleetWorld
from tests.unit.measured_fleet import reports, world_of


def test_a_fleet_is_launched_and_published_once() -> None:
    world = FleetWorld(CacheSettings(num_nodes=4))
    fleet_map = world.run()
    assert world.serving == ["i-1", "i-2", "i-3", "i-4"]
    assert fleet_map.version == 1
    assert reports(world) == dict.fromkeys(world.serving, "serving")
    assert world.run() == fleet_map
    assert len(world.instances.launched) == 4


def test_a_launched_instance_that_does_not_answer_gets_no_keys_and_is_not_launched_again() -> None:
    world = FleetWorld(CacheSettings(num_nodes=2))
    world.silent = {"10.0.0.2"}
    world.run()
    assert world.serving == ["i-1"]
    assert reports(world) == {"i-1": "serving", "i-2": "launching"}
    world.run()
    world.silent = set()
    world.run()
    assert world.serving == ["i-1", "i-2"]
    assert len(world.instances.launched) == 2


def test_an_instance_that_never_answers_is_ended_and_another_launched() -> None:
    world = FleetWorld(CacheSettings(num_nodes=1))
    world.silent = {"10.0.0.1"}
    world.run()
    world.clock.advance(301)
    world.run()
    assert world.serving == ["i-2"]
    assert list(world.instances.running) == ["i-2"]


def test_instances_that_the_list_does_not_show_yet_are_not_launched_twice() -> None:
    world = FleetWorld(CacheSettings(num_nodes=2))
    world.instances.lists_lag = True
    world.run()
    world.run()
    assert len(world.instances.launched) == 2
    world.instances.unlisted.clear()
    world.run()
    assert world.serving == ["i-1", "i-2"]


def test_a_dead_node_is_replaced_in_its_place_and_asked_no_more() -> None:
    world = world_of()
    del world.instances.running["i-1"]
    world.run()
    assert world.serving == ["i-3", "i-2"]
    assert world.store.fleet_map.previous == ()
    assert len(world.instances.running) == 2


def test_a_node_that_hangs_is_named_and_replaced_and_its_instance_ended() -> None:
    world = world_of()
    world.silent = {"10.0.0.1"}
    world.run()
    assert world.serving == ["i-3", "i-2"]
    assert "i-1" not in world.instances.running


def test_a_slow_node_is_named_and_replaced_with_a_handoff() -> None:
    world = world_of()
    world.delay_of = {"10.0.0.1": 0.02}
    world.run()
    assert world.serving == ["i-3", "i-2"]
    assert [node.id for node in world.store.fleet_map.leaving] == ["i-1"]
    told = [one.reason for one in world.store.decisions if one.rule == "replaced"]
    assert told == ["Node i-1: it takes 20 ms to answer. i-3 took its place."]


def test_a_node_that_is_slow_for_a_moment_stays() -> None:
    world = world_of()
    world.delay_of = {"10.0.0.1": 0.02}
    world.clock.on_sleep = lambda seconds: world.delay_of.clear()
    world.run()
    assert world.serving == ["i-1", "i-2"]


def test_when_every_node_is_slow_none_is_replaced() -> None:
    world = world_of()
    world.delay_of = {"10.0.0.1": 0.02, "10.0.0.2": 0.03}
    world.run()
    assert world.serving == ["i-1", "i-2"]


def test_a_replacement_stands_in_the_log_with_its_reason() -> None:
    world = world_of()
    world.silent = {"10.0.0.1"}
    world.run()
    world.run()
    told = [one for one in world.store.decisions if one.rule == "replaced"]
    assert [one.reason for one in told] == ["Node i-1: it does not answer. i-3 took its place."]
    assert (told[0].minute, told[0].before, told[0].target) == (None, 2, 2)


def test_a_node_that_hangs_keeps_its_place_while_ec2_has_no_room() -> None:
    world = world_of()
    world.silent, world.instances.room = {"10.0.0.1"}, 0
    world.run()
    assert world.serving == ["i-1", "i-2"]
    assert reports(world)["i-1"] == "failing"
    assert world.store.report is not None
    assert "no room" in world.store.report.notes[0]
    world.silent = set()
    world.run()
    assert reports(world) == {"i-1": "serving", "i-2": "serving"}


def test_a_leaving_node_that_hangs_is_forgotten_and_ended() -> None:
    world = world_of(CacheSettings(mode="manual", num_nodes=2))
    world.choose(num_nodes=1)
    world.run()
    assert len(world.store.fleet_map.leaving) == 1
    world.silent = {"10.0.0.2"}
    world.run()
    assert world.store.fleet_map.previous == ()
    assert list(world.instances.running) == ["i-1"]


def test_a_node_whose_agent_reports_nothing_is_replaced_with_a_handoff() -> None:
    world = world_of()
    for _ in range(5):
        world.minute(1000, 500, but={"i-1"})
    assert world.serving == ["i-3", "i-2"]
    assert [node.id for node in world.store.fleet_map.leaving] == ["i-1"]


def test_a_node_that_was_replaced_for_its_silent_agent_does_not_come_back() -> None:
    world = world_of()
    for _ in range(5):
        world.minute(1000, 500, but={"i-1"})
    assert world.serving == ["i-3", "i-2"]
    world.choose(num_nodes=3)
    world.run()
    assert "i-1" not in world.serving
    assert len(world.serving) == 3


def test_an_instance_that_nobody_wrote_down_is_ended() -> None:
    world = world_of()
    stranger = world.instances.launch(b"x" * 16, 0)
    world.run()
    assert stranger not in world.instances.running
    assert len(world.serving) == 2


def test_every_node_is_told_its_orders_at_every_run() -> None:
    world = world_of(CacheSettings(mode="manual", num_nodes=2, capacity_mb=3, policy="RR"))
    nodes = world.store.fleet_map.nodes
    assert world.admins.orders == dict.fromkeys(nodes, NodeOrders(3 * 1024 * 1024, "RR"))


@pytest.mark.parametrize("nodes", [8, 64])
def test_calls_do_not_grow_with_the_nodes(nodes: int) -> None:
    world = FleetWorld(CacheSettings(mode="manual", num_nodes=nodes, max_nodes=nodes))
    world.run()
    world.minute(1000, 500)
    world.steps.taken.clear()
    before = world.samples.calls
    world.minute(1000, 500)
    assert world.samples.calls - before == 1
    assert len([step for step in world.steps.taken if not step.startswith("node")]) < 20


def test_a_restarted_ec2_gives_old_addresses_to_new_instances_which_are_other_nodes() -> None:
    world = world_of()
    before = world.store.fleet_map.nodes
    addresses = [one.address for one in world.instances.running.values()]
    world.instances.running.clear()
    world.run()
    assert {node.id for node in world.store.fleet_map.nodes}.isdisjoint(node.id for node in before)
    assert len(world.serving) == len(addresses)
    assert all(isinstance(node, Node) for node in world.store.fleet_map.nodes)
