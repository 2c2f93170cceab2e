from datetime import UTC, datetime

from chalicelib.domain.fleet import EMPTY, FleetMap, Node, moved, settled, with_nodes
from chalicelib.domain.launches import Launch
from scaler.instances import LiveInstance
from scaler.reconcile import UNSEEN_SECONDS, Steps, steps, unseen

NOTHING = Steps(0, (), ())


def live(*names: str) -> list[LiveInstance]:
    return [LiveInstance(name, f"10.0.0.{name}", datetime(2030, 1, 1, tzinfo=UTC), intent_of(name)) for name in names]


def intent_of(name: str) -> bytes:
    return name.encode().ljust(16)


def written(*names: str, age_seconds: float = 5.0) -> list[Launch]:
    return [Launch(intent_of(name), age_seconds, name) for name in names]


def node(name: str) -> Node:
    return Node(name, f"10.0.0.{name}", 11211)


def serving(*names: str) -> FleetMap:
    return with_nodes(EMPTY, [node(name) for name in names])


def shrunk(before: tuple[str, ...], after: tuple[str, ...]) -> FleetMap:
    nodes = [node(name) for name in after]
    return moved(serving(*before), nodes, tuple(p % len(nodes) for p in range(16)), 0.0)


def test_an_empty_fleet_is_launched() -> None:
    assert steps(EMPTY, [], [], 3) == Steps(3, (), ())


def test_a_whole_fleet_is_left_alone() -> None:
    assert steps(serving("1", "2"), live("1", "2"), written("1", "2"), 2) == NOTHING


def test_what_is_missing_is_launched_once() -> None:
    assert steps(serving("1"), live("1"), written("1"), 3).launch == 2
    assert steps(serving("1"), live("1", "2"), written("1", "2"), 3).launch == 1
    unlisted = written("1", "2", "3")
    assert steps(serving("1"), live("1"), unlisted, 3) == NOTHING
    assert [one.instance_id for one in unseen(live("1"), unlisted)] == ["2", "3"]


def test_a_launch_that_stays_unseen_is_forgotten_and_made_again() -> None:
    old = [*written("1"), *written("2", age_seconds=UNSEEN_SECONDS)]
    assert steps(serving("1"), live("1"), old, 2) == Steps(1, (), (intent_of("2"),))


def test_an_instance_that_nobody_wrote_down_is_ended() -> None:
    assert steps(serving("1"), live("1", "2"), written("1"), 1) == Steps(0, ("2",), ())


def test_an_instance_that_a_map_names_has_its_place_whatever_became_of_the_row_of_its_launch() -> None:
    assert steps(serving("1", "2"), live("1", "2"), written("1"), 2) == NOTHING


def test_a_leaving_node_is_ended_when_no_miss_asks_it_any_more() -> None:
    draining = shrunk(("1", "2"), ("1",))
    assert steps(draining, live("1", "2"), written("1", "2"), 1) == NOTHING
    assert steps(settled(draining), live("1", "2"), written("1", "2"), 1).terminate == ("2",)


def test_a_leaving_node_is_used_again_before_another_is_launched() -> None:
    assert steps(shrunk(("1", "2"), ("1",)), live("1", "2"), written("1", "2"), 2) == NOTHING


def test_a_silent_node_gets_a_replacement_and_is_ended_once_no_map_names_it() -> None:
    assert steps(serving("1", "2"), live("1", "2"), written("1", "2"), 2, gone={"2"}) == Steps(1, (), ())
    standing_by = steps(serving("1", "2"), live("1", "2", "3"), written("1", "2", "3"), 2, gone={"2"})
    assert standing_by == NOTHING
    replaced = steps(serving("1", "3"), live("1", "2", "3"), written("1", "2", "3"), 2, gone={"2"})
    assert replaced.terminate == ("2",)


def test_a_node_that_is_to_be_replaced_stays_while_a_miss_may_ask_it() -> None:
    handing_over = shrunk(("1", "2"), ("1", "3"))
    assert steps(handing_over, live("1", "2", "3"), written("1", "2", "3"), 2, replaced={"2"}) == NOTHING


def test_spares_beyond_what_is_wanted_are_ended_youngest_first() -> None:
    assert steps(serving("1"), live("1", "2", "3", "4"), written("1", "2", "3", "4"), 2).terminate == ("3", "4")
