"""What is previewed is what the scaler would publish."""

import random

import pytest

from chalicelib.domain import fleet
from chalicelib.domain.assignments import ALTERNATING, KINDS, MINIMAL_MOVE
from chalicelib.domain.fleet import FleetMap, Node
from chalicelib.services.fleet_preview import previewed
from scaler.resize import next_map


def nodes(count: int, first: int = 0) -> list[Node]:
    return [Node(f"i-{number}", f"10.0.0.{number}", 11211) for number in range(first, first + count)]


def fleet_of(count: int, kind: str) -> FleetMap:
    return next_map(fleet.EMPTY, nodes(count), count, kind, 0.0)


def test_growing_from_one_to_two_in_the_alternating_assignment_moves_every_second_partition() -> None:
    preview = previewed(fleet_of(1, ALTERNATING), 2, ALTERNATING)
    assert preview.moves == tuple(range(1, 16, 2))
    assert preview.joining == ("new-1",)
    assert preview.leaving == ()
    assert preview.after[:2] == ("i-0", "new-1")


def test_shrinking_names_those_that_leave() -> None:
    preview = previewed(fleet_of(4, MINIMAL_MOVE), 3, MINIMAL_MOVE)
    assert preview.leaving == ("i-3",)
    assert len(preview.moves) == 4


def test_as_many_nodes_as_there_are_move_nothing() -> None:
    assert previewed(fleet_of(3, ALTERNATING), 3, ALTERNATING).moves == ()


def test_a_change_of_the_assignment_alone_is_told_too() -> None:
    assert previewed(fleet_of(3, MINIMAL_MOVE), 3, ALTERNATING).moves != ()


def test_without_a_fleet_every_partition_gets_a_node() -> None:
    preview = previewed(fleet.EMPTY, 2, MINIMAL_MOVE)
    assert preview.before == (None,) * 16
    assert sorted(set(preview.after)) == ["new-1", "new-2"]
    assert len(preview.moves) == 16


@pytest.mark.parametrize("kind", KINDS)
def test_the_scaler_moves_what_was_previewed(kind: str) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(50):
        current = fleet_of(chance.randint(1, 8), kind)
        for step in range(1, 4):
            target = chance.randint(1, 8)
            preview = previewed(current, target, kind)
            spares = nodes(8, first=100 * step)
            following = next_map(current, spares, target, kind, float(step))
            moved = [p for p in range(16) if following.node_of(p) != current.node_of(p)]
            assert preview.moves == tuple(moved)
            named = dict(zip((node.id for node in spares), (f"new-{n}" for n in range(1, 9)), strict=True))
            after = [owner.id for owner in following.owners if owner is not None]
            assert preview.after == tuple(named.get(owner, owner) for owner in after)
            current = fleet.settled(following)
