import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.assignments import ALTERNATING, MINIMAL_MOVE, assigned, minimal_move, moves
from chalicelib.domain.partitions import PARTITIONS

COUNTS = st.integers(1, PARTITIONS)


def owners_after(nodes: list[str], assignment: tuple[int, ...]) -> list[str | None]:
    return [nodes[index] for index in assignment]


@given(st.integers(), st.lists(COUNTS, min_size=1, max_size=12))
def test_minimal_move_is_balanced_to_one_and_moves_only_what_it_must(seed: int, walk: list[int]) -> None:
    source = random.Random(seed)
    owners: list[str | None] = []
    nodes: list[str] = []
    for step, count in enumerate(walk):
        stay = source.sample(nodes, min(len(nodes), count))
        nodes = stay + [f"node-{step}-{number}" for number in range(count - len(stay))]
        after = owners_after(nodes, minimal_move(owners, nodes))
        held = [after.count(node) for node in nodes]
        assert max(held) - min(held) <= 1
        if owners:
            floor, one_more = divmod(PARTITIONS, count)
            had = sorted((owners.count(node) for node in nodes), reverse=True)
            keepable = sum(min(h, floor + (rank < one_more)) for rank, h in enumerate(had))
            assert len(moves(owners, after)) == PARTITIONS - keepable
        owners = after


@pytest.mark.parametrize(("before", "after", "moved"), [(1, 2, 8), (4, 5, 3), (5, 4, 3), (8, 8, 0)])
def test_minimal_move_moves_a_nodes_share(before: int, after: int, moved: int) -> None:
    names = [f"node-{number}" for number in range(16)]
    owners = owners_after(names[:before], minimal_move([], names[:before]))
    assert len(moves(owners, owners_after(names[:after], minimal_move(owners, names[:after])))) == moved


def test_alternating_takes_no_notice_of_what_is() -> None:
    assert assigned(ALTERNATING, ["b"] * 16, ["a", "b"]) == (0, 1) * 8
    assert assigned(MINIMAL_MOVE, [], ["a", "b"]) == (0,) * 8 + (1,) * 8
    assert assigned(MINIMAL_MOVE, ["a"] * 16, []) == ()


def test_an_unknown_assignment_is_refused() -> None:
    with pytest.raises(ValueError, match="no such assignment"):
        assigned("random", [], ["a"])
