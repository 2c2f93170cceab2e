import hashlib
import threading

import pytest

from chalicelib.domain import fleet, rates, wire
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import NodeError, ObjectsUnavailableError, OverloadedError
from chalicelib.domain.images import Image
from chalicelib.domain.partitions import partition_of
from chalicelib.services.images import no_precondition
from chalicelib.services.read_through import FillPolicy, ReadThrough, Served
from tests.fakes import MemoryNodeCache, MemoryParts, NullStopwatch

DEMO = Principal("demo")
DATA = b"the image's bytes"
POLICY = FillPolicy(poll_seconds=0.05, wait_seconds=1.0)


class Reader:
    """Reads one image that has been put, over fakes."""

    def __init__(self, data: bytes = DATA, policy: FillPolicy = POLICY) -> None:
        self.parts = MemoryParts()
        services = self.parts.services(policy=policy)
        self.image: Image = services.images.put(DEMO, b"k1", data, no_precondition, NullStopwatch()).image
        self.wire_key = wire.wire_key(self.image.object_key)
        self.read_through: ReadThrough = services.images.read_through
        self.parts.steps.taken.clear()
        node = self.parts.fleet_map.node_of(partition_of(b"k1"))
        assert node is not None
        self.node = node
        self.cache: MemoryNodeCache = self.parts.caches.of(node)

    def read(self) -> Served | None:
        return self.read_through.read(self.image, self.parts.fleet_map.version, NullStopwatch())

    def data(self) -> bytes | None:
        served = self.read()
        return None if served is None else bytes(served.data)

    def counted(self) -> dict[str, int]:
        return {name: self.cache.total(name) for name in (rates.REQUESTS, rates.ORIGIN_READS, rates.WAITS)}

    @property
    def origin_reads(self) -> int:
        return self.parts.steps.taken.count("objects.get")


@pytest.fixture
def reader() -> Reader:
    return Reader()


def test_the_first_read_comes_from_the_origin_and_the_next_from_the_node(reader: Reader) -> None:
    assert reader.read() == Served(DATA, 11, None)
    assert reader.read() == Served(DATA, 11, reader.node)
    assert reader.origin_reads == 1
    assert reader.counted() == {"requests": 2, "origin_reads": 1, "waits": 0}


def test_the_value_names_whose_bytes_it_is(reader: Reader) -> None:
    reader.read()
    assert reader.cache.values == {reader.wire_key: wire.wrapped(reader.image.owner_id, reader.image.object_key, DATA)}


def test_of_a_crowd_one_goes_to_the_origin_and_the_others_wait(reader: Reader) -> None:
    crowd = 5
    waiting, all_wait, filled = threading.Semaphore(0), threading.Event(), threading.Event()
    got: list[Served | None] = []

    def wait_for_the_fill(seconds: float) -> None:
        waiting.release()
        assert filled.wait(20)

    def crowd_comes() -> None:
        for thread in threads:
            thread.start()
        for _ in threads:
            assert waiting.acquire(timeout=20)
        all_wait.set()

    threads = [threading.Thread(target=lambda: got.append(reader.read())) for _ in range(crowd)]
    reader.parts.clock.on_sleep = wait_for_the_fill
    reader.parts.steps.before("objects.get", crowd_comes)
    first = reader.read()
    assert all_wait.is_set()
    filled.set()
    for thread in threads:
        thread.join(20)
    assert first == Served(DATA, 11, None)
    assert got == [Served(DATA, 11, reader.node)] * crowd
    assert reader.origin_reads == 1
    assert reader.counted() == {"requests": crowd + 1, "origin_reads": 1, "waits": crowd}


def test_whoever_waits_polls_and_is_served_once_the_fill_is_there(reader: Reader) -> None:
    lease = reader.cache.lease(reader.wire_key)
    assert lease is not None
    value = wire.wrapped(reader.image.owner_id, reader.image.object_key, DATA)

    def fill_at_the_third_poll(seconds: float) -> None:
        if len(reader.parts.clock.slept) == 3:
            lease.fill(value, (), reader.parts.clock.now())

    reader.parts.clock.on_sleep = fill_at_the_third_poll
    assert reader.read() == Served(DATA, 11, reader.node)
    assert reader.parts.clock.slept == [POLICY.poll_seconds] * 3
    assert reader.counted() == {"requests": 1, "origin_reads": 0, "waits": 1}


def test_a_released_lease_is_taken_by_one_who_waits(reader: Reader) -> None:
    lease = reader.cache.lease(reader.wire_key)
    assert lease is not None
    reader.parts.clock.on_sleep = lambda seconds: lease.release()
    assert reader.read() == Served(DATA, 11, None)
    assert reader.read() == Served(DATA, 11, reader.node)
    assert reader.counted() == {"requests": 2, "origin_reads": 1, "waits": 1}


def test_nobody_waits_longer_than_the_policy_for_a_holder_that_died(reader: Reader) -> None:
    reader.cache.lease(reader.wire_key)
    assert reader.read() == Served(DATA, 11, None)
    assert 1.0 <= sum(reader.parts.clock.slept) < 1.2
    assert reader.counted() == {"requests": 1, "origin_reads": 1, "waits": 1}
    reader.parts.clock.advance(5)
    assert reader.read() == Served(DATA, 11, None)
    assert reader.read() == Served(DATA, 11, reader.node)


@pytest.mark.parametrize("step", ["node.get", "node.lease", "node.fill", "node.count"])
@pytest.mark.parametrize("after", [False, True])
def test_a_node_that_fails_at_any_step_is_not_needed(reader: Reader, step: str, after: bool) -> None:
    reader.parts.steps.fail(step, NodeError("no"), after=after)
    assert reader.data() == DATA
    assert reader.data() == DATA


def test_a_node_that_is_down_costs_an_origin_read_each(reader: Reader) -> None:
    reader.cache.down = True
    for _ in range(3):
        assert reader.read() == Served(DATA, 11, None)
    assert reader.origin_reads == 3
    assert reader.parts.clock.slept == []


def test_a_node_that_fails_while_one_waits_is_not_needed(reader: Reader) -> None:
    reader.cache.lease(reader.wire_key)

    def die(seconds: float) -> None:
        reader.cache.down = True

    reader.parts.clock.on_sleep = die
    assert reader.read() == Served(DATA, 11, None)
    assert len(reader.parts.clock.slept) == 1


def test_only_the_keys_own_node_is_asked(reader: Reader) -> None:
    reader.cache.down = True
    reader.read()
    others = [cache for node, cache in reader.parts.caches.nodes.items() if node != reader.node]
    assert all(not cache.values for cache in others)


def test_bytes_of_another_object_are_a_miss(reader: Reader) -> None:
    reader.cache.store(reader.wire_key, wire.wrapped(reader.image.owner_id, "originals/another", b"another's"))
    assert reader.read() == Served(DATA, 11, None)
    assert reader.counted() == {"requests": 1, "origin_reads": 1, "waits": 0}


@pytest.mark.parametrize("value", [b"", b"x", b"E1", DATA])
def test_bytes_that_nobody_wrapped_are_a_miss(reader: Reader, value: bytes) -> None:
    reader.cache.store(reader.wire_key, value)
    assert reader.read() == Served(DATA, 11, None)


def test_an_object_that_is_gone_is_none_and_frees_the_lease(reader: Reader) -> None:
    reader.parts.objects.stored.clear()
    assert reader.read() is None
    assert reader.cache.values == {}
    assert reader.counted() == {"requests": 1, "origin_reads": 1, "waits": 0}


def test_an_object_that_is_gone_is_none_without_a_node_too(reader: Reader) -> None:
    reader.parts.objects.stored.clear()
    reader.cache.down = True
    assert reader.read() is None


@pytest.mark.parametrize("down", [False, True])
def test_bytes_that_are_not_those_that_were_stored_are_never_shown(reader: Reader, down: bool) -> None:
    reader.cache.down = down
    reader.parts.objects.stored[reader.image.object_key] = (DATA[:-1] + b"X", "image/png")
    with pytest.raises(ObjectsUnavailableError):
        reader.read()
    assert reader.cache.values == {}


def test_an_origin_that_does_not_answer_frees_the_lease(reader: Reader) -> None:
    reader.parts.steps.fail("objects.get", ObjectsUnavailableError("no"))
    with pytest.raises(ObjectsUnavailableError):
        reader.read()
    assert reader.cache.values == {}
    assert reader.data() == DATA
    assert reader.parts.clock.slept == []


def test_a_cached_image_needs_no_origin(reader: Reader) -> None:
    reader.read()
    reader.parts.steps.stop("objects", ObjectsUnavailableError("no"))
    assert reader.data() == DATA


def test_an_image_too_large_for_a_node_goes_past_it() -> None:
    size = 10_000
    fits, too_large = (
        Reader(b"x" * size, FillPolicy(item_bytes=item_bytes)) for item_bytes in (size + 1000, size + 500)
    )
    for reader in (fits, too_large):
        assert reader.data() == b"x" * size
    assert "node.get" in fits.parts.steps.taken
    assert [step for step in too_large.parts.steps.taken if step.startswith("node")] == ["node.count"]


def test_an_empty_fleet_reads_from_the_origin(reader: Reader) -> None:
    reader.parts.store.fleet_map = fleet.with_nodes(reader.parts.fleet_map, [])
    assert reader.read() == Served(DATA, 11, None)


def test_a_node_of_a_newer_map_is_asked_once_the_row_tells_its_version(reader: Reader) -> None:
    reader.read()
    other = fleet.Node("node-c", "10.0.0.3", 11211)
    reader.parts.store.fleet_map = fleet.with_nodes(reader.parts.fleet_map, [other])
    assert reader.read() == Served(DATA, 11, None)
    assert reader.read() == Served(DATA, 11, other)


def test_the_sum_is_of_the_stored_bytes(reader: Reader) -> None:
    assert reader.image.sha256 == hashlib.sha256(DATA).digest()


def test_one_origin_read_is_one_miss_over_any_history() -> None:
    reader = Reader()
    for number in range(20):
        if number % 3 == 0:
            reader.cache.restart()
        if number % 7 == 0:
            reader.cache.lease(reader.wire_key)
        before = reader.origin_reads, reader.cache.total(rates.ORIGIN_READS)
        reader.read()
        assert reader.origin_reads - before[0] == reader.cache.total(rates.ORIGIN_READS) - before[1]


def test_an_origin_that_fails_was_a_miss_all_the_same(reader: Reader) -> None:
    reader.parts.steps.fail("objects.get", ObjectsUnavailableError("no"))
    with pytest.raises(ObjectsUnavailableError):
        reader.read()
    assert reader.counted() == {"requests": 1, "origin_reads": 1, "waits": 0}


def test_a_node_that_takes_no_lease_counts_a_miss_for_the_request_that_it_counted(reader: Reader) -> None:
    reader.parts.steps.fail("node.lease", NodeError("no room"))
    assert reader.read() == Served(DATA, 11, None)
    assert reader.counted() == {"requests": 1, "origin_reads": 1, "waits": 0}


def test_a_cached_read_takes_one_trip_to_its_node(reader: Reader) -> None:
    reader.read()
    reader.parts.steps.taken.clear()
    reader.read()
    assert reader.parts.steps.taken == ["node.count", "node.get"]  # which a real node does in one


def test_no_more_readers_than_allowed_are_at_the_origin_at_once() -> None:
    reader = Reader(policy=FillPolicy(origin_at_once=2, origin_wait_seconds=0.01))
    reader.parts.store.fleet_map = fleet.with_nodes(reader.parts.fleet_map, [])
    reader.read()
    inside, may_go = threading.Semaphore(0), threading.Event()
    got: list[bytes | None] = []

    def stay() -> None:
        inside.release()
        assert may_go.wait(20)

    reader.parts.steps.gate = stay
    threads = [threading.Thread(target=lambda: got.append(reader.data())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert inside.acquire(timeout=20)
    with pytest.raises(OverloadedError):
        reader.read()
    may_go.set()
    for thread in threads:
        thread.join(20)
    assert got == [DATA, DATA]
    assert reader.data() == DATA  # their turns were given back


def test_a_turn_at_the_origin_is_given_back_after_an_error() -> None:
    reader = Reader(policy=FillPolicy(origin_at_once=1, origin_wait_seconds=0.01))
    for _ in range(2):
        reader.parts.steps.fail("objects.get", ObjectsUnavailableError("no"))
        with pytest.raises(ObjectsUnavailableError, match="no"):
            reader.read()
    assert reader.data() == DATA
