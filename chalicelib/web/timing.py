"""How long the parts of a request took and where its bytes came from, as a Server-Timing header."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.domain.images import Image
from chalicelib.domain.partitions import partition_of
from chalicelib.services.read_through import Served

ROWS, TOTAL = "rows;", "total;"


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
        """The header's value for an image; `source` says where its bytes came from. Its row is the primary's."""
        total = f"total;dur={(time.perf_counter() - self._started) * 1000:.2f}"
        return f"{self.entries('primary', source)}, {total}"

    def entries(self, rows: str, source: str | None = None) -> str:
        """The header's value without the total. `rows` says who gave the rows: primary, replica or cache."""
        entries = [] if source is None else [f'source;desc="{source}"']
        entries.append(f'{ROWS}desc="{rows}"')
        entries += [f"{name};dur={took:.2f}" for name, took in self._milliseconds.items()]
        return ", ".join(entries)


def with_total(header: str, seconds: float) -> str:
    """A Server-Timing header's value, empty if there was none, with what the whole answer took."""
    if TOTAL in header:
        return header
    total = f"{TOTAL}dur={seconds * 1000:.2f}"
    return f"{header}, {total}" if header else total


def with_stale_rows(header: str) -> str:
    """A Server-Timing header's value, empty if there was none, with a note that rows came from a replica."""
    others = [entry for entry in header.split(", ") if entry and not entry.startswith(ROWS + "desc")]
    return ", ".join([f'{ROWS}desc="replica, may be old"', *others])


def served_by(node_id: str | None, partition: int) -> str:
    """Which node serves a partition, in words; partitions are counted from 1, as on the pages."""
    return f"{'origin' if node_id is None else f'node {node_id}'}, partition {partition + 1}"


def source_of(served: Served) -> str:
    """Where the bytes came from, in words."""
    return served_by(served.node.id if served.node else None, served.partition)


def unchanged_source_of(image: Image) -> str:
    """That the caller has the bytes."""
    return f"your own copy, partition {partition_of(image.key) + 1}"


def signed_source_of(image: Image) -> str:
    """Where the bytes will come from by a signed address."""
    return f"origin, partition {partition_of(image.key) + 1}, signed"
