"""A run of the scaler over fakes: what it launches, publishes, terminates and writes down."""

import pytest

from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.decisions import Sample, minute_of
from chalicelib.domain.errors import RowsUnavailableError, UnavailableError
from chalicelib.domain.fleet import Node
from chalicelib.domain.ports import NodeOrders
from tests.fakes.fleet_world import FleetWorld

AUTO = CacheSettings(mode="auto", num_nodes=2)


def world_of(settings: CacheSettings = AUTO) -> FleetWorld:
    """A fleet at its target, measured for some minutes."""
    world = FleetWorld(settings)
    world.run()
    for _ in range(3):
        world.minute(1000, 500)
    assert len(world.serving) == settings.num_nodes
    return world


def reports(world: FleetWorld) -> dict[str, str]:
    assert world.store.report is not None
    return {one.id: one.state for one in world.store.report.nodes}


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


def test_a_resize_with_a_dead_node_ends_well() -> None:
    world = world_of(CacheSettings(mode="manual", num_nodes=2))
    world.choose(num_nodes=4)
    del world.instances.running["i-2"]
    world.run()
    assert len(world.serving) == 4
    assert "i-2" not in world.serving
    assert len(world.instances.running) == 4


def test_a_node_whose_agent_reports_nothing_is_replaced_with_a_handoff() -> None:
    world = world_of()
    for _ in range(5):
        world.minute(1000, 500, but={"i-1"})
    assert world.serving == ["i-3", "i-2"]
    assert [node.id for node in world.store.fleet_map.leaving] == ["i-1"]


def test_when_nobody_reports_nothing_is_replaced_and_nothing_shrinks() -> None:
    world = world_of(CacheSettings(mode="auto", num_nodes=4))
    for _ in range(10):
        world.pass_minutes()
        world.run()
    assert len(world.serving) == 4
    assert set(world.rules[3:]) <= {"missing-data", "within-thresholds"}
    assert len(world.instances.launched) == 4


def test_when_cloudwatch_does_not_answer_the_report_says_so_and_the_fleet_stays() -> None:
    world = world_of()
    world.samples.down = True
    world.minute(1000, 0)
    assert len(world.serving) == 2
    assert world.store.report is not None
    assert world.store.report.notes == ("CloudWatch does not answer.",)


def test_what_ec2_refuses_is_said_and_tried_again() -> None:
    world = FleetWorld(CacheSettings(num_nodes=3))
    world.instances.room = 1
    world.run()
    world.run()
    assert world.serving == ["i-1"]
    assert len(world.store.launches) == 1
    world.instances.room = None
    world.run()
    assert world.serving == ["i-1", "i-2", "i-3"]


def test_growth_that_ec2_refuses_for_minutes_is_given_up_and_automatic_mode_goes_on() -> None:
    world = world_of()
    world.instances.room = 0
    world.minute(1000, 900)
    assert world.settings().num_nodes == 4
    for _ in range(3):
        world.minute(1000, 900)
    assert "refused" in world.rules
    assert (world.settings().num_nodes, len(world.serving)) == (2, 2)
    for _ in range(world.settings().cooldown_minutes + 2):
        world.minute(1000, 0)
    assert "below-minimum" in world.rules


def test_what_a_person_wants_is_not_given_up() -> None:
    world = world_of(CacheSettings(mode="manual", num_nodes=4))
    world.choose(num_nodes=6)
    world.instances.room = 0
    for _ in range(6):
        world.minute(0, 0)
    assert world.settings().num_nodes == 6


def test_an_instance_that_ec2_will_not_end_holds_up_nothing_else() -> None:
    world = world_of()
    world.instances.unendable = {world.instances.launch(b"x" * 16, 0)}
    world.minute(1000, 900)
    assert len(world.serving) == 4
    assert world.store.report is not None
    assert any("did not terminate" in note for note in world.store.report.notes)


def test_without_ec2_s_answer_minutes_are_decided_and_told_and_nothing_is_begun_or_ended() -> None:
    world = world_of()
    before = dict(world.instances.running)
    world.instances.down = True
    world.minute(1000, 900)
    assert world.rules[-1] == "above-maximum"
    report = world.store.report
    assert report is not None
    assert "EC2 does not answer." in report.notes
    assert [one.state for one in report.nodes] == ["serving", "serving"]
    assert world.instances.running == before
    world.instances.down = False
    world.run()
    assert len(world.serving) == 4


def test_a_fleet_of_which_nobody_reports_says_so() -> None:
    world = world_of(CacheSettings(num_nodes=1, min_nodes=1))
    for _ in range(6):
        world.pass_minutes()
        world.run()
    assert world.store.report is not None
    assert "No node's measurements arrived" in world.store.report.notes[0]
    assert world.serving == ["i-1"]


def test_a_node_that_was_replaced_for_its_silent_agent_does_not_come_back() -> None:
    world = world_of()
    for _ in range(5):
        world.minute(1000, 500, but={"i-1"})
    assert world.serving == ["i-3", "i-2"]
    world.choose(num_nodes=3)
    world.run()
    assert "i-1" not in world.serving
    assert len(world.serving) == 3


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


def test_an_instance_that_nobody_wrote_down_is_ended() -> None:
    world = world_of()
    stranger = world.instances.launch(b"x" * 16, 0)
    world.run()
    assert stranger not in world.instances.running
    assert len(world.serving) == 2


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


def test_every_node_is_told_its_orders_at_every_run() -> None:
    world = world_of(CacheSettings(mode="manual", num_nodes=2, capacity_mb=3, policy="RR"))
    nodes = world.store.fleet_map.nodes
    assert world.admins.orders == dict.fromkeys(nodes, NodeOrders(3 * 1024 * 1024, "RR"))


def test_one_run_at_a_time() -> None:
    world = FleetWorld()
    world.held = True
    world.run()
    assert world.instances.launched == []


def test_a_run_that_slept_while_a_later_one_began_changes_nothing() -> None:
    world = FleetWorld(CacheSettings(num_nodes=2))

    def another_runs() -> None:
        world.held = False
        world.run()

    world.steps.before("scaler.write_launches", another_runs)
    world.run()
    assert world.serving == ["i-1", "i-2"]
    assert len(world.instances.launched) == 2


def test_a_run_that_slept_before_its_launch_ends_what_it_launched() -> None:
    world = FleetWorld(CacheSettings(num_nodes=2))

    def a_minute_and_another_run() -> None:
        world.held = False
        world.clock.advance(120)
        world.run()

    world.steps.before("ec2.launch", a_minute_and_another_run)
    world.run()
    world.run()
    assert len(world.instances.running) == 2
    assert sorted(world.serving) == sorted(world.instances.running)


def killed_world() -> FleetWorld:
    world = world_of()
    world.pass_minutes()
    world.measure(100, 90)
    return world


class KilledError(BaseException):
    """As kill -9: nothing catches it."""


def test_killed_at_any_step_the_next_runs_make_it_good() -> None:
    killed = 0
    for number in range(60):
        world = killed_world()
        passed = 0

        def kill(number: int = number, world: FleetWorld = world) -> None:
            nonlocal passed
            passed += 1
            if passed == number + 1:
                raise KilledError

        world.steps.gate = kill
        try:
            world.run()
        except KilledError:
            killed += 1
        world.steps.gate = lambda: None
        world.held = False
        world.run()
        for _ in range(3):
            world.minute(1000, 500)
        assert len(world.serving) == 4, f"killed at step {number}"
        assert sorted(world.instances.running) == sorted(world.serving), f"killed at step {number}"
        assert [one.rule for one in world.store.decisions].count("above-maximum") == 1
    assert killed > 15


def test_nothing_is_done_while_the_database_does_not_answer() -> None:
    world = FleetWorld()
    world.steps.fail("scaler.begin_run", RowsUnavailableError("no"))
    with pytest.raises(UnavailableError):
        world.run()
    assert world.instances.launched == []
    world.run()
    assert len(world.serving) == 2


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
