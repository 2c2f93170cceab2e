import pytest

from chalicelib.domain.assignments import ALTERNATING, MINIMAL_MOVE
from chalicelib.domain.decisions import Sample
from chalicelib.domain.fleet import EMPTY, FleetMap, Node, moved, with_nodes
from chalicelib.domain.partitions import alternating
from scaler.resize import CEILING_SECONDS, LEAST_REQUESTS, handoff_over, next_map, saves_nothing

A, B, C, D = (Node(name, f"10.0.0.{number}", 11211) for number, name in enumerate("abcd"))
MOVED_AT = 600.0


def grown() -> FleetMap:
    """From A to A and B at the start of minute 10."""
    return moved(with_nodes(EMPTY, [A]), [A, B], alternating(2), MOVED_AT)


def sample(node: Node, minute: int, requests: int = 1000, misses: int = 100, copies: int = 0) -> Sample:
    return Sample(node.id, minute, requests, requests - misses, misses, copies)


def over(
    *samples: Sample, fleet_map: FleetMap | None = None, now: float = 900.0, failing: tuple[str, ...] = ()
) -> bool:
    return handoff_over(fleet_map or grown(), samples, failing, now, CEILING_SECONDS) is not None


def test_a_fleet_grows_by_what_answers_and_no_further_than_its_target() -> None:
    assert next_map(with_nodes(EMPTY, [A]), [B, C, D], 3, ALTERNATING, 1.0).nodes == (A, B, C)
    assert next_map(with_nodes(EMPTY, [A]), [B], 3, ALTERNATING, 1.0).nodes == (A, B)
    assert next_map(EMPTY, [], 3, ALTERNATING, 1.0) is EMPTY


def test_a_fleet_shrinks_by_those_that_came_last_and_by_those_that_fail_first() -> None:
    assert next_map(with_nodes(EMPTY, [A, B, C]), [], 2, ALTERNATING, 1.0).nodes == (A, B)
    assert next_map(with_nodes(EMPTY, [A, B, C]), [], 2, ALTERNATING, 1.0, gone={"a"}).nodes == (B, C)


def test_a_node_that_is_gone_keeps_its_place_until_a_spare_takes_it() -> None:
    whole = with_nodes(EMPTY, [A, B, C])
    assert next_map(whole, [], 3, ALTERNATING, 1.0, gone={"b"}) is whole
    replaced = next_map(whole, [D], 3, ALTERNATING, 1.0, gone={"b"})
    assert replaced.nodes == (A, D, C)
    assert replaced.previous == ()


def test_a_node_that_is_replaced_while_it_answers_hands_over() -> None:
    replaced = next_map(with_nodes(EMPTY, [A, B]), [C], 2, ALTERNATING, 1.0, replaced={"b"})
    assert (replaced.nodes, replaced.leaving) == ((A, C), (B,))


def test_a_leaving_node_comes_back_before_a_cold_one_is_taken() -> None:
    shrunk = next_map(with_nodes(EMPTY, [A, B]), [], 1, ALTERNATING, 1.0)
    assert next_map(shrunk, [C, B], 2, ALTERNATING, 2.0).nodes == (A, B)


def test_the_minimal_move_assignment_moves_a_nodes_share() -> None:
    four = next_map(EMPTY, [A, B, C, D], 4, MINIMAL_MOVE, 1.0)
    assert len(next_map(four, [Node("e", "10.0.0.9", 11211)], 5, MINIMAL_MOVE, 2.0).moving) == 3


def test_without_a_handoff_none_is_over() -> None:
    assert not over(sample(A, 11), sample(B, 11), fleet_map=with_nodes(EMPTY, [A, B]))


def test_a_handoff_is_over_when_a_whole_minute_saved_nothing() -> None:
    assert over(sample(A, 11), sample(B, 11))
    assert not over(sample(A, 11), sample(B, 11, copies=40))


def test_the_newest_whole_minute_that_all_reported_decides() -> None:
    assert over(sample(A, 10, copies=40), sample(B, 10), sample(A, 11), sample(B, 11))
    assert not over(sample(A, 10, copies=40), sample(B, 10), sample(A, 11))
    assert not over(sample(A, 9), sample(B, 9))  # it began before partitions moved


def test_minutes_of_few_requests_are_looked_at_together() -> None:
    few = [sample(node, minute, LEAST_REQUESTS // 4, 0) for minute in (11, 12) for node in (A, B)]
    assert not over(*few[:2])
    assert over(*few)
    assert not over(*few[2:], sample(A, 11, LEAST_REQUESTS // 4, 0), sample(B, 11, LEAST_REQUESTS // 4, 0, copies=9))


def test_a_minute_without_requests_says_nothing() -> None:
    assert not over(sample(A, 11, 0, 0), sample(B, 11, 0, 0))


def test_while_a_serving_node_fails_nobody_can_tell() -> None:
    assert not over(sample(A, 11), failing=("b",))
    assert not over(sample(A, 11), sample(B, 11), failing=("b",))
    assert over(sample(A, 11), sample(B, 11), failing=("of-the-past",))


def test_a_handoff_ends_at_its_ceiling_whatever_is_known() -> None:
    assert over(now=MOVED_AT + CEILING_SECONDS)
    assert not over(now=MOVED_AT + CEILING_SECONDS - 1)


@pytest.mark.parametrize(
    ("requests", "misses", "copies", "nothing"),
    [
        (80_000, 8000, 160, True),
        (80_000, 8000, 161, False),
        (80_000, 0, 80, True),
        (80_000, 0, 81, False),
        (1, 0, 0, True),
    ],
)
def test_what_saves_nothing_is_two_in_a_hundred_origin_reads_or_one_in_a_thousand_requests(
    requests: int, misses: int, copies: int, nothing: bool
) -> None:
    assert saves_nothing(requests, misses, copies) is nothing
