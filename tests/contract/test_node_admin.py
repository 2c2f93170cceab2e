"""NodeAdmin: the same suite over the fake and over a real memcached."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from chalicelib.adapters.memcached import NodePolicy
from chalicelib.adapters.memcached_admin import MemcachedNodeAdmin
from chalicelib.domain import rates, wire
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import Node
from chalicelib.domain.ports import NodeAdmin, NodeCache, NodeOrders
from tests.contract.conftest import CacheOf
from tests.contract.real_parts import Memcached
from tests.contract.test_node_cache import NOON
from tests.fakes import MemoryNodeCaches
from tests.fakes.node_admin import MemoryNodeAdmins

MIB = 1024 * 1024


@dataclass(frozen=True)
class NodeUnderTest:
    """A node by both of its ports."""

    admin: NodeAdmin
    cache: NodeCache

    def hold(self, *object_keys: str, size: int = 100) -> None:
        for object_key in object_keys:
            lease = self.cache.lease(wire.wire_key(object_key))
            assert lease is not None
            lease.fill(b"x" * size, (), NOON)


@pytest.fixture(params=["memory", "memcached"])
def node(request: pytest.FixtureRequest) -> NodeUnderTest:
    if request.param == "memory":
        caches, place = MemoryNodeCaches(), Node("a", "127.0.0.1", 1)
        return NodeUnderTest(MemoryNodeAdmins(caches).of(place), caches.of(place))
    memcached: Memcached = request.getfixturevalue("memcached")
    cache_of: CacheOf = request.getfixturevalue("cache_of")
    cache = cache_of(memcached.node, NodePolicy(timeout_seconds=2.0))
    return NodeUnderTest(MemcachedNodeAdmin(memcached.node), cache)


def test_a_node_tells_how_full_it_is(node: NodeUnderTest) -> None:
    before = node.admin.state()
    node.hold("originals/a", "originals/b", size=5000)
    after = node.admin.state()
    assert after.items - before.items == 2
    assert 10_000 <= after.bytes - before.bytes <= 12_000
    assert after.capacity_bytes == 64 * MIB
    assert after.version


def test_a_node_names_what_it_holds_and_not_what_is_counted_or_ordered_there(node: NodeUnderTest) -> None:
    node.hold("originals/a b".replace(" ", "%20"), "originals/c")
    node.cache.count(rates.NAMES, NOON)
    node.admin.tell(NodeOrders(3 * MIB, "RR"))
    items, more = node.admin.items(10)
    assert sorted(item.object_key for item in items) == ["originals/a%20b", "originals/c"]
    assert all(item.bytes >= 100 for item in items)
    assert not more


def test_no_more_are_named_than_were_asked_for(node: NodeUnderTest) -> None:
    node.hold(*(f"originals/{number}" for number in range(50)))
    items, more = node.admin.items(20)
    assert (len(items), more) == (20, True)
    assert node.admin.items(50)[1] is False


def test_clearing_takes_the_objects_and_leaves_the_counts(node: NodeUnderTest) -> None:
    node.hold(*(f"originals/{number}" for number in range(2500)))
    node.cache.count([rates.REQUESTS], NOON)
    node.admin.clear()
    assert node.admin.items(10) == ([], False)
    assert node.cache.counts([rates.REQUESTS], [rates.slot_of(NOON.timestamp())]) == {"requests": 1}


def test_a_node_has_the_capacity_it_was_ordered(node: NodeUnderTest) -> None:
    node.admin.tell(NodeOrders(3 * MIB, "LRU"))
    assert node.admin.state().capacity_bytes == 3 * MIB


def test_a_node_that_is_gone_is_a_node_error(request: pytest.FixtureRequest) -> None:
    memcached: Memcached = request.getfixturevalue("memcached")
    admin = MemcachedNodeAdmin(Node("gone", "127.0.0.1", 1))
    for ask in (admin.state, admin.clear, lambda: admin.items(1), lambda: admin.tell(NodeOrders(MIB, "LRU"))):
        with pytest.raises(NodeError):
            ask()
    assert MemcachedNodeAdmin(memcached.node).state().items >= 0


def test_a_node_that_its_agent_has_not_named_answers_and_is_not_ready(memcached: Memcached) -> None:
    admin = MemcachedNodeAdmin(memcached.node)
    assert admin.answers()
    assert not admin.is_ready()
    with closing(memcached.client()) as client:
        client.set("c:name", memcached.node.id)
    assert admin.is_ready()
    with closing(memcached.client()) as client:
        client.set("c:name", "i-of-the-past")
    assert not admin.is_ready()


@pytest.mark.parametrize("said", [b"VALUE garbage\r\n", b"\xff\xfe\r\n", b"VERSION 1\r\nVALUE a b c\r\n"])
def test_a_node_that_talks_garbage_does_not_answer(said: bytes) -> None:
    with speaking(lambda connection: connection.sendall(said)) as place:
        assert not MemcachedNodeAdmin(place).answers()


def test_a_node_that_drips_does_not_answer_and_holds_nobody_up() -> None:
    def drip(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # until the other side has had enough
            while True:
                connection.sendall(b"V")
                time.sleep(0.1)  # the pace is the fault that is tried

    began = time.monotonic()
    with speaking(drip) as place:
        assert not MemcachedNodeAdmin(place).answers()
        assert time.monotonic() - began < 5


def test_how_long_a_round_trip_takes_at_best_is_told(memcached: Memcached) -> None:
    def late(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                time.sleep(0.02)  # the delay is the fault that is tried
                connection.sendall(b"VERSION 1.6.18\r\n")
                if not connection.recv(1000):
                    return

    prompt = MemcachedNodeAdmin(memcached.node).delay_seconds()
    assert prompt is not None and prompt < 0.01
    with speaking(late) as place:
        delay = MemcachedNodeAdmin(place).delay_seconds()
    assert delay is not None and 0.02 <= delay < 0.5
    memcached.server.kill()
    assert MemcachedNodeAdmin(memcached.node).delay_seconds() is None


@contextlib.contextmanager
def speaking(talk: Callable[[socket.socket], None]) -> Iterator[Node]:
    """A node that says something to whoever connects, whatever it is asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: _talk_once(server, talk))
        thread.start()
        yield Node("i-odd", "127.0.0.1", server.getsockname()[1])
    thread.join(20)


def _talk_once(server: socket.socket, talk: Callable[[socket.socket], None]) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        talk(connection)
