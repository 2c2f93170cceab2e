import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import fleet
from chalicelib.domain.fleet import FleetMap, Node, from_json, to_json, with_nodes
from chalicelib.domain.partitions import PARTITIONS

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
    assert two.route(b"k1") == (11, B)
    assert two.route(b"k2") == (6, A)
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
