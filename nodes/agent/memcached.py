"""The node's memcached, by pymemcache, with timeouts. Whatever goes wrong is NodeDownError and closes the connection."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

from nodes.agent.minutes import Stats, stats_of
from nodes.agent.names import OBJECT_PREFIX, ORDERS_KEY
from nodes.agent.victims import Held

TIMEOUT_SECONDS = 2.0
AT_ONCE = 500
T = TypeVar("T")


class NodeDownError(Exception):
    """memcached does not answer, or not sensibly."""


class LocalMemcached:
    """One connection to the memcached of this node."""

    def __init__(self, address: str, port: int) -> None:
        self._client: Any = Client(
            (address, port), connect_timeout=TIMEOUT_SECONDS, timeout=TIMEOUT_SECONDS, default_noreply=False
        )

    def stats(self) -> Stats:
        return self._ask(lambda: stats_of(self._client.stats()))

    def orders(self) -> bytes | None:
        """What the application left for the agent."""
        body: bytes | None = self._ask(lambda: self._client.get(ORDERS_KEY))
        return body

    def counts(self, keys: Sequence[str]) -> dict[str, int]:
        """Those of the counters that are there."""
        return self._ask(lambda: {key: int(value) for key, value in self._client.get_many(keys).items()})

    def limit(self, megabytes: int) -> None:
        """Sets the process's own limit; nothing that it holds is lost by it."""

        def ask() -> None:
            answer = self._client.raw_command(b"cache_memlimit %d" % megabytes)
            if answer != b"OK":
                raise MemcacheError(f"cache_memlimit {megabytes}: {answer!r}")

        self._ask(ask)

    def remove(self, keys: Sequence[bytes]) -> None:
        def ask() -> None:
            for start in range(0, len(keys), AT_ONCE):
                self._client.delete_many(keys[start : start + AT_ONCE], noreply=False)

        self._ask(ask)

    def held(self) -> list[Held]:
        """Every object that the node holds; counts and orders are none."""
        return self._ask(lambda: [one for line in self._lines() if (one := _held(line)) is not None])

    def _lines(self) -> Iterator[bytes]:
        self._client.version()  # connects
        socket = self._client.sock
        socket.sendall(b"lru_crawler metadump all\r\n")
        rest = b""
        while True:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line.startswith(b"END"):
                    return
                if not line.startswith(b"key="):
                    raise MemcacheError(f"not a list: {line[:32]!r}")
                yield line
            received = socket.recv(1 << 18)
            if not received:
                raise MemcacheError("the list was cut short")
            rest += received

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except (MemcacheError, OSError, ValueError, KeyError) as error:
            self._client.close()
            raise NodeDownError(f"{type(error).__name__}: {error}") from error


def _held(line: bytes) -> Held | None:
    name, *rest = line.split()
    key = unquote_to_bytes(name.removeprefix(b"key="))
    if not key.startswith(OBJECT_PREFIX):
        return None
    fields = dict(part.split(b"=", 1) for part in rest if b"=" in part)
    return Held(key, int(fields[b"size"]), int(fields[b"la"]))
