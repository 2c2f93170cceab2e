import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.partitions import PARTITIONS, alternating, partition_of


@pytest.mark.parametrize(("key", "counted_from_1"), [(b"k1", 12), (b"k2", 7)])
def test_the_keys_of_the_course_lie_where_the_course_says(key: bytes, counted_from_1: int) -> None:
    assert partition_of(key) + 1 == counted_from_1


@given(st.binary(max_size=300))
def test_a_partition_is_the_first_hex_digit_of_the_md5(key: bytes) -> None:
    assert partition_of(key) == int(hashlib.md5(key, usedforsecurity=False).hexdigest()[0], 16)


@pytest.mark.parametrize(
    ("nodes", "letters"),
    [
        (0, ""),
        (1, "AAAAAAAAAAAAAAAA"),
        (2, "ABABABABABABABAB"),
        (3, "ABCABCABCABCABCA"),
        (4, "ABCDABCDABCDABCD"),
        (5, "ABCDEABCDEABCDEA"),
        (6, "ABCDEFABCDEFABCD"),
        (7, "ABCDEFGABCDEFGAB"),
        (8, "ABCDEFGHABCDEFGH"),
    ],
)
def test_partitions_alternate_over_the_nodes(nodes: int, letters: str) -> None:
    assert "".join("ABCDEFGH"[index] for index in alternating(nodes)) == letters


@given(st.integers(1, 64), st.integers(1, 256))
def test_no_node_serves_two_partitions_more_than_another(nodes: int, partitions: int) -> None:
    assignment = alternating(nodes, partitions)
    served = [assignment.count(index) for index in range(nodes)]
    assert len(assignment) == partitions
    assert max(served) - min(served) <= 1


def test_every_partition_is_reached() -> None:
    assert {partition_of(f"k{number}".encode()) for number in range(1000)} == set(range(PARTITIONS))
