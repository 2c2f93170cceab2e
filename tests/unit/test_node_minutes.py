"""What a closed minute comes to, and that the names are the application's own."""

from dataclasses import fields, replace

import pytest

from chalicelib.adapters import memcached, memcached_admin
from chalicelib.domain import decisions, rates
from nodes.agent import minutes, node, orders, publishing
from nodes.agent.minutes import Stats, count_keys, due_minutes, evicted_between, kept, metrics, parsed, totals
from scaler import cloudwatch

STATS = Stats(pid=7, started=600, items=3, bytes=900, limit_bytes=1 << 26, evictions=5, stored=40, connections=4)


def test_names_are_the_applications() -> None:
    told = metrics(totals(1, {}), STATS, objects=1, object_bytes=2, evictions=3, capacity_bytes=4)
    assert told.keys() == cloudwatch.METRICS.keys()
    assert set(cloudwatch.METRICS.values()) == {one.name for one in fields(decisions.Sample)} - {"node_id", "minute"}
    assert publishing.NAMESPACE == cloudwatch.NAMESPACE
    assert set(minutes.COUNTS.values()) == {rates.REQUESTS, rates.ORIGIN_READS, rates.COPIES, rates.OVERSIZE}
    assert minutes.SLOT_SECONDS == rates.SLOT_SECONDS
    assert minutes.MINUTE_SECONDS == decisions.MINUTE_SECONDS
    assert minutes.CATCH_UP_MINUTES * 60 < memcached.COUNT_SECONDS
    assert (orders.ORDERS_KEY, orders.NAME_KEY) == (memcached_admin.ORDERS_KEY, memcached_admin.NAME_KEY)
    keys = {memcached._count_key(name, slot) for name in minutes.COUNTS.values() for slot in range(60, 66)}
    assert set(count_keys(10)) == keys
    assert node._LINE.findall(
        b"key=i%3Aa exp=-1 la=5 cas=1 fetch=no cls=9 size=70\nkey=n%3Aa exp=9 la=5 cas=1 size=7\n"
    )


def test_a_minute_is_the_sum_of_its_slots_and_no_others() -> None:
    values = {b"n:requests:60": b"5", b"n:requests:65": b"7", b"n:requests:66": b"90", b"n:origin_reads:61": b"2"}
    assert totals(10, values) == {"Requests": 12, "Misses": 2, "Copies": 0, "Oversize": 0, "Hits": 10}


def test_more_misses_than_requests_are_no_negative_hits() -> None:
    assert totals(10, {b"n:requests:60": b"1", b"n:origin_reads:60": b"2"})["Hits"] == 0


def test_a_count_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        totals(10, {b"n:requests:60": b"many"})


@pytest.mark.parametrize(
    ("before", "after", "evicted"),
    [
        (None, STATS, 0),
        (STATS, replace(STATS, evictions=9), 4),
        (STATS, STATS, 0),
        (STATS, replace(STATS, pid=8, evictions=2), 2),  # started again
        (STATS, replace(STATS, pid=8, evictions=6), 6),
        (STATS, replace(STATS, evictions=1), 1),  # the same pid came again, or counters were set back
    ],
)
def test_evictions_are_a_delta_and_never_negative(before: Stats | None, after: Stats, evicted: int) -> None:
    assert evicted_between(before, after) == evicted


def test_a_minute_is_due_three_seconds_after_it_closed() -> None:
    assert list(due_minutes(now=662.9, grace_seconds=3, told=9, started=0)) == []
    assert list(due_minutes(now=663.0, grace_seconds=3, told=9, started=0)) == [10]


def test_a_new_agent_tells_minutes_of_this_memcached_only_and_no_more_than_are_known() -> None:
    assert list(due_minutes(now=6063.0, grace_seconds=3, told=None, started=5990)) == [99, 100]
    assert list(due_minutes(now=6063.0, grace_seconds=3, told=97, started=6050)) == [100]  # what it counted is lost
    assert list(due_minutes(now=6063.0, grace_seconds=3, told=None, started=0)) == list(range(93, 101))
    assert list(due_minutes(now=6063.0, grace_seconds=3, told=None, started=6061)) == []


def test_minutes_that_waited_too_long_are_dropped() -> None:
    assert kept([1, 12, 20, 13], newest=20) == [13, 20]


def test_stats_are_read_whatever_type_the_client_gives() -> None:
    told = {
        b"pid": 7, b"time": b"1000", b"uptime": "400", b"curr_items": 3, b"bytes": 900, b"limit_maxbytes": 1 << 26,
        b"evictions": 5, b"total_items": 40, b"curr_connections": 4,
    }  # fmt: skip
    assert parsed(told) == STATS
    with pytest.raises(KeyError):
        parsed({b"pid": 7})
    with pytest.raises(ValueError, match="no number"):
        parsed({**told, b"bytes": None})
