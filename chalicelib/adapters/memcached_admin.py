"""Memcached nodes as an operator and the scaler see them: state, contents, clearing, orders for their agents.

On connections of its own with timeouts of its own: these calls are rarer and slower than those of requests, and must
not trip the breakers that requests go by.
"""

import json
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

from chalicelib.adapters.deadline_sockets import with_deadlines, within
from chalicelib.domain import wire
from chalicelib.domain.errors import NodeError
from chalicelib.domain.fleet import Node
from chalicelib.domain.ports import CachedItem, NodeOrders, NodeState

ORDERS_KEY, NAME_KEY = b"c:orders", b"c:name"
TIMEOUT_SECONDS, LIST_SECONDS = 0.5, 3.0
_END, _RECEIVED_BYTES = b"END", 1 << 16
_REMOVED_AT_ONCE, _TRIPS = 1000, 4
T = TypeVar("T")


class _AdminClient(Client):  # type: ignore[misc]  # pymemcache has no types
    sock: socket.socket

    def _connect(self) -> None:
        super()._connect()
        self.sock = with_deadlines(self.sock)

    def listed(self) -> "Iterator[bytes]":
        """The lines of the list of all that the node holds, as they come. Close the client before the list's end."""
        if self.sock is None:
            self._connect()
        self.sock.sendall(b"lru_crawler metadump all\r\n")
        rest = b""
        while True:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                text = line.rstrip(b"\r")
                if text == _END:
                    return
                if not text.startswith(b"key="):
                    raise MemcacheError(f"not a list: {text[:32]!r}")  # BUSY, or an error
                yield text
            received = self.sock.recv(_RECEIVED_BYTES)
            if not received:
                raise MemcacheError("the list was cut short")
            rest += received


class MemcachedNodeAdmin:
    """NodeAdmin over one memcached process."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def answers(self) -> bool:
        return self._probed(lambda client: True)

    def delay_seconds(self) -> float | None:
        def trip(client: _AdminClient) -> float:
            began = time.monotonic()
            client.version()
            return time.monotonic() - began

        try:
            return self._ask(lambda client: min([trip(client) for _ in range(_TRIPS + 1)][1:]), TIMEOUT_SECONDS)
        except NodeError:
            return None

    def is_ready(self) -> bool:
        return self._probed(lambda client: client.get(NAME_KEY) == self._node.id.encode())

    def _probed(self, also: Callable[[_AdminClient], bool]) -> bool:
        key, value = f"probe:{secrets.token_hex(8)}", secrets.token_bytes(32)

        def ask(client: _AdminClient) -> bool:
            client.version()
            kept = client.set(key, value, expire=10, noreply=False) and client.get(key) == value
            return bool(kept) and also(client)

        try:
            return self._ask(ask, TIMEOUT_SECONDS)
        except NodeError:
            return False

    def state(self) -> NodeState:
        def ask(client: _AdminClient) -> NodeState:
            stats, orders = client.stats(), client.get(ORDERS_KEY)
            limit = int(stats[b"limit_maxbytes"])
            ordered = None if orders is None else int(json.loads(orders)["capacity_bytes"])
            return NodeState(
                items=int(stats[b"curr_items"]),
                bytes=int(stats[b"bytes"]),
                capacity_bytes=limit if ordered is None else ordered,
                evictions=int(stats[b"evictions"]),
                connections=int(stats[b"curr_connections"]),
                uptime_seconds=int(stats[b"uptime"]),
                version=_text(stats[b"version"]),
            )

        return self._ask(ask, TIMEOUT_SECONDS)

    def items(self, limit: int) -> tuple[list[CachedItem], bool]:
        def ask(client: _AdminClient) -> tuple[list[CachedItem], bool]:
            found: list[CachedItem] = []
            for line in client.listed():
                item = _item(line)
                if item is not None and len(found) == limit:
                    return found, True
                if item is not None:
                    found.append(item)
            return found, False

        return self._ask(ask, LIST_SECONDS)

    def clear(self) -> None:
        def ask(client: _AdminClient) -> None:
            keys = [_key_of(line) for line in client.listed()]
            held = [key for key in keys if wire.is_kept(key)]
            for start in range(0, len(held), _REMOVED_AT_ONCE):
                client.delete_many(held[start : start + _REMOVED_AT_ONCE], noreply=False)

        self._ask(ask, LIST_SECONDS)

    def remove_of(self, owner_id: bytes) -> int:
        named = owner_id.hex()

        def ask(client: _AdminClient) -> int:
            keys = [_key_of(line) for line in client.listed()]
            held = [key for key in keys if wire.belongs_to(key, named)]
            for start in range(0, len(held), _REMOVED_AT_ONCE):
                client.delete_many(held[start : start + _REMOVED_AT_ONCE], noreply=False)
            return len(held)

        return self._ask(ask, LIST_SECONDS)

    def tell(self, orders: NodeOrders) -> None:
        body = json.dumps(asdict(orders)).encode()
        self._ask(lambda client: client.set(ORDERS_KEY, body, noreply=False), TIMEOUT_SECONDS)

    def _ask(self, question: Callable[[_AdminClient], T], seconds: float) -> T:
        with self._client(seconds) as client, within(seconds):
            return question(client)

    @contextmanager
    def _client(self, seconds: float) -> Iterator[_AdminClient]:
        client = _AdminClient(
            (self._node.address, self._node.port),
            connect_timeout=seconds,
            timeout=seconds,
            no_delay=True,
            default_noreply=False,
        )
        try:
            yield client
        except (MemcacheError, OSError, ValueError, LookupError, TypeError, OverflowError) as error:
            raise NodeError(f"node {self._node.id} does not answer: {error}") from error
        finally:
            client.close()


class MemcachedNodeAdmins:
    """NodeAdmins over memcached."""

    def of(self, node: Node) -> MemcachedNodeAdmin:
        return MemcachedNodeAdmin(node)


def _key_of(line: bytes) -> bytes:
    return unquote_to_bytes(line.partition(b" ")[0].removeprefix(b"key="))


def _item(line: bytes) -> CachedItem | None:
    """A line such as key=i%3Aoriginals/a exp=-1 la=1700000000 cas=3 fetch=no cls=4 size=1234; None if no object's."""
    object_key = wire.object_key_of(_key_of(line))
    if object_key is None:
        return None
    fields = dict(part.split(b"=", 1) for part in line.split()[1:] if b"=" in part)
    return CachedItem(object_key, int(fields[b"size"]), float(fields[b"la"]))


def _text(value: Any) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
