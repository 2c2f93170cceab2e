"""Runs of the scaler that are killed, late, beside another, or without EC2, CloudWatch or the database; over fakes."""

import pytest

from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.errors import RowsUnavailableError, UnavailableError
from tests.fakes.fleet_world import FleetWorld
from tests.unit.measured_fleet import world_of


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
