"""The agent on a real memcached and the real stand-in for CloudWatch, with the application's own reader at work."""

import hashlib
import random
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.adapters import aws_clients
from chalicelib.adapters.memcached import MemcachedNode, NodePolicy
from chalicelib.adapters.memcached_admin import MemcachedNodeAdmin
from chalicelib.adapters.system_clock import SystemClock
from chalicelib.domain.decisions import Sample
from chalicelib.domain.fleet import EMPTY, moved
from chalicelib.domain.fleet import Node as FleetNode
from chalicelib.domain.images import Image, ImageFacts
from chalicelib.domain.ports import NodeOrders
from chalicelib.services.read_through import FillPolicy, ReadThrough
from nodes.agent.keeping import Keeping
from nodes.agent.node import Node, NodeUnavailableError
from nodes.agent.orders import LRU, MEGABYTE, RR, Orders
from nodes.agent.publishing import CloudWatch, PublishingError
from nodes.agent.reporting import Reporting
from ops.local.ports import free_port
from scaler.cloudwatch import CloudWatchSamples
from tests.contract.conftest import CacheOf
from tests.contract.real_parts import Memcached, Server, state_folder
from tests.fakes import NullStopwatch
from tests.local_cloud import until

ITEM = MEGABYTE
GENEROUS = NodePolicy(timeout_seconds=2.0)
DEFAULT = Orders(64 * MEGABYTE, LRU)


class Told:
    """Keeps what it is told, or refuses."""

    def __init__(self) -> None:
        self.minutes: dict[int, dict[str, int]] = {}
        self.down = False

    def publish(self, minute: int, metrics: dict[str, int]) -> None:
        if self.down:
            raise PublishingError("down")
        self.minutes[minute] = metrics


class At:
    """A clock that stands where it is put."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def node(memcached: Memcached) -> Iterator[Node]:
    with closing(Node(memcached.node.address, memcached.node.port)) as made:
        yield made


@pytest.fixture
def keeping(node: Node) -> Keeping:
    seed = secrets.randbits(32)
    print("seed", seed)
    return Keeping(node, "i-agent", DEFAULT, ITEM, random.Random(seed))


def fill(memcached: Memcached, count: int, size: int = 100_000, first: int = 0) -> None:
    with closing(memcached.client()) as client:
        for number in range(first, first + count):
            assert client.set(f"i:{number}", b"x" * size)


def numbers(node: Node) -> set[int]:
    return {int(one.key[2:]) for one in node.listed()}


def test_the_list_has_objects_only_with_their_bytes(memcached: Memcached, node: Node) -> None:
    with closing(memcached.client()) as client:
        client.set("i:originals/a/b", b"x" * 500)
        client.set("n:requests:1", b"1")
        client.set("c:orders", b"{}")
    (one,) = node.listed()
    assert one.key == b"i:originals/a/b"
    assert 500 < one.size < 700
    assert abs(one.used_at - time.time()) < 30


def test_orders_are_followed_without_emptying_the_node(memcached: Memcached, node: Node, keeping: Keeping) -> None:
    fill(memcached, 5)
    MemcachedNodeAdmin(memcached.node).tell(NodeOrders(128 * MEGABYTE, LRU))
    keeping.follow_orders()
    assert keeping.orders == Orders(128 * MEGABYTE, LRU)
    assert node.stats().limit_bytes == 128 * MEGABYTE
    assert numbers(node) == set(range(5))


def test_orders_that_were_lost_stay_in_force(memcached: Memcached, keeping: Keeping) -> None:
    MemcachedNodeAdmin(memcached.node).tell(NodeOrders(3 * MEGABYTE, RR))
    keeping.follow_orders()
    with closing(memcached.client()) as client:
        client.delete("c:orders")
    keeping.follow_orders()
    assert keeping.orders == Orders(3 * MEGABYTE, RR)


@pytest.mark.parametrize("policy", [LRU, RR])
def test_three_megabytes_are_kept_over_a_larger_process(
    memcached: Memcached, node: Node, keeping: Keeping, policy: str
) -> None:
    with closing(memcached.client()) as client:
        client.set("n:requests:1", b"1")
    MemcachedNodeAdmin(memcached.node).tell(NodeOrders(3 * MEGABYTE, policy))
    fill(memcached, 200)
    keeping.follow_orders()
    removed = keeping.trim()
    stats = node.stats()
    assert stats.bytes <= 3 * MEGABYTE
    assert stats.bytes > MEGABYTE  # no more than had to
    assert stats.evictions == 0
    assert len(node.listed()) == 200 - removed == 200 - keeping.removed_since_asked()
    assert keeping.removed_since_asked() == 0
    assert node.values([b"n:requests:1", b"c:orders"]).keys() == {b"n:requests:1", b"c:orders"}


def test_random_replacement_spares_no_age(memcached: Memcached, node: Node, keeping: Keeping) -> None:
    keeping.orders = Orders(10 * MEGABYTE, RR)
    fill(memcached, 200)
    keeping.trim()
    left = numbers(node)
    # About 100 are left: in each half 50, with a deviation of 3.5.
    assert 80 <= len(left) <= 104
    assert all(25 <= len({one for one in left if one // 100 == half}) <= 75 for half in (0, 1))


def test_lru_keeps_what_was_used_of_late(memcached: Memcached, node: Node, keeping: Keeping) -> None:
    keeping.orders = Orders(2 * MEGABYTE, LRU)
    fill(memcached, 30)
    used = {2, 3, 5, 7}
    stored_at = max(one.used_at for one in node.listed())

    def is_noted() -> bool:
        """Memcached notes the second and later uses, by the second, a moment after they happened."""
        with closing(memcached.client()) as client:
            assert all(client.get(f"i:{number}") for number in used)
        return {int(one.key[2:]) for one in node.listed() if one.used_at > stored_at} == used

    assert until(is_noted, timeout_seconds=30)
    keeping.trim()
    assert used <= numbers(node)
    assert len(numbers(node)) <= 20


def test_a_node_that_does_not_answer_is_an_error_in_time(memcached: Memcached, node: Node, keeping: Keeping) -> None:
    memcached.server.pause()
    began = time.monotonic()
    for ask in (node.stats, node.listed, keeping.trim):
        with pytest.raises(NodeUnavailableError):
            ask()
    assert time.monotonic() - began < 20


def test_known_traffic_comes_out_exactly(memcached: Memcached, node: Node, keeping: Keeping, cache_of: CacheOf) -> None:
    """Requests, hits and misses as they were made; leases, waits, copies and images too large distort none of them."""
    world = World(memcached.node, cache_of)
    at = world.clock.now().timestamp()
    small = [world.image(b"k%d" % number, 1000) for number in range(6)]
    for image in small * 4:  # 24 requests, 6 of them misses
        world.read(image)
    with ThreadPoolExecutor(8) as pool:  # a crowd for one more: 8 requests, one miss, waits
        world.slow_seconds = 0.2
        crowd = world.image(b"crowd", 2000)
        list(pool.map(lambda _: world.read(crowd), range(8)))
        world.slow_seconds = 0.0
    world.read(world.image(b"large", 2 * MEGABYTE))  # takes no lease, is in no other count
    assert world.origin_reads == 6 + 1 + 1
    told, clock = Told(), At(at)
    reporting = Reporting(node, told, keeping, clock)
    assert reporting.step()
    minute = int(at) // 60
    clock.now = (minute + 2) * 60 + 3.5  # the traffic may have gone on into the minute after
    assert reporting.step()
    sums = {name: sum(told.minutes[one][name] for one in (minute, minute + 1)) for name in told.minutes[minute]}
    assert (sums["Requests"], sums["Misses"], sums["Hits"]) == (32, 7, 25)
    assert (sums["Copies"], sums["Oversize"], sums["Evictions"]) == (0, 1, 0)
    last = told.minutes[minute + 1]
    assert last["Items"] == 7  # no count among them
    assert 8_000 < last["Bytes"] < 12_000
    assert last["CapacityBytes"] == DEFAULT.capacity_bytes


def test_copies_of_a_handoff_are_neither_hits_lost_nor_misses(
    tmp_path_factory: pytest.TempPathFactory, memcached: Memcached, node: Node, keeping: Keeping, cache_of: CacheOf
) -> None:
    before = Memcached(state_folder(tmp_path_factory.mktemp("before")), "before")
    try:
        world = World(before.node, cache_of)
        at = world.clock.now().timestamp()
        images = [world.image(b"k%d" % number, 1000) for number in range(5)]
        for image in images:
            world.read(image)
        world.map = moved(world.map, (memcached.node,), (0,) * 16, 60.0)
        for image in images * 2:
            world.read(image)
        assert world.origin_reads == 5
    finally:
        before.server.kill()
    told, clock = Told(), At(at)
    reporting = Reporting(node, told, keeping, clock)
    reporting.step()
    clock.now = (int(at) // 60 + 2) * 60 + 3.5
    assert reporting.step()
    sums = {name: sum(one[name] for one in told.minutes.values()) for name in ("Requests", "Hits", "Misses", "Copies")}
    assert sums == {"Requests": 10, "Hits": 10, "Misses": 0, "Copies": 5}


def test_a_minute_missed_by_cloudwatch_is_told_later_and_an_idle_one_as_zeros(node: Node, keeping: Keeping) -> None:
    told, clock = Told(), At(time.time())
    reporting = Reporting(node, told, keeping, clock)
    reporting.step()
    told.minutes.clear()
    minute = int(clock.now) // 60
    told.down = True
    for closed in (minute, minute + 1):
        clock.now = (closed + 1) * 60 + 3.5
        assert not reporting.step()
    told.down = False
    assert reporting.step()
    assert sorted(told.minutes) == [minute, minute + 1]
    assert all(one["Requests"] == one["Hits"] == one["Misses"] == 0 for one in told.minutes.values())


def test_a_restarted_memcached_gives_no_negative_numbers(memcached: Memcached, node: Node, keeping: Keeping) -> None:
    told, clock = Told(), At(time.time())
    reporting = Reporting(node, told, keeping, clock)
    fill(memcached, 900)  # more than 64 MB hold: it evicts
    reporting.step()
    assert node.stats().evictions > 0
    memcached.server.kill()
    clock.now = (int(clock.now) // 60 + 1) * 60 + 3.5
    assert not reporting.step()
    memcached.server.start()
    assert reporting.step()
    assert told.minutes
    assert all(value >= 0 for one in told.minutes.values() for value in one.values())
    assert told.minutes[max(told.minutes)]["Evictions"] == 0


def test_what_cloudwatch_was_told_twice_the_scaler_reads_once(stack: Server) -> None:
    environment, minute = f"test-{secrets.token_hex(4)}", int(datetime.now(UTC).timestamp()) // 60 - 2
    metrics = {
        "Requests": 10, "Hits": 7, "Misses": 3, "Copies": 2, "Oversize": 1, "Evictions": 4, "Items": 5, "Bytes": 600,
        "CapacityBytes": 700, "Connections": 8,
    }  # fmt: skip
    with closing(CloudWatch(environment, "i-1")) as publisher, closing(aws_clients.cloudwatch()) as client:
        publisher.publish(minute, metrics)
        publisher.publish(minute, metrics)
        found = CloudWatchSamples(client, environment).read(["i-1"], [minute])
    assert found == [Sample("i-1", minute, 10, 7, 3, 2, 1, 4, 5, 600, 700, 8)]


def test_a_cloudwatch_that_is_gone_is_an_error_in_time(stack: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    began = time.monotonic()
    with closing(CloudWatch("test", "i-1")) as publisher, pytest.raises(PublishingError):
        publisher.publish(1, {"Requests": 1})
    assert time.monotonic() - began < 30


class World:
    """The application's reader over real nodes, an origin in memory and a map. It is the map's and the nodes' port."""

    def __init__(self, node: FleetNode, cache_of: CacheOf) -> None:
        self.map = moved(EMPTY, (node,), (0,) * 16, 0.0)
        self.clock = SystemClock()
        self.origin_reads, self.slow_seconds = 0, 0.0
        self._objects: dict[str, bytes] = {}
        self._caches: dict[FleetNode, MemcachedNode] = {}
        self._cache_of = cache_of
        self._lock = threading.Lock()
        origin: Any = SimpleNamespace(get=self._from_origin)
        maps: Any = SimpleNamespace(at=lambda _version: self.map)
        self._reader = ReadThrough(maps, self, origin, self.clock, FillPolicy(item_bytes=ITEM))

    def of(self, node: FleetNode) -> MemcachedNode:
        with self._lock:
            if node not in self._caches:
                self._caches[node] = self._cache_of(node, GENEROUS)
            return self._caches[node]

    def image(self, key: bytes, size: int) -> Image:
        """A new image whose object is at the origin."""
        data, object_key = secrets.token_bytes(size), f"originals/{secrets.token_hex(8)}"
        self._objects[object_key] = data
        now = self.clock.now()
        facts = ImageFacts("image/png", 1, 1, 1)
        return Image(b"o" * 16, key, object_key, hashlib.sha256(data).digest(), size, facts, now)

    def read(self, image: Image) -> None:
        served = self._reader.read(image, self.map.version, NullStopwatch())
        assert served is not None
        assert bytes(served.data) == self._objects[image.object_key]

    def _from_origin(self, object_key: str) -> bytes:
        with self._lock:
            self.origin_reads += 1
        self.clock.sleep(self.slow_seconds)
        return self._objects[object_key]
