"""The first page in the fleet: no order of steps shows one older than what was acknowledged before the request."""

import json
import random
from collections.abc import Callable, Sequence

import pytest

from chalicelib.bootstrap import Services
from chalicelib.domain import wire
from chalicelib.domain.accounts import Owner, Principal, Standing
from chalicelib.domain.fleet import Node
from chalicelib.domain.gallery import Cursor, GalleryEntry
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.search import EVERYTHING, Query
from chalicelib.services.gallery import Gallery
from chalicelib.services.images import no_precondition
from chalicelib.services.page_cache import PageCache
from chalicelib.services.read_through import FillPolicy
from tests.fakes import MemoryParts, MemoryStore, NullStopwatch
from tests.fakes.gallery_rows import MemoryGalleryRows
from tests.fakes.interleaving import Interleaving, Pick
from tests.fakes.schedules import explore

DEMO = Principal("demo")
NODES = (Node("node-a", "10.0.0.1", 11211),)
POLICY = FillPolicy(poll_seconds=0.5, wait_seconds=0.5)
PICTURE = b"\x89PNG the inspector is a fake here"


class StaleError(AssertionError):
    """A page lacked what was acknowledged before it was asked for, or showed what never was."""


CAPTIONS = ["", "one", "two"]
Rows = Callable[[MemoryStore], MemoryGalleryRows]


class Scope:
    """Two readers and a writer that describes an image twice, over one node."""

    def __init__(self, pick: Pick, rows: Rows) -> None:
        self.parts = MemoryParts(nodes=NODES)
        writer = self.parts.services(policy=POLICY)
        writer.images.put(DEMO, b"k1", PICTURE, no_precondition, NullStopwatch())
        self.describe = writer.image_details.describe
        self.acknowledged = 0
        self.interleaving = Interleaving(random.Random(0), pick)
        self.rows = rows(self.parts.store)
        self.parts.steps.gate = self.interleaving.gate
        self.parts.clock.on_sleep = lambda seconds: self.interleaving.gate()

    def run(self) -> None:
        """Raises StaleError."""
        self.interleaving.run([self.read, self.write, self.read])
        self.read()  # what was left in the node

    def write(self) -> None:
        for caption in CAPTIONS[1:]:
            self.describe(DEMO, b"k1", caption, no_precondition)
            self.acknowledged += 1

    def read(self) -> None:
        parts, before = self.parts, self.acknowledged
        cache = PageCache(parts.maps, parts.caches, parts.clock, POLICY)
        gallery = Gallery(self.rows, parts.rendition_rows, cache, parts.staleness)
        page = gallery.first_page(DEMO, 60, NullStopwatch()).page
        if CAPTIONS.index(page.tiles[0].caption) < before:
            raise StaleError


class Always(Owner):
    """An owner that is the same at any version."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Owner) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)


class Unchecked(MemoryGalleryRows):
    """The rule that the version after the rows is the one before them, taken out: it always seems to be."""

    def standing(self, principal: Principal) -> Standing:
        now = super().standing(principal)
        return Standing(Always(now.owner.id, now.owner.version), now.map_version)


class EarlierVersion(MemoryGalleryRows):
    """The rule that the version is read after the request began, taken out: the first one read is kept for ever."""

    kept: Standing | None = None

    def standing(self, principal: Principal) -> Standing:
        self.kept = self.kept or super().standing(principal)
        return self.kept


class EarlierRows(MemoryGalleryRows):
    """The rule that rows are read after the version, taken out: they are those that were read first."""

    kept: tuple[Sequence[GalleryEntry], ListSource] | None = None

    def page(
        self, principal: Principal, after: Cursor | None, limit: int, query: Query = EVERYTHING
    ) -> tuple[Sequence[GalleryEntry], ListSource]:
        self.kept = self.kept or super().page(principal, after, limit, query)
        return self.kept


def test_no_order_of_steps_shows_a_page_older_than_what_was_acknowledged() -> None:
    orders = explore(lambda pick: Scope(pick, MemoryGalleryRows).run(), 1)
    assert orders > 20


@pytest.mark.parametrize("rows", [EarlierVersion, EarlierRows])
def test_the_check_sees_when_a_rule_is_taken_out(rows: Rows) -> None:
    with pytest.raises(StaleError):
        explore(lambda pick: Scope(pick, rows).run(), 1)


def test_without_comparing_versions_a_page_is_not_that_of_its_version() -> None:
    kept: list[tuple[int, str]] = []

    def run(pick: Pick) -> None:
        scope = Scope(pick, Unchecked)
        scope.run()
        for key, value in scope.parts.caches.of(NODES[0]).values.items():
            if key.startswith(b"p:") and value != wire.PLACEHOLDER:
                page = json.loads(bytes(value[26:]))
                kept.append((int(key.split(b":")[2]), page["tiles"][0]["caption"]))

    explore(run, 1)
    by_version: dict[int, set[str]] = {}
    for version, caption in kept:
        by_version.setdefault(version, set()).add(caption)
    assert any(len(captions) > 1 for captions in by_version.values())


def perform_all(services: Services, job_ids: list[bytes]) -> None:
    for job_id in job_ids:
        services.worker.perform(job_id)


@pytest.mark.parametrize("what", ["put", "describe", "rename", "tag", "untag", "delete", "render", "edit"])
def test_each_change_that_a_page_shows_is_shown_at_once(what: str) -> None:
    parts = MemoryParts(nodes=NODES)
    services = parts.services()
    services.images.put(DEMO, b"k1", PICTURE, no_precondition, NullStopwatch())
    services.renditions.add_tag(DEMO, b"k1", "sea")

    def shown() -> tuple[str, str]:
        first = services.gallery.first_page(DEMO, 60, NullStopwatch())
        return first.source, json.dumps(first.page.plain())

    changes: dict[str, Callable[[], object]] = {
        "put": lambda: services.images.put(DEMO, b"k2", PICTURE, no_precondition, NullStopwatch()),
        "describe": lambda: services.image_details.describe(DEMO, b"k1", "a caption", no_precondition),
        "rename": lambda: services.image_details.rename(DEMO, b"k1", "k9", no_precondition),
        "tag": lambda: services.renditions.add_tag(DEMO, b"k1", "sand"),
        "untag": lambda: services.renditions.remove_tag(DEMO, b"k1", "sea"),
        "delete": lambda: services.images.delete(DEMO, b"k1", no_precondition),
        "render": lambda: perform_all(services, list(parts.store.jobs)),
        "edit": lambda: services.renditions.edit(DEMO, b"k1", "greyscale"),
    }
    assert shown()[0] == "primary"
    before = shown()
    assert before[0] == "cache"
    changes[what]()
    source, page = shown()
    assert source == "primary"
    assert (page == before[1]) == (what in ("tag", "untag"))  # tags are not on the page: a miss, and the same
    assert shown() == ("cache", page)


def test_a_node_that_does_not_answer_costs_nobody_the_page() -> None:
    parts = MemoryParts(nodes=NODES)
    services = parts.services()
    parts.caches.of(NODES[0]).down = True
    assert services.gallery.first_page(DEMO, 60, NullStopwatch()).source == "primary"


def test_a_page_says_whose_it_is_and_at_which_version() -> None:
    owner, other = bytes(16), bytes(15) + b"1"
    value = wire.wrapped_page(owner, 7, b"{}")
    assert wire.unwrapped_page(value, owner, 7) == b"{}"
    assert wire.unwrapped_page(value, owner, 8) is None
    assert wire.unwrapped_page(value, other, 7) is None
    key = wire.page_key(owner, 7, "first:60")
    assert wire.object_key_of(key) is None
    assert wire.is_kept(key)
    assert wire.belongs_to(key, owner.hex())
    with pytest.raises(ValueError, match="parameters"):
        wire.page_key(owner, 7, "a b")
