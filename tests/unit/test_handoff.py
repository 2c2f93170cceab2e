"""The handoff: on a miss at the new owner the reader asks the nodes that served the partition before, and copies."""

import pytest

from chalicelib.domain import rates, wire
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import Node, moved
from chalicelib.domain.partitions import partition_of
from chalicelib.services.read_through import FillPolicy, Served
from tests.fakes import MemoryNodeCache
from tests.unit.test_read_through import DATA, Reader

NEW = (Node("node-c", "10.0.0.3", 11211), Node("node-d", "10.0.0.4", 11211))
PARTITION = partition_of(b"k1")


class Handoff(Reader):
    """A cached image whose partition then moved from `node` to a node that is new to the fleet."""

    def __init__(self, resizes: int = 1, data: bytes = DATA, policy: FillPolicy | None = None) -> None:
        super().__init__(data, policy or FillPolicy())
        self.read()
        for number in range(resizes):
            store = self.parts.store
            store.fleet_map = moved(store.fleet_map, NEW[number : number + 1], (0,) * 16, 60.0 * number)
        owner = self.parts.fleet_map.node_of(PARTITION)
        assert owner is not None
        self.old, self.node = self.cache, owner
        self.cache: MemoryNodeCache = self.parts.caches.of(owner)
        self.parts.steps.taken.clear()

    def all_counted(self) -> dict[str, int]:
        names = (*rates.NAMES, rates.copies_of(PARTITION))
        return {name: self.cache.total(name) for name in names if self.cache.total(name)}


@pytest.mark.parametrize("resizes", [1, 2])
def test_a_miss_is_copied_from_where_the_partition_was(resizes: int) -> None:
    handoff = Handoff(resizes)
    served = handoff.read()
    assert served is not None
    assert (bytes(served.data), served.node) == (DATA, handoff.old.node)
    assert handoff.origin_reads == 0
    assert handoff.all_counted() == {"requests": 1, "copies": 1, "copies-11": 1}
    assert handoff.read() == Served(DATA, PARTITION, handoff.node)
    assert handoff.cache.values == {
        handoff.wire_key: wire.wrapped(handoff.image.owner_id, handoff.image.object_key, DATA)
    }


def test_what_no_previous_node_has_comes_from_the_origin() -> None:
    handoff = Handoff()
    handoff.old.remove([handoff.wire_key])
    assert handoff.read() == Served(DATA, PARTITION, None)
    assert handoff.all_counted() == {"requests": 1, "origin_reads": 1}


@pytest.mark.parametrize("held", [wire.PLACEHOLDER, b"", b"E1 of somebody else"])
def test_what_is_not_these_bytes_is_not_copied(held: bytes) -> None:
    handoff = Handoff()
    handoff.old.store(handoff.wire_key, held)
    assert handoff.read() == Served(DATA, PARTITION, None)
    assert handoff.all_counted() == {"requests": 1, "origin_reads": 1}


def test_anothers_bytes_under_this_key_are_not_copied() -> None:
    handoff = Handoff()
    handoff.old.store(handoff.wire_key, wire.wrapped(b"2" * 16, handoff.image.object_key, b"another's"))
    assert handoff.data() == DATA
    assert handoff.origin_reads == 1


def test_a_previous_node_that_is_down_costs_the_copy_and_nothing_else() -> None:
    handoff = Handoff()
    handoff.old.down = True
    assert handoff.read() == Served(DATA, PARTITION, None)
    assert handoff.read() == Served(DATA, PARTITION, handoff.node)


def test_a_new_owner_that_is_down_leaves_the_origin() -> None:
    handoff = Handoff()
    handoff.cache.down = True
    assert handoff.data() == DATA
    assert handoff.origin_reads == 1


def test_a_new_owner_that_takes_no_fill_still_gets_the_reader_served() -> None:
    handoff = Handoff()
    handoff.parts.steps.fail("node.fill", NodeError("no room"))
    assert handoff.data() == DATA
    assert handoff.origin_reads == 0


def test_an_image_too_large_for_a_node_is_counted_apart() -> None:
    policy = FillPolicy(item_bytes=1024)
    large = Reader(b"x" * 1024, policy)
    assert large.data() == b"x" * 1024
    assert {name: large.cache.total(name) for name in rates.NAMES if large.cache.total(name)} == {"oversize": 1}
