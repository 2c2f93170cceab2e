import random
import secrets

import pytest

from chalicelib.domain import jobs, wire
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import NodeError, ObjectsUnavailableError, QueueUnavailableError, StoreError
from chalicelib.domain.fleet import Node, moved
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job, Removal
from chalicelib.domain.partitions import partition_of
from chalicelib.services.images import no_precondition
from chalicelib.services.worker import RESEND_BATCH
from tests.fakes import MemoryParts, NullStopwatch
from tests.fakes.store import JobRow

DEMO = Principal("demo")


class Store:
    """The worker on fakes, and a writer to make work for it."""

    def __init__(self) -> None:
        self.parts = MemoryParts()
        self.services = self.parts.services()
        self.worker = self.services.worker

    def put(self, key: bytes = b"k1") -> Image:
        """A new image, its renditions left unmade: their job is gone."""
        image = self.services.images.put(DEMO, key, secrets.token_bytes(8), no_precondition, NullStopwatch()).image
        owed = self.parts.store.jobs
        for job_id in [job_id for job_id, row in owed.items() if row.job.kind == jobs.RENDER]:
            del owed[job_id]
            self.parts.queue.messages.remove(job_id)
        return image

    def owe(self, *images: Image, kind: str = jobs.REMOVE_OBJECTS) -> bytes:
        """A due job to remove these images' objects, whatever the rows say."""
        removals = [Removal(image.owner_id, image.object_key, partition_of(image.key)) for image in images]
        made = jobs.removal_job(secrets.token_bytes(16), removals)
        self.parts.store.jobs[made.id] = JobRow(Job(made.id, kind, made.body), self.parts.clock.now())
        return made.id

    def read(self, key: bytes = b"k1") -> None:
        self.services.images.get(DEMO, key, NullStopwatch())

    def cached(self, image: Image) -> bool:
        wire_key = wire.wire_key(image.object_key)
        return any(wire_key in cache.values for cache in self.parts.caches.nodes.values())


@pytest.fixture
def store() -> Store:
    return Store()


def replaced(store: Store) -> tuple[Image, bytes]:
    """A cached image whose object was just replaced, and the job that removes it."""
    image = store.put()
    store.read()
    store.put()
    return image, store.parts.queue.messages.pop()


def test_a_replaced_object_leaves_the_store_and_its_node(store: Store) -> None:
    image, job_id = replaced(store)
    assert store.cached(image)
    store.worker.perform(job_id)
    assert not store.cached(image)
    assert image.object_key not in store.parts.objects.stored
    assert store.parts.store.jobs == {}


def test_a_removed_object_leaves_the_nodes_that_its_partition_moved_from(store: Store) -> None:
    image, job_id = replaced(store)
    new = Node("node-c", "10.0.0.3", 11211)
    store.parts.store.fleet_map = moved(store.parts.fleet_map, [new], (0,) * 16, 0.0)
    store.worker.perform(job_id)
    assert not store.cached(image)


def test_performing_a_job_again_changes_nothing(store: Store) -> None:
    _, job_id = replaced(store)
    store.worker.perform(job_id)
    stored = dict(store.parts.objects.stored)
    store.worker.perform(job_id)
    assert store.parts.objects.stored == stored


def test_a_job_that_is_not_owed_is_nothing(store: Store) -> None:
    store.worker.perform(b"\x00" * 16)
    assert store.parts.steps.taken == ["jobs.claim"]


def test_an_object_that_an_image_names_is_never_removed(store: Store) -> None:
    kept, gone = store.put(b"k1"), store.put(b"k2")
    store.read(b"k1")
    store.services.images.delete(DEMO, b"k2", no_precondition)
    store.worker.perform(store.owe(kept, gone))
    assert set(store.parts.objects.stored) == {kept.object_key}
    assert store.cached(kept)


def test_a_job_of_which_nothing_may_go_asks_the_store_for_nothing(store: Store) -> None:
    job_id = store.owe(store.put())
    store.worker.perform(job_id)
    assert "objects.remove" not in store.parts.steps.taken
    assert store.parts.store.jobs == {}


def test_a_node_that_is_down_does_not_keep_an_object(store: Store) -> None:
    image, job_id = replaced(store)
    for node in store.parts.nodes:
        store.parts.caches.of(node).down = True
    store.worker.perform(job_id)
    assert image.object_key not in store.parts.objects.stored


def test_a_node_that_fails_does_not_keep_the_others_from_being_asked(store: Store) -> None:
    images = [store.put(b"k%d" % number) for number in range(20)]
    for number in range(20):
        store.read(b"k%d" % number)
    store.services.images.delete_all(DEMO)
    store.parts.steps.fail("node.remove", NodeError("no"))
    store.worker.perform(store.parts.queue.messages.pop())
    assert store.parts.objects.stored == {}
    assert {partition_of(image.key) % 2 for image in images if store.cached(image)} == {0}


@pytest.mark.parametrize("step", ["jobs.claim", "jobs.unreferenced", "maps.current", "objects.remove", "jobs.finish"])
@pytest.mark.parametrize("after", [False, True])
def test_a_job_that_fails_at_any_step_is_still_owed_and_can_be_done_later(store: Store, step: str, after: bool) -> None:
    image, job_id = replaced(store)
    store.parts.steps.fail(step, ObjectsUnavailableError("no"), after=after)
    with pytest.raises(ObjectsUnavailableError):
        store.worker.perform(job_id)
    assert (job_id in store.parts.store.jobs) != ((step, after) == ("jobs.finish", True))
    store.worker.perform(job_id)
    assert image.object_key not in store.parts.objects.stored
    assert store.parts.store.jobs == {}


def test_a_job_of_an_unknown_kind_is_an_error_and_stays(store: Store) -> None:
    job_id = store.owe(store.put(), kind="paint")
    with pytest.raises(StoreError, match="paint"):
        store.worker.perform(job_id)
    assert job_id in store.parts.store.jobs


def test_any_order_and_number_of_deliveries_has_one_outcome() -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    source = random.Random(seed)
    for _ in range(30):
        store = Store()
        for number in range(12):
            store.put(b"k%d" % (number % 4))
        store.services.images.delete(DEMO, b"k0", no_precondition)
        deliveries = store.parts.queue.messages * 3
        source.shuffle(deliveries)
        for job_id in deliveries:
            store.worker.perform(job_id)
        assert set(store.parts.objects.stored) == {image.object_key for image in store.parts.store.images.values()}
        assert len(store.parts.objects.stored) == 3
        assert store.parts.store.jobs == {}


def test_what_the_queue_lost_is_sent_again_after_a_minute(store: Store) -> None:
    _, job_id = replaced(store)
    assert store.worker.resend() == 0
    store.parts.clock.advance(61)
    assert store.worker.resend() == 1
    assert store.parts.queue.messages == [job_id]
    assert store.worker.resend() == 0


def test_what_could_not_be_sent_stays_due(store: Store) -> None:
    job_id = store.owe(store.put())
    store.parts.steps.fail("queue.send", QueueUnavailableError("no"))
    with pytest.raises(QueueUnavailableError):
        store.worker.resend()
    assert store.worker.resend() == 1
    assert store.parts.queue.messages == [job_id]


def test_one_run_sends_no_more_than_a_batch(store: Store) -> None:
    image = store.put()
    for _ in range(RESEND_BATCH + 1):
        store.owe(image)
    assert [store.worker.resend() for _ in range(3)] == [RESEND_BATCH, 1, 0]
