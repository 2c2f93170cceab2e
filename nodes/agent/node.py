"""The node's own memcached, by pymemcache. Every call raises NodeUnavailableError; none waits without end."""

import re
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

from nodes.agent.minutes import Stats, parsed
from nodes.agent.trimming import Held

TIMEOUT_SECONDS, LIST_SECONDS = 1.0, 10.0
_REMOVED_AT_ONCE = 500
_RECEIVED_BYTES = 1 << 18
# Objects are `i:...`; counts (`n:`), orders (`c:`) and probes are not listed. Keys come percent-encoded.
_LINE = re.compile(rb"^key=(i%3A\S+) exp=\S+ la=(\d+) .*?size=(\d+)", re.MULTILINE)
T = TypeVar("T")


class NodeUnavailableError(Exception):
    """Memcached does not answer, or not as it should."""


class Node:
    """One connection, made anew after any error. For one thread."""

    def __init__(self, address: str, port: int) -> None:
        self._address = (address, port)
        self._client: Any = Client(
            self._address, connect_timeout=TIMEOUT_SECONDS, timeout=TIMEOUT_SECONDS, default_noreply=False
        )

    def stats(self) -> Stats:
        return self._ask(lambda client: parsed(client.stats()))

    def values(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Those of the keys that are there."""
        wanted = list(keys)
        return self._ask(lambda client: dict(client.get_many(wanted)))

    def put(self, key: bytes, value: bytes) -> None:
        self._ask(lambda client: client.set(key, value))

    def limit_memory(self, megabytes: int) -> None:
        """Raises NodeUnavailableError too if memcached refuses."""

        def ask(client: Any) -> None:
            answer = client.raw_command(b"cache_memlimit %d" % megabytes)
            if answer.strip() != b"OK":
                raise MemcacheError(f"cache_memlimit {megabytes}: {answer!r}")

        self._ask(ask)

    def remove(self, keys: list[bytes]) -> int:
        """How many of them were there."""

        def ask(client: Any) -> int:
            removed = 0
            for start in range(0, len(keys), _REMOVED_AT_ONCE):
                commands = b"".join(b"md %s q\r\n" % key for key in keys[start : start + _REMOVED_AT_ONCE])
                # Quiet: only a miss is told, and `mn` ends them all.
                answer: bytes = client.raw_command(commands + b"mn", end_tokens=b"MN\r\n")
                removed += len(keys[start : start + _REMOVED_AT_ONCE]) - answer.count(b"NF")
            return removed

        return self._ask(ask)

    def listed(self) -> list[Held]:
        """Every object. On a connection of its own: a list cut short would leave its rest to the next answer."""
        deadline = time.monotonic() + LIST_SECONDS
        received = bytearray()
        try:
            with socket.create_connection(self._address, TIMEOUT_SECONDS) as connection:
                connection.sendall(b"lru_crawler metadump all\r\n")
                while not received.endswith(b"END\r\n"):
                    some = connection.recv(_RECEIVED_BYTES)
                    received += some
                    if not some or received.startswith((b"BUSY", b"ERROR")) or time.monotonic() > deadline:
                        raise NodeUnavailableError(f"memcached gives no list: {bytes(received[-40:])!r}")
        except OSError as error:
            raise NodeUnavailableError(f"memcached gives no list: {error}") from error
        return [Held(unquote_to_bytes(key), int(used), int(size)) for key, used, size in _LINE.findall(received)]

    def close(self) -> None:
        self._client.close()

    def _ask(self, question: Callable[[Any], T]) -> T:
        try:
            return question(self._client)
        except (MemcacheError, OSError, ValueError, KeyError) as error:
            self._client.close()
            raise NodeUnavailableError(f"memcached: {type(error).__name__}: {error}") from error
