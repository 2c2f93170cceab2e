"""Growing, shrinking and moving partitions in runs of the scaler over fakes."""

from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.decisions import Sample, minute_of
from tests.unit.measured_fleet import reports, world_of


def test_a_miss_rate_above_the_maximum_grows_the_fleet_and_says_why() -> None:
    world = world_of()
    world.minute(1000, 900)
    assert world.serving == ["i-1", "i-2", "i-3", "i-4"]
    grown = world.store.decisions[-1]
    assert (grown.rule, grown.before, grown.target) == ("above-maximum", 2, 4)
    assert "launched i-3; launched i-4; fleet map 2: 2 -> 4 nodes" in grown.outcome
    assert world.store.fleet_map.moving != ()
    assert world.settings().num_nodes == 4


def test_while_partitions_are_handed_over_nothing_is_decided_and_then_a_cooldown_ends() -> None:
    world = world_of()
    world.minute(1000, 900)
    for _ in range(4):
        world.minute(1000, 900, copies=400)
    assert len(world.serving) == 4
    assert set(world.rules[-3:]) == {"resizing"}
    world.minute(1000, 900, copies=1)
    assert world.store.fleet_map.moving == ()
    world.minute(1000, 900)
    assert world.serving == [f"i-{number}" for number in range(1, 9)]


def test_a_shrunk_fleet_drains_its_nodes_before_they_are_terminated() -> None:
    world = world_of(CacheSettings(mode="auto", num_nodes=4))
    world.minute(1000, 0)
    assert world.serving == ["i-1", "i-2"]
    assert len(world.instances.running) == 4
    assert reports(world) == {"i-1": "serving", "i-2": "serving", "i-3": "leaving", "i-4": "leaving"}
    world.minute(1000, 100, copies=500)
    assert len(world.instances.running) == 4
    world.minute(1000, 100, copies=1)
    assert list(world.instances.running) == ["i-1", "i-2"]


def test_a_leaving_node_comes_back_when_the_fleet_grows_again() -> None:
    world = world_of(CacheSettings(mode="auto", num_nodes=4))
    world.minute(1000, 0)
    world.choose(num_nodes=3, mode="manual")
    world.run()
    assert world.serving == ["i-1", "i-2", "i-3"]
    assert len(world.instances.launched) == 4


def test_a_handoff_nobody_uses_ends_at_its_ceiling() -> None:
    world = world_of(CacheSettings(mode="auto", num_nodes=2))
    world.choose(num_nodes=1, mode="manual")
    world.run()
    for _ in range(29):
        world.minute(0, 0)
    assert len(world.instances.running) == 2
    for _ in range(2):
        world.minute(0, 0)
    assert list(world.instances.running) == ["i-1"]


def test_two_resizes_back_to_back_need_not_wait_for_each_other() -> None:
    world = world_of(CacheSettings(mode="manual", num_nodes=1))
    for target in (2, 4, 3):
        world.choose(num_nodes=target)
        world.run()
        assert len(world.serving) == target
    chains = {len(chain) for chain in world.store.fleet_map.previous}
    assert max(chains) >= 2
    for _ in range(2):  # the first one began before the last move
        world.minute(1000, 100)
    assert world.store.fleet_map.moving == ()
    assert len(world.instances.running) == 3


def test_a_resize_with_a_dead_node_ends_well() -> None:
    world = world_of(CacheSettings(mode="manual", num_nodes=2))
    world.choose(num_nodes=4)
    del world.instances.running["i-2"]
    world.run()
    assert len(world.serving) == 4
    assert "i-2" not in world.serving
    assert len(world.instances.running) == 4


def test_an_older_minute_that_is_late_does_not_overrule_a_newer_one() -> None:
    world = world_of()
    world.pass_minutes()
    late = minute_of(world.clock.now()) - 1
    world.run()
    world.minute(1000, 500)
    for node in world.store.fleet_map.nodes:
        world.samples.put(Sample(node.id, late, 1000, 0, 1000))
    world.run()
    decided = {one.minute: one for one in world.store.decisions}
    assert decided[late].rule == "overtaken"
    assert world.settings().num_nodes == 2


def test_a_minute_is_decided_once() -> None:
    world = world_of()
    before = len(world.store.decisions)
    world.run()
    world.run()
    assert len(world.store.decisions) == before
    minutes = [one.minute for one in world.store.decisions]
    assert len(set(minutes)) == len(minutes)


def test_another_assignment_moves_partitions_with_a_handoff() -> None:
    world = world_of(CacheSettings(mode="manual", num_nodes=3))
    world.choose(assignment="minimal-move")
    kept = world.run()
    assert kept.previous == ()  # alternating is balanced already, so nothing must move
    world.choose(num_nodes=4)
    assert len(world.run().moving) == 4
