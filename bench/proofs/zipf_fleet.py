"""One fleet under a made-up load, in a process of its own: real memcached nodes, the project's own read path and maps.

Time is compressed: a minute is a number of requests. The clock that the counts go by says what minute it is, so that a
minute's samples are read from the nodes as their agents would read them.
"""

import hashlib
import itertools
import random
import signal
import subprocess
import time
from bisect import bisect
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chalicelib.adapters.memcached import MemcachedNodes, NodePolicy
from chalicelib.adapters.memcached_admin import MemcachedNodeAdmin
from chalicelib.domain import fleet, rates, wire
from chalicelib.domain.decisions import Sample
from chalicelib.domain.fleet import FleetMap, Node
from chalicelib.domain.images import Image, ImageFacts
from chalicelib.domain.partitions import partition_of
from chalicelib.services.read_through import FillPolicy, ReadThrough
from ops.local.ports import free_port
from scaler import resize

OWNER = b"\x01" * 16
IMAGE_BYTES = 512
NODE_MB = 2048  # large enough for everything: only the resize is to be measured
NEVER_SEEN = 0.1
QUANTILES = 2000
FIRST_MINUTE = 30_000_000
TIMEOUT_SECONDS = 2.0  # this machine may stand still for longer than a node's 50 ms


@dataclass(frozen=True)
class Minute:
    """What one fleet did in a compressed minute. `took_us` are times of reads that a node answered, in microseconds.

    They are QUANTILES of them in order, so that minutes can be put together.
    """

    origin_reads: int
    copies: int
    errors: int
    took_us: tuple[float, ...]
    nodes: int
    handed_over: bool  # no handoff is under way at its end


class CountedObjects:
    """The origin: makes each object's bytes and counts the reads."""

    def __init__(self) -> None:
        self.reads = 0

    def get(self, object_key: str) -> bytes:
        self.reads += 1
        return data_of(int(object_key.rpartition("/")[2], 16))

    def put(self, object_key: str, data: bytes, media_type: str) -> None:
        raise NotImplementedError

    def remove(self, object_keys: Sequence[str]) -> None:
        raise NotImplementedError

    def signed_address(self, object_key: str, media_type: str, seconds: int) -> str:
        raise NotImplementedError


class CompressedClock:
    """Says the minute that is being run; waits in real time."""

    def __init__(self) -> None:
        self.minute = FIRST_MINUTE

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.minute * 60 + 30, UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class OneMap:
    """FleetMaps that holds one map."""

    def __init__(self) -> None:
        self.kept = fleet.EMPTY

    def current(self) -> FleetMap:
        return self.kept

    def at(self, version: int) -> FleetMap:
        return self.kept

    def publish(self, fleet_map: FleetMap) -> bool:
        self.kept = fleet_map
        return True


class NoStopwatch:
    """Takes no time."""

    def part(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()


class ZipfFleet:
    """A fleet of memcached processes that it started, and readers of Zipf-distributed keys.

    `kind` is "handoff" (ours), "warm" (holds every known image in its right place after each step) or "cold" (held it
    before the step, moves partitions and copies nothing).
    """

    def __init__(self, kind: str, assignment: str, images: int, seed: int, most_nodes: int) -> None:
        self._kind, self._assignment, self._seed = kind, assignment, seed
        self._processes = {number: _memcached() for number in range(most_nodes)}
        self._nodes = [Node(f"i-{number}", "127.0.0.1", port) for number, (_, port) in self._processes.items()]
        self._maps, self._objects, self._clock = OneMap(), CountedObjects(), CompressedClock()
        self._caches = MemcachedNodes(NodePolicy(timeout_seconds=TIMEOUT_SECONDS))
        self._reader = ReadThrough(self._maps, self._caches, self._objects, self._clock, FillPolicy())
        self._known = [image_of(number) for number in range(images)]
        self._cumulated = list(itertools.accumulate(1 / rank for rank in range(1, images + 1)))
        self._fresh = itertools.count(images)
        self._samples: list[Sample] = []
        self.resize(1)
        self._warm()

    def resize(self, target: int) -> int:
        """One publication towards the target; how many partitions move."""
        if self._kind == "cold" and self._maps.kept.nodes:
            self._warm()  # it was not asked since its last step
        self._forget_strangers()
        current = self._maps.kept
        spares = [node for node in self._nodes if node not in current.nodes]
        at = self._clock.now().timestamp()
        moved = resize.next_map(current, spares, target, self._assignment, at)
        self._maps.kept = moved if self._kind == "handoff" else fleet.settled(moved)
        if self._kind == "warm":
            self._warm()
        return len(moved.moving)

    def minute(self, number: int, requests: int) -> Minute:
        """One compressed minute, the same for every fleet of the same seed."""
        self._clock.minute = FIRST_MINUTE + number
        source = random.Random(f"{self._seed} {number}")
        before, errors = self._objects.reads, 0
        took: list[float] = []
        stopwatch, fleet_map, total = NoStopwatch(), self._maps.kept, self._cumulated[-1]
        for _ in range(requests):
            if source.random() < NEVER_SEEN:
                image = image_of(next(self._fresh))
            else:
                image = self._known[bisect(self._cumulated, source.random() * total)]
            began = time.perf_counter()
            served = self._reader.read(image, fleet_map.version, stopwatch)
            ended = time.perf_counter()
            if served is None or hashlib.sha256(served.data).digest() != image.sha256:
                errors += 1
            elif served.node is not None:
                took.append(ended - began)
        copies = self._measured(FIRST_MINUTE + number)
        if self._kind == "handoff":
            self._end_handoff()
        took.sort()
        return Minute(
            origin_reads=self._objects.reads - before,
            copies=copies,
            errors=errors,
            took_us=tuple(took[len(took) * n // QUANTILES] * 1e6 for n in range(QUANTILES)),
            nodes=len(self._maps.kept.nodes),
            handed_over=not self._maps.kept.previous,
        )

    def close(self) -> None:
        """Ends the processes."""
        for process, _ in self._processes.values():
            process.send_signal(signal.SIGKILL)
            process.wait()

    def _measured(self, minute: int) -> int:
        """Keeps the minute's samples; its copies over all nodes."""
        slots = range(minute * 6, minute * 6 + 6)
        fresh = []
        for node in self._maps.kept.nodes:
            counted = self._caches.of(node).counts(rates.NAMES, slots)
            requests, misses = counted[rates.REQUESTS], counted[rates.ORIGIN_READS]
            fresh.append(Sample(node.id, minute, requests, requests - misses, misses, counted[rates.COPIES]))
        self._samples = [*self._samples[-32:], *fresh]
        return sum(one.copies for one in fresh)

    def _end_handoff(self) -> None:
        fleet_map, now = self._maps.kept, (self._clock.minute + 1) * 60.0
        why = resize.handoff_over(fleet_map, self._samples, (), now, resize.CEILING_SECONDS)
        if why is not None:
            for node in fleet_map.leaving:
                self._restart(node)  # as a terminated instance: nothing it held is there any more
            self._maps.kept = fleet.settled(fleet_map)

    def _restart(self, node: Node) -> None:
        number = self._nodes.index(node)
        process, _ = self._processes[number]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self._processes[number] = _memcached()
        self._nodes[number] = Node(f"{node.id}-", "127.0.0.1", self._processes[number][1])

    def _forget_strangers(self) -> None:
        """Takes from each node what it held before partitions moved away: no node is to be warm by old times."""
        fleet_map = self._maps.kept
        for node in fleet_map.nodes:
            served = set(fleet_map.partitions_of(node))
            strangers = [wire.wire_key(one.object_key) for one in self._known if partition_of(one.key) not in served]
            for start in range(0, len(strangers), 500):
                self._caches.of(node).remove(strangers[start : start + 500])

    def _warm(self) -> None:
        for image in self._known:
            self._reader.read(image, self._maps.kept.version, NoStopwatch())


def image_of(number: int) -> Image:
    """The image that always has this number."""
    data = data_of(number)
    key = b"k%d" % number
    object_key = f"originals/{OWNER.hex()}/{number:032x}"
    facts = ImageFacts("image/png", 16, 16, 1)
    return Image(
        OWNER, key, object_key, hashlib.sha256(data).digest(), len(data), facts, datetime.fromtimestamp(0, UTC)
    )


def data_of(number: int) -> bytes:
    """The bytes of the object with this number."""
    return number.to_bytes(16, "big") * (IMAGE_BYTES // 16)


def _memcached() -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    process = subprocess.Popen(
        [_program(), "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", str(NODE_MB), "-u", "root", "-t", "1"]
    )
    deadline = time.monotonic() + 20
    while not MemcachedNodeAdmin(Node("starting", "127.0.0.1", port)).answers():
        if time.monotonic() > deadline or process.poll() is not None:
            raise RuntimeError("memcached did not start")
        time.sleep(0.02)
    return process, port


def _program() -> str:
    return next(
        str(found) for folder in ("/usr/bin", "/usr/local/bin") if (found := Path(folder, "memcached")).exists()
    )
