"""The row decides: no order of steps of readers, writers, late fills, resizes, restarts and removals shows old bytes.

The project's own services run over the fakes, switched at every call that leaves the process. What a reader is shown
must be what the row said at some moment after its request began, and at the end every row's object must be there.

Processes go by any map that was ever published, and may stand still for any length of time. Nodes restart, evict, hang,
come back with all that they held, and answer with what they were not asked for. Partitions move by both assignments,
back to back, with handoffs that copy. To know that the checks can fail, each rule is taken out once:

- what is shown is looked up in a row that is read after the request began
- bytes lie under an object key that is never used again, in the origin and in the nodes
- a value names its owner and object, and this is checked when a node serves it and when it is copied from a node
- a writer whose announced removal was acted on may not commit
"""

import hashlib
import os
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from chalicelib.bootstrap import Services
from chalicelib.domain import wire
from chalicelib.domain.accounts import Principal
from chalicelib.domain.assignments import KINDS, assigned
from chalicelib.domain.errors import NotFoundError, ObjectsUnavailableError, StoreError
from chalicelib.domain.fleet import FleetMap, Node, forgetting, moved, settled
from chalicelib.domain.idempotency import Note
from chalicelib.domain.ports import Draft, Precondition, Row, Written
from chalicelib.services.images import no_precondition
from chalicelib.services.read_through import FillPolicy, ReadThrough
from tests.fakes import MemoryFleetMaps, MemoryImageRows, MemoryJobRows, MemoryParts, MemoryStore, NullStopwatch
from tests.fakes.interleaving import Interleaving

DEMO, KEY = Principal("demo"), b"k1"
HISTORIES = 250
MANY_HISTORIES = 5000  # ended by the first that shows old bytes: one in three, or in eighty for a confused node
READERS, WRITERS = 3, 2
POLICY = FillPolicy(poll_seconds=0.5, wait_seconds=1.0)


class StaleError(AssertionError):
    """A reader was shown what was no longer so when its request began."""


class RecordingRows(MemoryImageRows):
    """MemoryImageRows that write down each state of the one key, in the order of the commits."""

    def __init__(self, store: MemoryStore, states: list[bytes | None]) -> None:
        super().__init__(store)
        self.states = states

    def put(
        self,
        principal: Principal,
        draft: Draft,
        intent_id: bytes,
        precondition: Precondition,
        note: Note[Written] | None = None,
    ) -> Written:
        written = super().put(principal, draft, intent_id, precondition, note)
        self.states.append(draft.sha256)
        return written

    def delete(
        self, principal: Principal, key: bytes, job_id: bytes, precondition: Precondition
    ) -> tuple[bytes, ...] | None:
        due = super().delete(principal, key, job_id, precondition)
        if due is not None:
            self.states.append(None)
        return due


class LostError(AssertionError):
    """A row names an object that is not there."""


class AnyMap(MemoryFleetMaps):
    """Maps as a process knows them that was told late, or not at all: any that was ever published."""

    def __init__(self, store: MemoryStore, ever: list[FleetMap], source: random.Random) -> None:
        super().__init__(store)
        self._ever = ever
        self._source = source

    def at(self, version: int) -> FleetMap:
        return self._source.choice(self._ever) if self._source.random() < 0.5 else super().at(version)


class KeptRows(RecordingRows):
    """The rule that the row is read after the request began, taken out: half of the time an older one is used."""

    def __init__(self, store: MemoryStore, states: list[bytes | None], source: random.Random) -> None:
        super().__init__(store, states)
        self._source = source
        self._kept: Row | None = None

    def row(self, principal: Principal, key: bytes) -> Row:
        if self._kept is None or self._source.random() < 0.5:
            self._kept = super().row(principal, key)
        return self._kept


class World:
    """One small world: processes with services of their own over one store, one fleet and one object store."""

    def __init__(self, source: random.Random, rows: Callable[[MemoryStore, list[bytes | None]], RecordingRows]) -> None:
        self.source = source
        self.parts = MemoryParts()
        self.states: list[bytes | None] = [None]
        self.rows = rows
        self.shown = 0
        self.from_nodes = 0
        self.interleaving = Interleaving(source)
        self.maps_ever = [self.parts.fleet_map]
        self.parts.steps.gate = self.interleaving.gate
        self.parts.clock.on_sleep = lambda seconds: self.interleaving.gate()

    def run(self) -> None:
        """Raises StaleError."""
        self.interleaving.run(
            [
                *[self.reader for _ in range(READERS)],
                *[self.writer_of(number) for number in range(WRITERS)],
                self.worker,
                self.chance,
            ]
        )
        if self.lost():
            raise LostError

    def lost(self) -> list[str]:
        """The objects that rows name and that are not there."""
        named = [image.object_key for image in self.parts.store.images.values()]
        return [object_key for object_key in named if object_key not in self.parts.objects.stored]

    def process(self) -> Services:
        """A process, with a fleet map of its own in memory."""
        return self.parts.services(
            image_rows=self.rows(self.parts.store, self.states),
            maps=AnyMap(self.parts.store, self.maps_ever, self.source),
            policy=POLICY,
        )

    def reader(self) -> None:
        images = self.process().images
        for _ in range(3):
            first = len(self.states) - 1  # the state when the request began
            try:
                _, served = images.get(DEMO, KEY, NullStopwatch())
            except NotFoundError:
                found = None
            except ObjectsUnavailableError:
                continue  # written anew at each of its attempts: no answer is not an old one
            else:
                assert served is not None
                found = hashlib.sha256(served.data).digest()
                self.shown += 1
                self.from_nodes += served.node is not None
            if found not in self.states[first:]:
                raise StaleError

    def writer_of(self, number: int) -> Callable[[], None]:
        def write() -> None:
            images = self.process().images
            for count in range(3):
                try:
                    if self.source.random() < 0.8:
                        images.put(
                            DEMO, KEY, b"writer %d, write %d" % (number, count), no_precondition, NullStopwatch()
                        )
                    else:
                        images.delete(DEMO, KEY, no_precondition)
                except StoreError:
                    continue  # nothing to delete, or given up because it took too long

        return write

    def worker(self) -> None:
        worker = self.process().worker
        for _ in range(4):
            self.interleaving.gate()
            worker.resend()
            while self.parts.queue.messages:
                worker.perform(self.parts.queue.messages.pop(0))

    def chance(self) -> None:
        """Restarts, evictions, time, resizes, and nodes that answer with what they were not asked for."""
        nodes = [Node(f"node-{number}", f"10.0.0.{number}", 11211) for number in range(4)]
        owner_id = self.parts.store.owners["demo"].id
        ever = [wire.PLACEHOLDER]  # and every value that any node can ever have held
        for _ in range(8):
            self.interleaving.gate()
            if self.source.random() < 0.5:  # hung nodes come back, with all that they held
                for one in self.parts.caches.nodes.values():
                    one.down = False
            ever += [wire.wrapped(owner_id, name, data) for name, (data, _) in self.parts.objects.stored.items()]
            cache = self.parts.caches.of(self.source.choice(nodes))
            match self.source.randrange(9):
                case 0:
                    cache.restart()
                case 1:
                    cache.evict()
                case 2:
                    self.parts.clock.advance(self.source.choice((6, 61, 7200)))
                case 3 | 4 | 6 | 7:
                    self.publish(nodes)
                case 8:
                    cache.down = not cache.down
                case 5:
                    for one in self.parts.caches.nodes.values():
                        for wire_key in list(one.values):
                            one.store(wire_key, self.source.choice(ever))

    def publish(self, nodes: list[Node]) -> None:
        """A resize, the end of a handoff, or a node that is asked no more."""
        current = self.parts.fleet_map
        match self.source.randrange(4):
            case 0 | 1:
                chosen = self.source.sample(nodes, self.source.randint(1, 3))
                assignment = assigned(self.source.choice(KINDS), current.owners, chosen)
                fresh = moved(current, chosen, assignment, at=0.0)
            case 2:
                fresh = settled(current)
            case _:
                fresh = forgetting(current, [self.source.choice(nodes).id])
        self.parts.store.fleet_map = fresh
        self.maps_ever.append(fresh)


def histories(
    rows: Callable[[MemoryStore, list[bytes | None], random.Random], RecordingRows], count: int = HISTORIES
) -> tuple[int, int]:
    """How many images were shown, and how many of them by nodes. Raises StaleError."""
    seed = int(os.environ.get("ROW_DECIDES_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed} (ROW_DECIDES_SEED)")
    shown = from_nodes = 0
    for number in range(count):
        source = random.Random(seed + number)
        world = World(source, lambda store, states, source=source: rows(store, states, source))  # type: ignore[misc]
        world.run()
        shown, from_nodes = shown + world.shown, from_nodes + world.from_nodes
    return shown, from_nodes


def recording(store: MemoryStore, states: list[bytes | None], source: random.Random) -> RecordingRows:
    return RecordingRows(store, states)


def test_no_history_shows_old_bytes() -> None:
    shown, from_nodes = histories(recording)
    print(f"{shown} images shown, {from_nodes} of them by nodes, over {HISTORIES} histories")
    assert shown > HISTORIES
    assert from_nodes > HISTORIES / 10


def test_cached_under_the_images_key_old_bytes_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    wire_key, wrapped, unwrapped = wire.wire_key, wire.wrapped, wire.unwrapped
    monkeypatch.setattr(wire, "wire_key", lambda object_key: wire_key("k1"))
    monkeypatch.setattr(wire, "wrapped", lambda owner_id, object_key, data: wrapped(owner_id, "k1", data))
    monkeypatch.setattr(wire, "unwrapped", lambda value, owner_id, object_key: unwrapped(value, owner_id, "k1"))
    with pytest.raises(StaleError):
        histories(recording, MANY_HISTORIES)


def test_with_a_row_from_before_the_request_old_bytes_are_shown() -> None:
    with pytest.raises(StaleError):
        histories(KeptRows, MANY_HISTORIES)


def test_without_the_name_in_the_value_a_confused_node_shows_old_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def unchecked(value: bytes, owner_id: bytes, object_key: str) -> bytes:
        return value[len(wire.wrapped(owner_id, object_key, b"")) :]

    monkeypatch.setattr(wire, "unwrapped", unchecked)
    with pytest.raises(StaleError):
        histories(recording, MANY_HISTORIES)


def test_without_that_check_on_copies_a_confused_previous_node_shows_old_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    unwrapped, copied = wire.unwrapped, ReadThrough._copied
    copying = threading.local()

    def unchecked_copy(*args: Any) -> Any:
        copying.now = True
        try:
            return copied(*args)
        finally:
            copying.now = False

    def checked_elsewhere(value: bytes, owner_id: bytes, object_key: str) -> Any:
        if getattr(copying, "now", False):
            return value[len(wire.wrapped(owner_id, object_key, b"")) :]
        return unwrapped(value, owner_id, object_key)

    monkeypatch.setattr(ReadThrough, "_copied", unchecked_copy)
    monkeypatch.setattr(wire, "unwrapped", checked_elsewhere)
    with pytest.raises(StaleError):
        histories(recording, MANY_HISTORIES)


@pytest.mark.parametrize(("noted", "lost"), [(True, 0), (False, 1)])
def test_a_writer_that_slept_until_its_removal_was_acted_on_commits_nothing(
    noted: bool, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not noted:  # the rule that acting on a removal is noted where the writer commits, taken out
        monkeypatch.setattr(MemoryJobRows, "claim", lambda rows, job_id: rows._store.jobs[job_id].job)
        monkeypatch.setattr(MemoryJobRows, "finish", lambda rows, job_id: None)
    world = World(random.Random(0), RecordingRows)
    services = world.process()

    def sleep_and_be_given_up() -> None:
        world.parts.clock.advance(7200)
        services.worker.resend()
        while world.parts.queue.messages:
            services.worker.perform(world.parts.queue.messages.pop(0))

    world.parts.steps.before("rows.put", sleep_and_be_given_up)
    with suppress(StoreError):
        services.images.put(DEMO, KEY, b"late", no_precondition, NullStopwatch())
    assert len(world.lost()) == lost
