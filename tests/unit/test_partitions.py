import hashlib
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import partitions
from chalicelib.domain.partitions import PARTITIONS, alternating, partition_of, router


@pytest.mark.parametrize(("key", "counted_from_1"), [(b"k1", 12), (b"k2", 7)])
def test_the_keys_of_the_course_lie_where_the_course_says(key: bytes, counted_from_1: int) -> None:
    assert partition_of(key) + 1 == counted_from_1


@given(st.binary(max_size=300))
def test_a_partition_is_the_first_hex_digit_of_the_md5(key: bytes) -> None:
    assert partition_of(key) == int(hashlib.md5(key, usedforsecurity=False).hexdigest()[0], 16)


@given(st.binary(max_size=300))
def test_a_python_without_its_own_md5_has_the_same_partitions(key: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "_md5", None)  # importing it fails
        without = ModuleType("without")
        exec(Path(partitions.__file__).read_text(encoding="utf-8"), vars(without))  # noqa: S102
    assert without.md5 is not partitions.md5
    assert without.partition_of(key) == partition_of(key)


def test_a_router_wants_an_entry_for_each_partition() -> None:
    with pytest.raises(ValueError, match="15 entries"):
        router(range(15))


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
