"""A real memcached that dies, hangs, lies or comes back, as the application's cache sees it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from chalicelib.adapters.memcached import MemcachedNode, MemcachedNodes, NodePolicy
from chalicelib.domain import rates, wire
from chalicelib.domain.breaker import BreakerPolicy
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import Node
from tests.contract.conftest import CacheOf
from tests.contract.real_parts import Memcached
from tests.contract.test_node_cache import KEY, NOON, OBJECT_KEY, OTHER_KEY, OWNER, granted

PAUSE_SECONDS = 0.5
# slow_seconds is out of reach: on a busy machine a healthy answer may take long.
POLICY = NodePolicy(timeout_seconds=0.3, breaker=BreakerPolicy(slow_seconds=10, pause_seconds=PAUSE_SECONDS))
GENEROUS_SECONDS = 30.0


@pytest.fixture
def cache(memcached: Memcached, cache_of: CacheOf) -> MemcachedNode:
    return cache_of(memcached.node, POLICY)


def recovered(cache: MemcachedNode) -> None:
    """Returns once the node answers again."""
    deadline = time.monotonic() + GENEROUS_SECONDS
    while True:
        try:
            cache.get(KEY)
        except NodeError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


def test_leases_do_not_touch_the_counters_of_get(cache: MemcachedNode, memcached: Memcached) -> None:
    before = memcached.stats()
    granted(cache).fill(b"value", (), NOON)
    assert cache.lease(KEY) is None
    granted(cache, OTHER_KEY).release()
    after = memcached.stats()
    assert (after["get_hits"], after["get_misses"]) == (before["get_hits"], before["get_misses"])
    cache.get(KEY)
    assert memcached.stats()["get_hits"] == before["get_hits"] + 1


def test_counting_does_not_touch_the_counters_of_get(cache: MemcachedNode, memcached: Memcached) -> None:
    before = memcached.stats()
    cache.count(rates.NAMES, NOON)
    after = memcached.stats()
    assert (after["get_hits"], after["get_misses"]) == (before["get_hits"], before["get_misses"])


def test_another_objects_value_under_our_key_is_found_out(cache: MemcachedNode, memcached: Memcached) -> None:
    client = memcached.client()
    client.set(KEY, wire.wrapped(OWNER, "originals/b", b"another's"), noreply=False)
    client.close()
    value = cache.get(KEY)
    assert value is not None
    assert wire.unwrapped(value, OWNER, OBJECT_KEY) is None
    assert wire.unwrapped(value, OWNER, "originals/b") == b"another's"


def test_a_value_that_the_node_refuses_is_no_sign_that_the_node_is_sick(cache: MemcachedNode) -> None:
    granted(cache).fill(b"x" * (2 << 20), (), NOON)
    assert cache.get(OTHER_KEY) is None  # no NodeError: the breaker has not tripped


def test_a_killed_node_fails_every_call_and_ends_leases_quietly(cache: MemcachedNode, memcached: Memcached) -> None:
    lease, other = granted(cache), granted(cache, OTHER_KEY)
    memcached.server.kill()
    lease.fill(b"value", (), NOON)
    other.release()
    for call in (
        lambda: cache.get(KEY),
        lambda: cache.lease(KEY),
        lambda: cache.remove([KEY]),
        lambda: cache.count([rates.REQUESTS], NOON),
        lambda: cache.counts([rates.REQUESTS], [0]),
    ):
        with pytest.raises(NodeError):
            call()


def test_a_hung_node_costs_one_slow_call_and_then_none(memcached: Memcached, cache_of: CacheOf) -> None:
    cache = cache_of(
        memcached.node, NodePolicy(timeout_seconds=0.3, breaker=BreakerPolicy(slow_seconds=10, pause_seconds=600))
    )
    cache.get(KEY)
    memcached.server.pause()
    started = time.monotonic()
    with pytest.raises(NodeError):
        cache.get(KEY)
    first_seconds = time.monotonic() - started
    started = time.monotonic()
    for _ in range(1000):
        with pytest.raises(NodeError):
            cache.get(KEY)
    later_seconds = time.monotonic() - started
    assert 0.25 < first_seconds < 5
    assert later_seconds < 5  # each would take 0.3 s if it were asked


def test_a_hung_node_is_asked_again_by_one_probe_after_the_pause(cache: MemcachedNode, memcached: Memcached) -> None:
    granted(cache).fill(b"value", (), NOON)
    memcached.server.pause()
    with pytest.raises(NodeError):
        cache.get(KEY)
    memcached.server.resume()
    recovered(cache)
    assert cache.get(KEY) == b"value"
    for _ in range(10):
        cache.get(KEY)


def test_no_answer_is_taken_for_another_questions(cache: MemcachedNode, memcached: Memcached) -> None:
    first, second = (wire.wrapped(OWNER, key, key.encode()) for key in (OBJECT_KEY, "originals/b"))
    granted(cache).fill(first, (), NOON)
    granted(cache, OTHER_KEY).fill(second, (), NOON)
    for _ in range(3):
        memcached.server.pause()
        with pytest.raises(NodeError):
            cache.get(KEY)  # its answer comes once the node runs again, and must reach nobody
        memcached.server.resume()
        recovered(cache)
        assert cache.get(OTHER_KEY) == second
        assert cache.get(KEY) == first


def test_a_connection_is_closed_after_an_error(cache: MemcachedNode, memcached: Memcached) -> None:
    cache.get(KEY)
    memcached.server.pause()
    for _ in range(3):
        with pytest.raises(NodeError):
            cache.get(KEY)
        time.sleep(PAUSE_SECONDS)  # the pause itself is what is under test
    memcached.server.resume()
    recovered(cache)
    deadline = time.monotonic() + GENEROUS_SECONDS
    while memcached.stats()["curr_connections"] > 3:  # memcached's own listener, ours, and the one that asks
        assert time.monotonic() < deadline, "connections were left open"
        time.sleep(0.02)


def test_a_restarted_node_at_the_same_address_is_found_empty(cache: MemcachedNode, memcached: Memcached) -> None:
    granted(cache).fill(b"value", (), NOON)
    memcached.server.kill()
    memcached.server.start()
    recovered(cache)
    assert cache.get(KEY) is None
    granted(cache).fill(b"value", (), NOON)
    assert cache.get(KEY) == b"value"


def test_many_kept_connections_heal_after_a_restart(cache: MemcachedNode, memcached: Memcached) -> None:
    held = [granted(cache, b"k%d" % number) for number in range(5)]  # each on a connection of its own
    for lease in held:
        lease.release()
    memcached.server.kill()
    memcached.server.start()
    recovered(cache)
    # The other kept connections were as dead, and none of them is tried.
    leases = [granted(cache, b"n%d" % number) for number in range(5)]
    for lease in leases:
        lease.fill(b"value", (), NOON)
    assert [cache.get(b"n%d" % number) for number in range(5)] == [b"value"] * 5


@contextmanager
def liar(answer: bytes) -> Iterator[Node]:
    """A node that gives the same bytes to every question, and whatever it was asked stays unread."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(GENEROUS_SECONDS)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(GENEROUS_SECONDS)
                try:
                    while connection.recv(65536):
                        connection.sendall(answer)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield Node("liar", "127.0.0.1", listener.getsockname()[1])
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(GENEROUS_SECONDS)


@pytest.mark.parametrize(
    "answer",
    [
        b"\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SERVER_ERROR out of memory\r\n",
        b"ERROR\r\n",
        b"VALUE\r\n",
        b"VALUE x 0 3\r\nabc\r\nEND\r\n",
        b"VALUE " + KEY + b" 0 nonsense\r\nabc\r\nEND\r\n",
        b"VALUE " + KEY + b" 0 100\r\nabc\r\nEND\r\n",
        b"\x00\xff" * 100 + b"\r\n",
    ],
)
def test_an_answer_that_makes_no_sense_is_a_node_error_or_nothing(answer: bytes, cache_of: CacheOf) -> None:
    with liar(answer) as node:
        with suppress(NodeError):
            assert cache_of(node, POLICY).get(KEY) is None
        with pytest.raises(NodeError):
            cache_of(node, POLICY).lease(KEY)


@pytest.mark.parametrize(
    "answer",
    [
        b"HD\r\n\r\n",
        b"EN\r\nEND\r\n",  # not what a count is answered by
        b"END\r\nHD\r\n",
        b"HD\r\nVALUE " + OTHER_KEY + b" 0 3\r\nabc\r\nEND\r\n",
        b"HD\r\nVALUE " + KEY + b" 0 -1\r\nEND\r\n",
        b"HD\r\nVALUE " + KEY + b" 0 3\r\nabcd\r\nEND\r\n",
        b"HD\r\nVALUE " + KEY + b" 0 3\r\nabc\r\nEN?\r\n",
        b"HD\r\nVALUE " + KEY + b" 0 3\r\nabc\r\nEND\r\nEND\r\n",  # an answer too many
        b"HD\r\nVALUE " + KEY + b" 0 99999999999\r\nabc\r\nEND\r\n",  # no memory is set aside for it
        b"HD\r\nEND\r\nEND\r\n",
    ],
)
def test_an_answer_to_a_counted_look_that_is_not_exactly_one_is_a_node_error(answer: bytes, cache_of: CacheOf) -> None:
    with liar(answer) as node, pytest.raises(NodeError):
        cache_of(node, POLICY).get_counted(KEY, [rates.REQUESTS], NOON)


def test_a_counter_that_cannot_be_counted_on_costs_no_value(cache: MemcachedNode, memcached: Memcached) -> None:
    granted(cache).fill(b"value", (), NOON)
    client = memcached.client()
    client.set(b"n:%s:%d" % (rates.REQUESTS.encode(), rates.slot_of(NOON.timestamp())), b"no number", noreply=False)
    client.close()
    for _ in range(3):
        assert cache.get_counted(KEY, [rates.REQUESTS, rates.WAITS], NOON) == b"value"
    assert cache.counts([rates.WAITS], [rates.slot_of(NOON.timestamp())]) == {"waits": 3}
    assert memcached.stats()["curr_connections"] <= 3  # ours was kept


def test_an_address_where_nobody_listens_is_a_node_error() -> None:
    with pytest.raises(NodeError):
        MemcachedNode(Node("a", "127.0.0.1", 1), POLICY).get(KEY)


def test_a_slow_node_is_left_alone_after_a_run_of_slow_answers(memcached: Memcached, cache_of: CacheOf) -> None:
    any_answer_is_slow = NodePolicy(
        timeout_seconds=5.0, breaker=BreakerPolicy(slow_seconds=0.0, slow_calls=3, pause_seconds=600)
    )
    cache = cache_of(memcached.node, any_answer_is_slow)
    for _ in range(3):
        cache.get(KEY)
    with pytest.raises(NodeError):
        cache.get(KEY)


def test_one_nodes_failures_are_not_anothers(memcached: Memcached) -> None:
    caches = MemcachedNodes(POLICY)
    dead = Node("dead", "127.0.0.1", 1)
    with pytest.raises(NodeError):
        caches.of(dead).get(KEY)
    assert caches.of(memcached.node).get(KEY) is None
    assert caches.of(memcached.node) is caches.of(memcached.node)
    caches.of(memcached.node).close()


def test_a_new_node_at_an_old_address_starts_without_the_old_ones_failures(memcached: Memcached) -> None:
    caches = MemcachedNodes(NodePolicy(timeout_seconds=0.3, breaker=BreakerPolicy(pause_seconds=600)))
    memcached.server.kill()
    with pytest.raises(NodeError):
        caches.of(memcached.node).get(KEY)
    memcached.server.start()
    reborn = Node("another-instance", memcached.node.address, memcached.node.port)
    assert caches.of(reborn).get(KEY) is None
    caches.of(reborn).close()


def test_nodes_of_maps_long_gone_are_forgotten() -> None:
    caches = MemcachedNodes(POLICY, kept=4)
    first = caches.of(Node("0", "127.0.0.1", 1))
    for number in range(1, 6):
        caches.of(Node(str(number), "127.0.0.1", 1))
    assert caches.of(Node("0", "127.0.0.1", 1)) is not first
