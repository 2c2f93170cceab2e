"""Which objects go, how much, and what orders mean."""

import random
import secrets

import pytest

from nodes.agent.orders import LRU, MEGABYTE, RR, Orders, agent_keeps, memory_limit_mb, read
from nodes.agent.trimming import Candidates, Held, drawn, excess_bytes, is_fresh, oldest, target_bytes

DEFAULT = Orders(64 * MEGABYTE, LRU)
ITEM = 8 * MEGABYTE


def held(count: int) -> list[Held]:
    """Objects of 100 bytes, the higher the number the more recently used."""
    return [Held(b"i:%d" % number, number, 100) for number in range(count)]


@pytest.mark.parametrize(
    "body",
    [None, b"", b"{", b"[]", b"{}", b"\xff", b'{"capacity_bytes": 0, "policy": "LRU"}',
     b'{"capacity_bytes": 5, "policy": "FIFO"}', b'{"capacity_bytes": null, "policy": "RR"}',
     b'{"capacity_bytes": Infinity, "policy": "RR"}'],
)  # fmt: skip
def test_orders_that_make_no_sense_change_nothing(body: bytes | None) -> None:
    assert read(body, DEFAULT) == DEFAULT


def test_orders_are_read() -> None:
    assert read(b'{"capacity_bytes": 3145728, "policy": "RR"}', DEFAULT) == Orders(3 * MEGABYTE, RR)


def test_memcached_keeps_lru_capacities_that_it_accepts() -> None:
    assert memory_limit_mb(DEFAULT, ITEM) == 64
    assert not agent_keeps(DEFAULT, ITEM)


@pytest.mark.parametrize("orders", [Orders(3 * MEGABYTE, LRU), Orders(3 * MEGABYTE, RR), Orders(64 * MEGABYTE, RR)])
def test_the_agent_keeps_what_memcached_cannot(orders: Orders) -> None:
    assert memory_limit_mb(orders, ITEM) >= 16  # twice the largest item
    assert memory_limit_mb(orders, ITEM) * MEGABYTE > orders.capacity_bytes
    assert agent_keeps(orders, ITEM)


def test_nothing_goes_while_there_is_room_for_what_comes() -> None:
    assert excess_bytes(900, 1000, growth_bytes=100) == 0
    assert excess_bytes(901, 1000, growth_bytes=100) == 901 - target_bytes(1000, 100) == 101


def test_the_room_made_never_exceeds_half_the_capacity() -> None:
    assert target_bytes(1000, growth_bytes=10_000) == 500


def test_lru_takes_the_longest_unused() -> None:
    shuffled = random.Random(1).sample(held(50), 50)
    assert [one.used_at for one in oldest(shuffled, 250)] == [0, 1, 2]


def test_random_victims_are_as_often_young_as_old() -> None:
    seed = secrets.randbits(32)
    print("seed", seed)
    source = random.Random(seed)
    counts = [0] * 100
    for _ in range(2000):
        for one in drawn(held(100), 1000, source):  # 10 of 100
            counts[one.used_at] += 1
    # 200 each, with a deviation of 13.4: beyond six of them once in ten million runs.
    assert all(abs(count - 200) < 81 for count in counts), counts
    assert abs(sum(counts[:50]) - 10_000) < 600
    assert sum(counts) == 20_000


def test_victims_leave_the_list_and_no_more_are_taken_than_are_needed() -> None:
    candidates = Candidates(held(10))
    taken = candidates.take(RR, 250, random.Random(3))
    assert len(taken) == 3
    assert {one.key for one in candidates.held} == {one.key for one in held(10)} - {one.key for one in taken}
    assert len(candidates.take(RR, 10_000, random.Random(3))) == 7
    assert candidates.held == []


def test_a_list_grows_old_with_what_was_stored_since() -> None:
    assert is_fresh(100, 10)
    assert not is_fresh(100, 11)
    assert not is_fresh(0, 1)
