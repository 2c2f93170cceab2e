"""The row decides, in every order of steps of a small scope, up to one preemption (two in `make prove`).

The scope: one key, cached in one node; one reader, one writer that replaces or deletes, the worker that removes what is
owed, one resize that moves the key's partition to a second node with a handoff, and one restart or confusion of the
first. They are the project's own services over the fakes. Left out: more than one of each, and orders with more
preemptions; test_row_decides.py draws those at random.
"""

import hashlib
import itertools
import random
from typing import Any

import pytest

from chalicelib.bootstrap import Services
from chalicelib.domain import wire
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import NotFoundError, ObjectsUnavailableError
from chalicelib.domain.fleet import Node, moved
from chalicelib.domain.ports import Row
from chalicelib.services.images import no_precondition
from chalicelib.services.read_through import FillPolicy
from tests.fakes import MemoryFleetMaps, MemoryParts, MemoryStore, NullStopwatch
from tests.fakes.interleaving import Interleaving, Pick
from tests.fakes.schedules import explore
from tests.unit.test_row_decides import DEMO, KEY, LostError, RecordingRows, StaleError

PREEMPTIONS = 1
NODES = (Node("node-a", "10.0.0.1", 11211), Node("node-b", "10.0.0.2", 11211))
FATES = (("resize", "restart"), ("restart", "resize"), ("resize", "confusion"), ("confusion", "resize"))
POLICY = FillPolicy(poll_seconds=0.5, wait_seconds=0.5)
OLD, NEW = b"the old bytes", b"the new bytes"


class EarlierRows(RecordingRows):
    """The rule that the row is read after the request began, taken out: the first row read is kept for ever."""

    kept: Row | None = None

    def row(self, principal: Principal, key: bytes) -> Row:
        if self.kept is None:
            self.kept = super().row(principal, key)
        return self.kept


class Scope:
    """The small world, in which the actors take their steps in the order that is picked."""

    def __init__(self, pick: Pick, rows: type[RecordingRows], deletes: bool, fate: tuple[str, ...]) -> None:
        self.parts = MemoryParts(nodes=NODES[:1])
        self.states: list[bytes | None] = [None]
        self.rows, self.deletes, self.fate_is = rows, deletes, fate
        self.interleaving = Interleaving(random.Random(0), pick)
        writer = self.process()
        writer.images.put(DEMO, KEY, OLD, no_precondition, NullStopwatch())
        self.writer_images, self.reader_images = writer.images, self.process().images
        self.reader_images.get(DEMO, KEY, NullStopwatch())  # fills the node, and the reader's map and row
        self.parts.steps.gate = self.interleaving.gate
        self.parts.clock.on_sleep = lambda seconds: self.interleaving.gate()

    def process(self) -> Services:
        store: MemoryStore = self.parts.store
        return self.parts.services(image_rows=self.rows(store, self.states), maps=MemoryFleetMaps(store), policy=POLICY)

    def run(self) -> None:
        """Raises StaleError or LostError."""
        self.interleaving.run([self.read, self.write, self.remove, self.fate])
        named = [image.object_key for image in self.parts.store.images.values()]
        if any(object_key not in self.parts.objects.stored for object_key in named):
            raise LostError

    def read(self) -> None:
        first = len(self.states) - 1
        try:
            _, served = self.reader_images.get(DEMO, KEY, NullStopwatch())
        except NotFoundError:
            found = None
        except ObjectsUnavailableError:
            return
        else:
            assert served is not None
            found = hashlib.sha256(served.data).digest()
        if found not in self.states[first:]:
            raise StaleError

    def write(self) -> None:
        if self.deletes:
            self.writer_images.delete(DEMO, KEY, no_precondition)
        else:
            self.writer_images.put(DEMO, KEY, NEW, no_precondition, NullStopwatch())

    def remove(self) -> None:
        worker = self.process().worker
        worker.resend()
        while self.parts.queue.messages:
            worker.perform(self.parts.queue.messages.pop(0))

    def fate(self) -> None:
        for happens in self.fate_is:
            self.interleaving.gate()
            self.happen(happens)

    def happen(self, what: str) -> None:
        node = self.parts.caches.of(NODES[0])
        if what == "resize":
            self.parts.store.fleet_map = moved(self.parts.fleet_map, NODES[1:], (0,) * 16, 0.0)
        elif what == "restart":
            node.restart()
        else:  # it answers for each of its keys with what it was given for any other, ever
            owner_id = self.parts.store.owners["demo"].id
            ever = [wire.wrapped(owner_id, key, data) for key, (data, _) in self.parts.objects.stored.items()]
            for wire_key in {wire.wire_key(key) for key in self.parts.objects.stored}:
                node.store(wire_key, ever[0])


def every_order(rows: type[RecordingRows] = RecordingRows, preemptions: int = PREEMPTIONS) -> int:
    """How many orders there are. Raises StaleError or LostError."""
    count = 0
    for deletes, fate in itertools.product((False, True), FATES):
        count += explore(lambda pick, deletes=deletes, fate=fate: Scope(pick, rows, deletes, fate).run(), preemptions)  # type: ignore[misc]
    return count


def test_no_order_within_the_bound_shows_old_bytes_or_loses_any() -> None:
    count = every_order()
    print(f"{count} orders")
    assert count > 1000


def test_with_a_row_from_before_the_request_some_order_shows_old_bytes() -> None:
    with pytest.raises(StaleError):
        every_order(EarlierRows)


def test_cached_under_the_images_key_some_order_shows_old_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    wire_key, wrapped, unwrapped = wire.wire_key, wire.wrapped, wire.unwrapped
    monkeypatch.setattr(wire, "wire_key", lambda object_key: wire_key("k1"))
    monkeypatch.setattr(wire, "wrapped", lambda owner_id, object_key, data: wrapped(owner_id, "k1", data))
    monkeypatch.setattr(wire, "unwrapped", lambda value, owner_id, object_key: unwrapped(value, owner_id, "k1"))
    with pytest.raises(StaleError):
        every_order()


def test_without_the_name_in_the_value_some_order_shows_old_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def unchecked(value: Any, owner_id: bytes, object_key: str) -> Any:
        return value[len(wire.wrapped(owner_id, object_key, b"")) :]

    monkeypatch.setattr(wire, "unwrapped", unchecked)
    with pytest.raises(StaleError):
        every_order()
