"""How long the parts of a request took and where its bytes came from, as a Server-Timing header."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.domain.images import Image
from chalicelib.domain.partitions import partition_of
from chalicelib.services.read_through import Served


class RequestTimer:
    """A Stopwatch that adds up each part's milliseconds."""

    def __init__(self) -> None:
        self._milliseconds: dict[str, float] = {}
        self._started = time.perf_counter()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            took = (time.perf_counter() - started) * 1000
            self._milliseconds[name] = self._milliseconds.get(name, 0.0) + took

    def header(self, source: str | None = None) -> str:
        """The header's value; `source` says where the bytes came from."""
        entries = [] if source is None else [f'source;desc="{source}"']
        entries += [f"{name};dur={took:.2f}" for name, took in self._milliseconds.items()]
        entries.append(f"total;dur={(time.perf_counter() - self._started) * 1000:.2f}")
        return ", ".join(entries)


def with_stale_rows(header: str) -> str:
    """A Server-Timing header's value, empty if there was none, with a note that rows came from a replica."""
    note = 'rows;desc="replica, may be old"'
    return f"{note}, {header}" if header else note


def source_of(served: Served) -> str:
    """Where the bytes came from, in words; partitions are counted from 1, as on the pages."""
    partition = f"partition {served.partition + 1}"
    return f"node {served.node.id}, {partition}" if served.node else f"origin, {partition}"


def signed_source_of(image: Image) -> str:
    """Where the bytes will come from by a signed address."""
    return f"origin, partition {partition_of(image.key) + 1}, signed"
