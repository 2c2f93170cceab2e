from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import fleet
from chalicelib.domain.fleet import FleetMap, Node, with_nodes
from chalicelib.domain.partitions import PARTITIONS
from scaler.instances import Instance
from scaler.reconcile import Steps, steps

PORT = 11211
IDS = st.integers(0, 11)
WANTED = st.integers(1, 8)


def instance(number: int, answering: bool = True, silent: bool = False) -> Instance:
    return Instance(f"i-{number}", f"10.0.0.{number}", answering and not silent, silent)


def node(number: int) -> Node:
    return Node(f"i-{number}", f"10.0.0.{number}", PORT)


def map_of(*numbers: int) -> FleetMap:
    return with_nodes(fleet.EMPTY, [node(number) for number in numbers])


MAPS = st.lists(IDS, unique=True, max_size=8).map(lambda numbers: map_of(*numbers))
INSTANCES = st.lists(st.builds(instance, IDS, st.booleans(), st.booleans()), unique_by=lambda one: one.id, max_size=10)


def ids(fleet_map: FleetMap) -> list[str]:
    return [one.id for one in fleet_map.nodes]


def test_an_empty_fleet_is_launched() -> None:
    assert steps(fleet.EMPTY, [], 2, PORT) == Steps(fleet.EMPTY, (), 2)


def test_an_instance_that_does_not_answer_yet_gets_no_keys() -> None:
    todo = steps(fleet.EMPTY, [instance(1), instance(2, answering=False)], 2, PORT)
    assert (todo.launch, ids(todo.fleet_map)) == (0, ["i-1"])


def test_a_dead_node_keeps_its_place_until_another_answers() -> None:
    current = map_of(1, 2)
    assert steps(current, [instance(2)], 2, PORT) == Steps(current, (), 1)
    assert steps(current, [instance(2), instance(3, answering=False)], 2, PORT) == Steps(current, (), 0)
    assert ids(steps(current, [instance(2), instance(3)], 2, PORT).fleet_map) == ["i-3", "i-2"]


def test_a_node_that_only_fails_keeps_its_keys() -> None:
    current = map_of(1, 2)
    assert steps(current, [instance(1, answering=False), instance(2)], 2, PORT) == Steps(current, (), 0)


def test_a_silent_node_is_replaced_in_its_place_and_ended_only_then() -> None:
    current = map_of(1, 2)
    hung = instance(1, silent=True)
    assert steps(current, [hung, instance(2)], 2, PORT) == Steps(current, (), 1)
    assert steps(current, [hung, instance(2), instance(3, answering=False)], 2, PORT) == Steps(current, (), 0)
    todo = steps(current, [hung, instance(2), instance(3)], 2, PORT)
    assert (ids(todo.fleet_map), todo.terminate, todo.launch) == (["i-3", "i-2"], ("i-1",), 0)


def test_an_instance_that_never_came_up_is_ended_and_another_launched() -> None:
    todo = steps(map_of(1), [instance(1), instance(2, silent=True)], 2, PORT)
    assert (todo.fleet_map, todo.terminate, todo.launch) == (map_of(1), ("i-2",), 1)


def test_after_a_restart_old_addresses_with_new_ids_are_new_nodes() -> None:
    current = map_of(1, 2)
    reborn = [Instance("i-8", "10.0.0.1", True), Instance("i-9", "10.0.0.2", True)]
    todo = steps(current, reborn, 2, PORT)
    assert (todo.launch, todo.terminate) == (0, ())
    assert todo.fleet_map.nodes == (Node("i-8", "10.0.0.1", PORT), Node("i-9", "10.0.0.2", PORT))
    assert todo.fleet_map.version == current.version + 1


def test_instances_beyond_the_wanted_number_are_ended_and_none_that_serves() -> None:
    todo = steps(map_of(1, 2), [instance(1), instance(2), instance(3), instance(4)], 2, PORT)
    assert set(todo.terminate) == {"i-3", "i-4"}
    assert todo.fleet_map == map_of(1, 2)


def test_a_smaller_fleet_lets_the_last_nodes_go() -> None:
    todo = steps(map_of(1, 2, 3), [instance(1), instance(2), instance(3)], 2, PORT)
    assert (ids(todo.fleet_map), todo.terminate) == (["i-1", "i-2"], ("i-3",))


@given(MAPS, INSTANCES, WANTED)
def test_there_are_never_more_instances_than_wanted_by_launching(
    current: FleetMap, instances: list[Instance], wanted: int
) -> None:
    todo = steps(current, instances, wanted, PORT)
    silent = {one.id for one in instances if one.silent}
    assert todo.launch == max(0, wanted - (len(instances) - len(silent)))
    assert todo.launch == 0 or set(todo.terminate) <= silent


@given(MAPS, INSTANCES, WANTED)
def test_no_more_are_ended_than_there_are_too_many_and_never_one_that_the_new_map_names(
    current: FleetMap, instances: list[Instance], wanted: int
) -> None:
    todo = steps(current, instances, wanted, PORT)
    assert set(todo.terminate) <= {one.id for one in instances} - set(ids(todo.fleet_map))
    assert len(todo.terminate) == len(set(todo.terminate))
    silent = {one.id for one in instances if one.silent}
    assert len(set(todo.terminate) - silent) <= max(0, len(instances) - len(silent) - wanted)


@given(MAPS, INSTANCES, WANTED)
def test_the_next_map_is_whole(current: FleetMap, instances: list[Instance], wanted: int) -> None:
    after = steps(current, instances, wanted, PORT).fleet_map
    assert len(after.nodes) <= wanted
    assert len(set(ids(after))) == len(after.nodes)
    assert len(after.assignment) == (PARTITIONS if after.nodes else 0)
    assert after == current or after.version == current.version + 1


@given(MAPS, INSTANCES, WANTED)
def test_only_an_instance_that_answers_is_taken_in(current: FleetMap, instances: list[Instance], wanted: int) -> None:
    answering = {one.id for one in instances if one.answering}
    assert set(ids(steps(current, instances, wanted, PORT).fleet_map)) - set(ids(current)) <= answering


@given(MAPS, INSTANCES, WANTED)
def test_a_node_whose_instance_is_there_keeps_its_place(
    current: FleetMap, instances: list[Instance], wanted: int
) -> None:
    there = {one.id for one in instances if not one.silent}
    after = ids(steps(current, instances, wanted, PORT).fleet_map)
    for place, node_id in enumerate(ids(current)[:wanted]):
        if node_id in there:
            assert after[place] == node_id


@given(MAPS, INSTANCES, WANTED)
def test_a_place_is_lost_only_to_another_that_answers(
    current: FleetMap, instances: list[Instance], wanted: int
) -> None:
    after = steps(current, instances, wanted, PORT).fleet_map
    assert len(after.nodes) >= min(len(current.nodes), wanted)


@given(MAPS, INSTANCES, WANTED)
def test_a_settled_fleet_stays_as_it_is(current: FleetMap, instances: list[Instance], wanted: int) -> None:
    fresh = 20
    for _ in range(4):  # launches answer at once, the ended are gone, what hangs was replaced by the supervisor
        todo = steps(current, instances, wanted, PORT)
        instances = [one for one in instances if one.id not in todo.terminate]
        instances += [instance(fresh + number) for number in range(todo.launch)]
        instances = [Instance(one.id, one.address, answering=True) for one in instances]
        fresh += todo.launch
        current = todo.fleet_map
    assert steps(current, instances, wanted, PORT) == Steps(current, (), 0)
    assert set(ids(current)) == {one.id for one in instances}
    assert len(instances) == wanted
