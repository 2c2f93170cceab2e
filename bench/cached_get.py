"""A cached GET, from event to response dictionary, through the whole application and through a bare handler.

Both ask the database the same one question and read the same value from memcached, which is as much as any handler
must do whose answers are never old. The bare one checks nothing, counts nothing and trusts everybody.
"""

import base64
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pybase64
import pymysql
from pymysql.cursors import Cursor

from bench.interleaved import Comparison, compare
from bench.rows import Row, row
from bench.store import Event, NotAsExpectedError, Store, event, expect, jpeg_of
from chalicelib.adapters.mysql.image_rows import row_statement
from chalicelib.adapters.mysql.principals import whose
from chalicelib.domain import wire
from chalicelib.domain.accounts import Principal

SIZES = {"1 KB": 1_000, "100 KB": 100_000, "1 MB": 1_000_000}
PAIRS, WARM_UP = 30, 20
GOALS = {"100 KB": 1.8}
_TIMEOUT_SECONDS = 5.0


def rows(store: Store) -> list[Row]:
    """Three sizes."""
    return [row(what(name), against_bare_handler(store, size), GOALS.get(name)) for name, size in SIZES.items()]


def what(size_name: str) -> str:
    """The name of a row."""
    return f"cached GET of {size_name}, event to response, against a bare handler"


@dataclass
class RawConnection:
    """One connection to a node, and the shortest way to a value: one buffer, filled in place."""

    socket: socket.socket

    def get(self, wire_key: bytes) -> memoryview:
        """The value, which must be there."""
        self.socket.sendall(b"get " + wire_key + b"\r\n")
        head = bytearray(256)
        have = self.socket.recv_into(head)
        end = head.index(b"\r\n") + 2
        size = int(head[:end].split()[3])
        rest = len(b"\r\nEND\r\n")
        whole = bytearray(size + rest)
        have -= end
        whole[:have] = head[end : end + have]
        view = memoryview(whole)
        while have < size + rest:
            received = self.socket.recv_into(view[have:])
            if not received:
                raise ConnectionError("the node closed the connection")
            have += received
        return view[:size]


@contextmanager
def raw_connection(store: Store, key: str) -> Iterator[RawConnection]:
    """A connection to the node that serves the key."""
    node = store.node_of(key)
    with socket.create_connection((node.address, node.port), _TIMEOUT_SECONDS) as connected:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield RawConnection(connected)


def bare_handler(
    database: "pymysql.Connection[Cursor]", node: RawConnection, owner: bytes
) -> Callable[[Event], dict[str, Any]]:
    """One SELECT, one value, base64."""
    statement = row_statement(whose(Principal(owner.decode())))

    def handle(given: Event) -> dict[str, Any]:
        key = given["pathParameters"]["key"].encode()
        with database.cursor() as cursor:
            cursor.execute(statement, (key, key, owner))
            row = cursor.fetchone()
        if row is None:
            raise NotAsExpectedError("the owner is there")
        owner_id, object_key, media_type = row[2], row[7], row[10]
        prefix = len(wire.wrapped(owner_id, object_key, b""))
        value = node.get(wire.wire_key(object_key))
        return {
            "statusCode": 200,
            "headers": {"Content-Type": media_type},
            "multiValueHeaders": {},
            "body": pybase64.b64encode_as_string(value[prefix:]),
            "isBase64Encoded": True,
        }

    return handle


def against_bare_handler(store: Store, size: int, rounds: int = 21) -> Comparison:
    """The application against the bare handler, for an image of that many bytes."""
    key, data = f"cached-{size}", jpeg_of(size)
    store.put(key, data)
    with store.connect() as database, raw_connection(store, key) as node:
        bare = bare_handler(database, node, store.environ["SIGNED_IN_AS"].encode())
        for answer in (bare(event("GET", key)), store.app(event("GET", key), None)):
            expect(base64.b64decode(answer["body"]) == data, "the answer has the image's bytes")
            expect("origin" not in answer["headers"].get("Server-Timing", ""), "they come from the node")
        # Made beforehand, and each used once: the application notes in an event who asks.
        events = iter([event("GET", key) for _ in range(2 * (WARM_UP + rounds * PAIRS))])
        return compare(
            lambda: store.app(next(events), None),
            lambda: bare(next(events)),
            rounds=rounds,
            pairs=PAIRS,
            warm_up=WARM_UP,
        )
