"""Uploads over fakes: two doors to one ingest, tried in every order, and ended at every step."""

import hashlib
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from chalicelib.domain.errors import (
    IdempotencyKeyReusedError,
    InvalidValueError,
    NotArrivedError,
    ObjectsUnavailableError,
    OverloadedError,
    QueueUnavailableError,
    RequestError,
    RowsUnavailableError,
    StoreError,
    TooLargeError,
    UnknownUploadError,
    UnreadableImageError,
    UnsupportedTypeError,
)
from chalicelib.domain.idempotency import asked_by
from chalicelib.domain.keys import TAKEN, IfTaken
from chalicelib.domain.uploads import FORM_SECONDS, Upload, UploadState
from tests.fakes.interleaving import Interleaving, Pick
from tests.fakes.schedules import explore
from tests.unit.image_store import DEMO, NEW, OLD, Killed, Store

DAYS = 24 * 3600.0
DOORS = ["complete", "arrived"]
STEPS = ["objects.fetch", "inspector.inspect", "rows.announce", "objects.put", "uploads.finish", "queue.send"]


class UploadStore(Store):
    """The services on fakes, with a browser at hand."""

    def __init__(self) -> None:
        super().__init__()
        self.uploads = self.services.uploads

    def posted(self, data: bytes = NEW, key: bytes = b"k1", if_taken: IfTaken = IfTaken.REPLACE) -> Upload:
        """An upload whose bytes lie in the object store, and nobody has been told."""
        upload = self.uploads.begin(DEMO, key, "image/png", len(data), None, if_taken).upload
        self.parts.objects.arrive(upload.incoming_key, data)
        return upload

    def open(self, door: str, upload: Upload) -> None:
        if door == "complete":
            self.uploads.complete(DEMO, upload.id)
        else:
            self.uploads.arrived(upload.incoming_key)

    def assert_one_image(self, upload: Upload, data: bytes = NEW) -> None:
        """After all that is owed was done: the upload is the image, and nothing else is left anywhere."""
        self.settle()
        now = self.uploads.find(DEMO, upload.id)
        assert now.state is UploadState.DONE
        assert self.shown(now.image_key) == data
        assert self.unnamed() == set()
        assert self.parts.store.jobs == {}


@pytest.fixture
def store() -> UploadStore:
    return UploadStore()


def error_of(step: str) -> StoreError:
    part = step.split(".")[0]
    if part == "objects":
        return ObjectsUnavailableError("no")
    return {"inspector": OverloadedError("no"), "queue": QueueUnavailableError("no")}.get(
        part, RowsUnavailableError("no")
    )


def test_a_form_is_for_one_object_one_type_and_five_minutes(store: UploadStore) -> None:
    begun = store.uploads.begin(DEMO, b"k1", "image/webp", 123)
    owner = store.parts.store.owners["demo"]
    assert begun.form.fields == {
        "key": f"incoming/{owner.id.hex()}/{begun.upload.id.hex()}",
        "Content-Type": "image/webp",
        "most": "123",
        "seconds": str(FORM_SECONDS),
    }
    assert (begun.expires_at - store.parts.clock.now()).total_seconds() == 300


@pytest.mark.parametrize(
    ("media_type", "size", "error"),
    [
        ("image/svg+xml", 10, UnsupportedTypeError),
        ("IMAGE/PNG", 10, UnsupportedTypeError),
        ("", 10, UnsupportedTypeError),
        ("image/png", 0, InvalidValueError),
        ("image/png", 64 * 1024 * 1024 + 1, TooLargeError),
    ],
)
def test_what_would_be_refused_is_refused_before_it_is_sent(
    store: UploadStore, media_type: str, size: int, error: type[StoreError]
) -> None:
    with pytest.raises(error):
        store.uploads.begin(DEMO, b"k1", media_type, size)
    assert store.parts.store.uploads == {}


def test_a_kind_of_image_that_is_not_taken_is_named_beside_those_that_are(store: UploadStore) -> None:
    with pytest.raises(UnsupportedTypeError, match=r"^AVIF images are not taken\. Images are JPEG"):
        store.uploads.begin(DEMO, b"k1", "image/avif", 10)
    with pytest.raises(UnsupportedTypeError, match="“text/html” is not taken"):
        store.uploads.begin(DEMO, b"k1", "text/html", 10)


@pytest.mark.parametrize("door", DOORS)
def test_bytes_that_arrived_become_the_image(store: UploadStore, door: str) -> None:
    upload = store.posted()
    store.parts.steps.taken.clear()
    store.open(door, upload)
    assert store.parts.steps.taken[1:] == [*STEPS, "jobs.mark_sent"]
    now = store.uploads.find(DEMO, upload.id)
    assert now.sha256 == hashlib.sha256(NEW).digest()
    store.assert_one_image(upload)


def test_an_upload_replaces_the_image_under_its_key(store: UploadStore) -> None:
    store.put(OLD)
    upload = store.posted()
    store.open("arrived", upload)
    store.assert_one_image(upload)


def test_the_same_bytes_under_another_key_are_named_and_stored(store: UploadStore) -> None:
    store.put(NEW, b"first")
    upload = store.posted(NEW, b"second")
    assert store.uploads.complete(DEMO, upload.id).duplicate_of == b"first"
    assert store.shown(b"first") == store.shown(b"second") == NEW


def test_every_call_after_the_first_answers_as_the_first(store: UploadStore) -> None:
    upload = store.posted()
    store.open("arrived", upload)
    first = store.uploads.complete(DEMO, upload.id)
    store.put(OLD)  # the image may change afterwards
    for _ in range(3):
        assert store.uploads.complete(DEMO, upload.id) == store.uploads.find(DEMO, upload.id) == first
        store.open("arrived", upload)
    assert store.shown() == OLD


def test_what_is_sent_to_a_used_form_goes_again(store: UploadStore) -> None:
    upload = store.posted()
    store.open("arrived", upload)
    store.settle()
    store.parts.objects.arrive(upload.incoming_key, OLD)
    store.open("arrived", upload)
    store.assert_one_image(upload)


@pytest.mark.parametrize("door", DOORS)
def test_without_bytes_nothing_ends(store: UploadStore, door: str) -> None:
    upload = store.uploads.begin(DEMO, b"k1", "image/png", 10).upload
    if door == "complete":
        with pytest.raises(NotArrivedError):
            store.open(door, upload)
    else:
        store.open(door, upload)
    assert store.uploads.find(DEMO, upload.id).state is UploadState.WAITING
    store.parts.objects.arrive(upload.incoming_key, NEW[:10])
    store.open(door, upload)
    store.assert_one_image(upload, NEW[:10])


def test_an_event_about_no_upload_changes_nothing(store: UploadStore) -> None:
    key = "incoming/" + "0" * 32 + "/" + "1" * 32
    store.parts.objects.arrive(key, NEW)
    store.uploads.arrived(key)
    assert store.parts.objects.stored == {key: (NEW, "image/png")}  # it may be another database's, and goes by itself


def test_another_s_upload_is_none(store: UploadStore) -> None:
    with pytest.raises(UnknownUploadError):
        store.uploads.find(DEMO, b"\x00" * 16)
    with pytest.raises(UnknownUploadError):
        store.uploads.complete(DEMO, b"\x00" * 16)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("refusal", [UnsupportedTypeError("why"), TooLargeError("why"), UnreadableImageError("why")])
def test_a_refused_image_says_why_is_not_tried_again_and_is_removed(
    store: UploadStore, door: str, refusal: RequestError
) -> None:
    upload = store.posted()
    store.parts.inspector.refusal = refusal
    store.open(door, upload)
    store.parts.inspector.refusal = None
    for again in (*DOORS, *DOORS):
        store.open(again, upload)
    now = store.uploads.find(DEMO, upload.id)
    assert (now.state, now.refusal) == (UploadState.REFUSED, "why")
    store.settle()
    assert store.parts.objects.stored == {}
    assert store.shown() is None


@pytest.mark.parametrize("door", DOORS)
def test_more_bytes_than_were_agreed_are_refused_unread(store: UploadStore, door: str) -> None:
    upload = store.posted()
    store.parts.objects.arrive(upload.incoming_key, NEW + b"more")
    store.parts.steps.taken.clear()
    store.open(door, upload)
    assert store.uploads.find(DEMO, upload.id).state is UploadState.REFUSED
    assert "inspector.inspect" not in store.parts.steps.taken


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("how", ["error", "killed"])
@pytest.mark.parametrize("door", DOORS)
def test_an_ingest_that_ends_at_any_step_is_made_good_by_the_next_event(
    store: UploadStore, step: str, after: bool, how: str, door: str
) -> None:
    store.put(OLD)
    upload = store.posted()
    error: BaseException = error_of(step) if how == "error" else Killed()
    store.parts.steps.fail(step, error, after=after)
    if how == "error" and step == "queue.send":  # the schedule sends it
        store.open(door, upload)
    else:
        with pytest.raises(type(error)):
            store.open(door, upload)
    assert store.orphans() - {upload.incoming_key} == set()
    store.open("arrived", upload)
    store.assert_one_image(upload)


@pytest.mark.parametrize("after", [False, True])
def test_a_refusal_that_fails_is_made_good_by_the_next_event(store: UploadStore, after: bool) -> None:
    upload = store.posted()
    store.parts.inspector.refusal = UnreadableImageError("why")
    store.parts.steps.fail("uploads.refuse", Killed(), after=after)
    with pytest.raises(Killed):
        store.open("arrived", upload)
    store.open("arrived", upload)
    store.settle()
    assert store.uploads.find(DEMO, upload.id).refusal == "why"
    assert store.parts.objects.stored == {}


def race(doors: list[str], preemptions: int, before: Callable[[UploadStore], None] = lambda store: None) -> int:
    """Every order of the doors within the bound; how many there were."""

    def run(pick: Pick) -> None:
        store = UploadStore()
        before(store)
        version = store.parts.store.owners["demo"].version
        upload = store.posted()
        interleaving = Interleaving(random.Random(1), pick)
        store.parts.steps.gate = interleaving.gate
        actors: list[Callable[[], None]] = [partial(store.open, door, upload) for door in doors]
        actors.append(partial(perform_one, store))
        interleaving.run(actors)
        store.assert_one_image(upload)
        assert store.parts.store.owners["demo"].version == version + 2  # written once, rendered once

    return explore(run, preemptions)


def perform_one(store: UploadStore) -> None:
    """The worker, which may remove what came while the slower door still looks for it."""
    if store.parts.queue.messages:
        store.services.worker.perform(store.parts.queue.messages.pop(0))


@pytest.mark.parametrize("doors", [["complete", "arrived"], ["arrived", "arrived"], ["complete", "complete"]])
def test_both_doors_at_once_make_one_image_in_every_order(doors: list[str]) -> None:
    assert race(doors, preemptions=2) > 100


def test_both_doors_at_once_replace_an_image_once() -> None:
    def put_old(store: UploadStore) -> None:
        store.put(OLD)
        store.settle()

    assert race(["complete", "arrived"], 1, put_old) > 20


@pytest.mark.parametrize("step", STEPS[:-1])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("data", [NEW, OLD], ids=["other bytes", "the same bytes"])
def test_an_ingest_that_keeps_both_and_is_killed_at_any_step_is_made_good_and_replaces_nothing(
    store: UploadStore, step: str, after: bool, data: bytes
) -> None:
    store.put(OLD)
    upload = store.posted(data, if_taken=IfTaken.KEEP_BOTH)
    store.parts.steps.fail(step, Killed(), after=after)
    with pytest.raises(Killed):
        store.open("arrived", upload)
    assert store.orphans() - {upload.incoming_key} == set()
    store.open("arrived", upload)
    store.assert_one_image(upload, data)
    assert store.shown() == OLD
    assert len(store.parts.store.images) == (1 if data == OLD else 2)


@pytest.mark.parametrize("second", [OLD, NEW], ids=["other bytes", "the same bytes"])
def test_two_uploads_for_one_name_at_once_lose_nothing_in_every_order(second: bytes) -> None:
    def run(pick: Pick) -> None:
        store = UploadStore()
        uploads = [store.posted(data, if_taken=IfTaken.KEEP_BOTH) for data in (NEW, second)]
        interleaving = Interleaving(random.Random(1), pick)
        store.parts.steps.gate = interleaving.gate
        actors: list[Callable[[], None]] = [partial(store.open, "arrived", upload) for upload in uploads]
        interleaving.run(actors)
        for upload, data in zip(uploads, (NEW, second), strict=True):
            store.assert_one_image(upload, data)
        keys = sorted(image.key for image in store.parts.store.images.values())
        assert keys == ([b"k1"] if second == NEW else [b"k1", b"k1 (2)"])

    assert explore(run, 2) > 20


def test_an_upload_that_must_be_new_is_refused_in_words_by_either_door() -> None:
    for door in DOORS:
        store = UploadStore()
        upload = store.posted(if_taken=IfTaken.REFUSE)
        store.put(OLD)
        store.open(door, upload)
        ended = store.uploads.find(DEMO, upload.id)
        assert (ended.state, ended.refusal) == (UploadState.REFUSED, TAKEN)
        store.settle()
        assert (store.shown(), store.unnamed()) == (OLD, set())


def test_a_thousand_events_five_times_and_shuffled_make_a_thousand_images() -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    source, store = random.Random(seed), UploadStore()
    uploads = [store.posted(b"bytes %d" % number, b"key %d" % number) for number in range(1000)]
    events = [upload for upload in uploads for _ in range(5)]
    source.shuffle(events)
    pages = set(source.sample(range(len(events)), 500))
    for _ in range(300):  # somewhere along the way
        step = source.choice(STEPS[:-1])
        store.parts.steps.fail(step, error_of(step), after=source.random() < 0.5)

    def deliver(number: int) -> Upload | None:
        """The event if it has to come again."""
        upload = events[number]
        try:
            if number in pages:
                store.uploads.complete(DEMO, upload.id)
            store.uploads.arrived(upload.incoming_key)
        except StoreError:
            return upload
        return None

    with ThreadPoolExecutor(4) as pool:
        events = [upload for upload in pool.map(deliver, range(len(events))) if upload is not None]
    assert events
    store.parts.steps.forget()
    for upload in events:
        store.uploads.arrived(upload.incoming_key)
    while store.parts.store.jobs:  # the schedule sends some hundred at once
        store.settle()
    images = store.parts.store.images
    assert {image.key: image.sha256 for image in images.values()} == {
        b"key %d" % number: hashlib.sha256(b"bytes %d" % number).digest() for number in range(1000)
    }
    assert store.parts.store.owners["demo"].version == 2000  # each was written once and rendered once
    assert {upload.state for upload in store.parts.store.uploads.values()} == {UploadState.DONE}
    assert store.unnamed() == set()
    assert store.parts.store.jobs == {}


ASKED = asked_by("one key", b"one request")


def test_a_beginning_sent_again_gives_the_same_upload(store: UploadStore) -> None:
    first = store.uploads.begin(DEMO, b"k1", "image/png", 10, ASKED)
    again = store.uploads.begin(DEMO, b"k1", "image/png", 10, ASKED)
    assert (again.upload, again.form) == (first.upload, first.form)
    assert len(store.parts.store.uploads) == 1
    with pytest.raises(IdempotencyKeyReusedError):
        store.uploads.begin(DEMO, b"k2", "image/png", 10, asked_by("one key", b"another request"))


def test_of_two_same_beginnings_at_once_both_give_the_same_upload(store: UploadStore) -> None:
    others: list[Upload] = []
    store.parts.steps.before(
        "uploads.begin",
        lambda: others.append(store.uploads.begin(DEMO, b"k1", "image/png", 10, ASKED).upload),
    )
    assert [store.uploads.begin(DEMO, b"k1", "image/png", 10, ASKED).upload] == others


@pytest.mark.parametrize("key", ["", "a" * 256, "é", "a\n"])
def test_what_is_no_idempotency_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidValueError):
        asked_by(key, b"a request")


def test_requests_are_told_apart_by_each_of_their_parts() -> None:
    assert asked_by("k", b"a", b"bc").request_hash != asked_by("k", b"ab", b"c").request_hash
    assert asked_by("k", b"a", b"").request_hash != asked_by("k", b"a").request_hash
