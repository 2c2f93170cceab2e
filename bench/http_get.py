"""A cached GET over HTTP by the local server, on one connection, against pymemcache's get of the same value."""

import http.client
from contextlib import closing
from urllib.parse import urlsplit

from pymemcache.client.base import Client

from bench.interleaved import compare
from bench.rows import Row
from bench.store import Store, expect, jpeg_of

SIZES = {"1 KB": 1_000, "100 KB": 100_000}
_TIMEOUT_SECONDS = 5.0


def rows(store: Store) -> list[Row]:
    """How many a second, of two sizes."""
    return [_told(store, name, size) for name, size in SIZES.items()]


def _told(store: Store, name: str, size: int) -> Row:
    key, data = f"http-{size}", jpeg_of(size)
    store.put(key, data)
    node, wire_key = store.node_of(key), store.wire_key(key)
    with (
        closing(http.client.HTTPConnection(urlsplit(store.address).netloc, timeout=_TIMEOUT_SECONDS)) as connection,
        closing(Client((node.address, node.port), timeout=_TIMEOUT_SECONDS, no_delay=True)) as bare,
    ):

        def ours() -> bytes:
            connection.request("GET", f"/api/v1/images/{key}")
            return connection.getresponse().read()

        expect(ours() == data, "the image comes by HTTP")
        expect(bare.get(wire_key).endswith(data), "the value is in its node")
        compared = compare(ours, lambda: bare.get(wire_key), rounds=15, pairs=15)
    return Row(
        f"cached GET of {name} over HTTP, against pymemcache's get",
        f"{1 / compared.ours_seconds:.0f} a second",
        f"{1 / compared.theirs_seconds:.0f} a second",
        compared.ratio,
        compared.low,
        compared.high,
    )
