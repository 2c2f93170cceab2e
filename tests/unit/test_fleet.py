import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import fleet
from chalicelib.domain.fleet import (
    MOST_PREVIOUS,
    FleetMap,
    Node,
    forgetting,
    from_json,
    moved,
    settled,
    to_json,
    with_nodes,
)
from chalicelib.domain.partitions import PARTITIONS, alternating

NODES = st.lists(
    st.builds(Node, id=st.text(min_size=1), address=st.text(), port=st.integers(1, 65535)),
    unique_by=lambda node: node.id,
    max_size=9,
)
A, B, C = (Node(name, f"10.0.0.{number}", 11211) for number, name in enumerate("abc", start=1))


def test_an_empty_fleet_serves_nothing() -> None:
    assert all(fleet.EMPTY.node_of(partition) is None for partition in range(PARTITIONS))


def test_a_partition_is_served_by_its_node() -> None:
    two = with_nodes(fleet.EMPTY, [A, B])
    assert two.node_of(11) == B
    assert two.node_of(6) == A
    assert two.route(b"k1") == (11, B, ())
    assert two.route(b"k2") == (6, A, ())
    assert two.partitions_of(A) == (0, 2, 4, 6, 8, 10, 12, 14)


@given(NODES)
def test_every_partition_has_exactly_one_node(nodes: list[Node]) -> None:
    fleet_map = with_nodes(fleet.EMPTY, nodes)
    served = sorted(partition for node in nodes for partition in fleet_map.partitions_of(node))
    assert served == (list(range(PARTITIONS)) if nodes else [])
    assert all(fleet_map.node_of(partition) in nodes for partition in served)


def test_a_change_counts_the_version_up_and_no_change_does_not() -> None:
    one = with_nodes(fleet.EMPTY, [A])
    assert one.version == 1
    assert with_nodes(one, [A]) is one
    assert with_nodes(one, [B]).version == 2
    assert with_nodes(one, []) == FleetMap(2, (), ())


def grown(current: FleetMap, nodes: list[Node], at: float = 0.0, gone: tuple[str, ...] = ()) -> FleetMap:
    return moved(current, nodes, alternating(len(nodes)), at, gone)


def test_a_partition_that_moves_remembers_where_it_was() -> None:
    two = grown(with_nodes(fleet.EMPTY, [A]), [A, B], at=60.0)
    assert two.route(b"k1") == (11, B, (A,))
    assert two.route(b"k2") == (6, A, ())
    assert two.moving == (1, 3, 5, 7, 9, 11, 13, 15)
    assert (two.leaving, two.named) == ((), (A, B))
    assert (two.joined_at, two.moved_at) == ((0.0, 60.0), 60.0)


def test_resizes_in_a_row_remember_every_node_on_the_way_nearest_first() -> None:
    three = grown(grown(with_nodes(fleet.EMPTY, [A]), [A, B]), [A, B, C])
    assert three.route(b"k1") == (11, C, (B, A))
    back = grown(three, [A])
    assert back.route(b"k1") == (11, A, (C, B))
    assert back.leaving == (C, B) or back.leaving == (B, C)
    assert settled(back).leaving == ()


def test_a_chain_has_an_end() -> None:
    nodes = [Node(str(number), f"10.0.0.{number}", 11211) for number in range(9)]
    current = fleet.EMPTY
    for node in nodes:
        current = grown(current, [node])
    assert current.route(b"k1")[2] == tuple(reversed(nodes[:-1]))[:MOST_PREVIOUS]


def test_nodes_that_are_gone_are_asked_no_more() -> None:
    replaced = grown(with_nodes(fleet.EMPTY, [A, B]), [A, C], gone=("b",))
    assert replaced.previous == ()
    shrunk = grown(with_nodes(fleet.EMPTY, [A, B]), [A])
    assert forgetting(shrunk, ["b"]) == settled(shrunk)
    assert forgetting(shrunk, ["c"]) is shrunk
    assert grown(shrunk, [A], gone=("b",)) == settled(shrunk)


def test_a_map_without_a_handoff_has_nothing_to_settle() -> None:
    one = with_nodes(fleet.EMPTY, [A])
    assert settled(one) is one
    assert grown(one, [A]) is one
    assert grown(fleet.EMPTY, [A, B]).previous == ()


@given(st.lists(NODES, max_size=4), st.floats(0, 2e9))
def test_a_map_in_a_handoff_is_read_as_it_was_stored(walk: list[list[Node]], at: float) -> None:
    current = fleet.EMPTY
    for nodes in walk:
        current = grown(current, nodes, at)
    assert from_json(current.version, to_json(current)) == current


def test_the_same_address_under_another_id_is_another_node() -> None:
    one = with_nodes(fleet.EMPTY, [A])
    assert with_nodes(one, [Node("later", A.address, A.port)]).version == 2


def test_order_matters() -> None:
    assert with_nodes(with_nodes(fleet.EMPTY, [A, B]), [B, A]).version == 2


@given(NODES, st.integers(0, 2**63))
def test_a_map_is_read_as_it_was_stored(nodes: list[Node], version: int) -> None:
    stored = FleetMap(version, tuple(nodes), with_nodes(fleet.EMPTY, nodes).assignment)
    assert from_json(version, to_json(stored)) == stored


def test_a_body_of_another_shape_is_an_error() -> None:
    for body in ("", "{}", '{"nodes": []}', json.dumps({"nodes": [{"id": "a"}], "assignment": []})):
        with pytest.raises((KeyError, ValueError)):
            from_json(1, body)
