"""NodeCache: the same suite over the fake and over a real memcached."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.adapters.memcached import NodePolicy
from chalicelib.domain import rates, wire
from chalicelib.domain.fleet import Node
from chalicelib.domain.ports import Lease, NodeCache
from tests.contract.conftest import CacheOf
from tests.contract.real_parts import Memcached
from tests.fakes import ManualClock, MemoryNodeCache, Steps

LEASE_SECONDS = 1
ITEM_BYTES = 1 << 20
OWNER, OBJECT_KEY = b"\x01" * 16, "originals/a"
KEY, OTHER_KEY = wire.wire_key(OBJECT_KEY), wire.wire_key("originals/b")
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class CacheUnderTest:
    """`let_leases_end` returns once leases granted before have run out."""

    cache: NodeCache
    let_leases_end: Callable[[], None]


@pytest.fixture(params=["memory", "memcached"])
def under_test(request: pytest.FixtureRequest) -> CacheUnderTest:
    if request.param == "memory":
        clock = ManualClock()
        fake = MemoryNodeCache(Node("a", "127.0.0.1", 1), clock, Steps(), LEASE_SECONDS, ITEM_BYTES)
        return CacheUnderTest(fake, lambda: clock.advance(LEASE_SECONDS))
    memcached: Memcached = request.getfixturevalue("memcached")
    cache_of: CacheOf = request.getfixturevalue("cache_of")
    real = cache_of(memcached.node, NodePolicy(timeout_seconds=2.0, lease_seconds=LEASE_SECONDS))
    return CacheUnderTest(real, lambda: _until(lambda: real.get(KEY) is None))


def _until(condition: Callable[[], bool], timeout_seconds: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def cache(under_test: CacheUnderTest) -> NodeCache:
    return under_test.cache


def granted(cache: NodeCache, key: bytes = KEY) -> Lease:
    lease = cache.lease(key)
    assert lease is not None
    return lease


def test_nothing_is_there_at_first(cache: NodeCache) -> None:
    assert cache.get(KEY) is None


def test_a_lease_leaves_a_placeholder_until_it_is_filled(cache: NodeCache) -> None:
    lease = granted(cache)
    assert cache.get(KEY) == wire.PLACEHOLDER
    lease.fill(b"value", (), NOON)
    assert cache.get(KEY) == b"value"


@pytest.mark.parametrize("value", [b"", b"\r\nEND\r\n", bytes(range(256)) * 4, b"x" * (ITEM_BYTES - 2048)])
def test_any_bytes_are_given_back_as_they_were(cache: NodeCache, value: bytes) -> None:
    granted(cache).fill(value, (), NOON)
    assert cache.get(KEY) == value
    assert cache.get(OTHER_KEY) is None


def test_nobody_else_is_given_a_lease_while_one_is_held_or_a_value_is_there(cache: NodeCache) -> None:
    lease = granted(cache)
    assert cache.lease(KEY) is None
    assert cache.lease(OTHER_KEY) is not None
    lease.fill(b"value", (), NOON)
    assert cache.lease(KEY) is None


def test_of_many_at_once_one_is_given_the_lease(cache: NodeCache) -> None:
    readers = 8
    for _ in range(10):
        start, outcomes = threading.Barrier(readers), list[Lease | None]()

        def read(start: threading.Barrier = start, outcomes: list[Lease | None] = outcomes) -> None:
            start.wait(20)
            outcomes.append(cache.lease(KEY))

        threads = [threading.Thread(target=read) for _ in range(readers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        leases = [lease for lease in outcomes if lease is not None]
        assert (len(outcomes), len(leases)) == (readers, 1)
        leases[0].release()


def test_a_released_lease_leaves_nothing(cache: NodeCache) -> None:
    granted(cache).release()
    assert cache.get(KEY) is None
    assert cache.lease(KEY) is not None


def test_a_lease_runs_out(under_test: CacheUnderTest) -> None:
    late = granted(under_test.cache)
    under_test.let_leases_end()
    assert under_test.cache.get(KEY) is None
    late.fill(b"late", (), NOON)
    assert under_test.cache.get(KEY) is None


def test_a_late_fill_leaves_the_next_ones_lease_alone(under_test: CacheUnderTest) -> None:
    late = granted(under_test.cache)
    under_test.let_leases_end()
    following = granted(under_test.cache)
    late.fill(b"late", (), NOON)
    assert under_test.cache.get(KEY) == wire.PLACEHOLDER
    following.fill(b"value", (), NOON)
    assert under_test.cache.get(KEY) == b"value"


def test_a_late_release_leaves_the_next_ones_value_alone(under_test: CacheUnderTest) -> None:
    late = granted(under_test.cache)
    under_test.let_leases_end()
    granted(under_test.cache).fill(b"value", (), NOON)
    late.release()
    assert under_test.cache.get(KEY) == b"value"


def test_a_fill_after_a_removal_stores_nothing(cache: NodeCache) -> None:
    lease = granted(cache)
    cache.remove([KEY])
    lease.fill(b"value", (), NOON)
    assert cache.get(KEY) is None


def test_removing_leaves_the_others(cache: NodeCache) -> None:
    granted(cache).fill(b"value", (), NOON)
    granted(cache, OTHER_KEY).fill(b"other", (), NOON)
    cache.remove([KEY, wire.wire_key("originals/never")])
    assert cache.get(KEY) is None
    assert cache.get(OTHER_KEY) == b"other"


def test_a_thousand_removals_at_once(cache: NodeCache) -> None:
    keys = [wire.wire_key(f"originals/{number}") for number in range(1000)]
    for key in keys[::100]:
        granted(cache, key).fill(b"value", (), NOON)
    cache.remove(keys)
    assert all(cache.get(key) is None for key in keys[::100])


def test_a_value_too_large_for_the_node_is_not_stored_and_does_no_harm(cache: NodeCache) -> None:
    granted(cache).fill(b"x" * (ITEM_BYTES + 1), (), NOON)
    assert cache.get(KEY) in (None, wire.PLACEHOLDER)
    granted(cache, OTHER_KEY).fill(b"value", (), NOON)
    assert cache.get(OTHER_KEY) == b"value"


def test_a_fill_counts_in_the_same_trip(cache: NodeCache) -> None:
    granted(cache).fill(b"value", [rates.ORIGIN_READS, rates.WAITS], NOON)
    assert cache.get(KEY) == b"value"
    slots = [rates.slot_of(NOON.timestamp())]
    assert cache.counts([rates.ORIGIN_READS, rates.WAITS], slots) == {"origin_reads": 1, "waits": 1}


def test_counts_add_up_over_the_slots_asked_for(cache: NodeCache) -> None:
    before, now, after = (NOON + timedelta(seconds=rates.SLOT_SECONDS * number) for number in (-1, 0, 1))
    for _ in range(3):
        cache.count([rates.REQUESTS, rates.ORIGIN_READS], now)
    cache.count([rates.REQUESTS], before)
    cache.count([rates.WAITS], after)
    slot = rates.slot_of(NOON.timestamp())
    names = (rates.REQUESTS, rates.ORIGIN_READS, rates.WAITS)
    assert cache.counts(names, [slot]) == {"requests": 3, "origin_reads": 3, "waits": 0}
    assert cache.counts(names, [slot - 1, slot]) == {"requests": 4, "origin_reads": 3, "waits": 0}
    assert cache.counts(names, [slot + 5]) == {"requests": 0, "origin_reads": 0, "waits": 0}


def test_a_counted_look_answers_and_counts_whether_or_not_the_value_is_there(cache: NodeCache) -> None:
    assert cache.get_counted(KEY, [rates.REQUESTS], NOON) is None
    granted(cache).fill(b"value", (), NOON)
    assert cache.get_counted(KEY, [rates.REQUESTS, rates.WAITS], NOON) == b"value"
    assert cache.get_counted(KEY, [], NOON) == b"value"
    slot = rates.slot_of(NOON.timestamp())
    names = (rates.REQUESTS, rates.ORIGIN_READS, rates.WAITS)
    assert cache.counts(names, [slot]) == {"requests": 2, "origin_reads": 0, "waits": 1}


@pytest.mark.parametrize("size", [0, 1, 4000, 4096, 5000, 100_000, ITEM_BYTES - 2048])
def test_values_of_any_size_are_whole(cache: NodeCache, size: int) -> None:
    value = bytes(range(256)) * (size // 256) + b"\r\nEND\r\n" * 40
    granted(cache).fill(value[-size:] if size else b"", (), NOON)
    assert cache.get_counted(KEY, [rates.REQUESTS], NOON) == (value[-size:] if size else b"")


def test_a_count_of_one_name_twice_counts_two(cache: NodeCache) -> None:
    cache.count([rates.REQUESTS, rates.REQUESTS], NOON)
    assert cache.counts([rates.REQUESTS], [rates.slot_of(NOON.timestamp())]) == {"requests": 2}


def test_counts_from_many_at_once_are_all_there(cache: NodeCache) -> None:
    def count_twenty() -> None:
        for _ in range(20):
            cache.count([rates.REQUESTS], NOON)

    threads = [threading.Thread(target=count_twenty) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert cache.counts([rates.REQUESTS], [rates.slot_of(NOON.timestamp())]) == {"requests": 100}
