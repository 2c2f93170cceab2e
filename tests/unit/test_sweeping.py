"""The sweeper over fakes: each thing that does not belong together, and whatever happens to a sweep on its way."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain import sweeping as decisions
from chalicelib.domain.errors import ObjectsUnavailableError, RowsUnavailableError, StoreError
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.stored_renditions import Rendition, State, object_key_of
from chalicelib.domain.sweeping import MARKER, QUARANTINE_DAYS, Kind, Outcome, Phase, quarantine_key
from chalicelib.domain.uploads import UploadState, incoming_key_of
from chalicelib.services import sweeping as service
from chalicelib.services.admin import By
from chalicelib.services.images import no_precondition
from tests.fakes.objects import LONG_AGO
from tests.unit.image_store import DEMO, NEW, OLD, Killed
from tests.unit.swept_store import DAY, LOST, ORPHAN, SweptStore

OWNER = b"\x01" * 16


@pytest.fixture
def store() -> SweptStore:
    return SweptStore()


def test_a_store_in_which_all_belongs_together_is_left_as_it_is(store: SweptStore) -> None:
    store.plant("dumps/a/b.gz")
    store.plant("downloads/a")
    before = dict(store.parts.objects.stored)
    store.sweep()
    assert store.found() == []
    assert store.parts.objects.stored.pop(MARKER) == (b"%d" % store.parts.store.sweep[0], "text/plain")
    assert store.parts.objects.stored == before
    last = store.sweeping.last()
    assert (last.objects, last.rows, last.number, last.phase) == (12, 12, 1, Phase.DONE)


@pytest.mark.parametrize(
    "object_key",
    [ORPHAN, object_key_of(ORPHAN, "thumbnail"), object_key_of(ORPHAN, "painted"), incoming_key_of(OWNER, b"u" * 16)],
)
def test_an_object_that_no_row_names_goes_into_quarantine_and_after_its_time(
    store: SweptStore, object_key: str
) -> None:
    store.plant(object_key, b"some bytes")
    store.sweep()
    assert store.found() == [(Kind.OBJECT, object_key, Outcome.QUARANTINED)]
    assert object_key not in store.parts.objects.stored
    assert store.parts.objects.stored[quarantine_key(object_key)][0] == b"some bytes"
    assert store.dangling() == []
    noted = store.parts.clock.now()
    while store.parts.clock.now() - noted < timedelta(days=QUARANTINE_DAYS - 2):
        store.sweep()
    assert quarantine_key(object_key) in store.parts.objects.stored
    for _ in range(3):
        store.sweep()
    assert store.found() == [(Kind.OBJECT, object_key, Outcome.REMOVED)]
    assert quarantine_key(object_key) not in store.parts.objects.stored
    for _ in range(92):
        store.sweep()
    assert store.found() == []


def test_a_young_object_and_one_that_is_owed_its_removal_are_left_alone(store: SweptStore) -> None:
    store.plant(ORPHAN)
    store.parts.objects.stored_at[ORPHAN] = store.parts.clock.now().replace(year=2031)
    store.put(OLD, b"k0")
    store.images.delete(DEMO, b"k1", no_precondition)
    store.sweeping.run()
    assert store.found() == []
    store.parts.objects.stored_at[ORPHAN] = LONG_AGO
    store.sweep()
    assert store.found() == [(Kind.OBJECT, ORPHAN, Outcome.QUARANTINED)]


def test_an_image_whose_object_is_in_quarantine_gets_it_back(store: SweptStore) -> None:
    image = store.image()
    store.plant(ORPHAN)
    store.sweep()
    held = store.lose(image.object_key)
    store.parts.objects.stored[quarantine_key(image.object_key)] = held
    store.sweep()
    assert (Kind.IMAGE, image.object_key, Outcome.REPAIRED) in store.found()
    assert store.shown(b"k0") == held[0]
    store.sweep()  # the copy that nothing was noted of
    assert store.dangling() == []
    assert store.shown(b"k0") == held[0]


def test_what_was_wrongly_quarantined_is_restored_and_its_quarantine_ends(store: SweptStore) -> None:
    store.plant(ORPHAN, b"its bytes")
    store.sweep()
    place = (OWNER, b"k0")
    image = store.parts.store.images[place]
    store.lose(image.object_key)
    store.parts.store.images[place] = replace(image, object_key=ORPHAN)
    for kind in ON_ARRIVAL:
        del store.parts.store.renditions[(*place, kind.name)]
    store.sweep()
    assert (Kind.IMAGE, ORPHAN, Outcome.REPAIRED) in store.found()
    assert (Kind.OBJECT, ORPHAN, Outcome.REPAIRED) in store.found()
    assert quarantine_key(ORPHAN) not in store.parts.objects.stored
    assert store.parts.objects.stored[ORPHAN][0] == b"its bytes"


def test_an_image_of_whose_object_an_older_version_is_kept_gets_that(store: SweptStore) -> None:
    image = store.image()
    store.parts.objects.versions[image.object_key] = held = store.lose(image.object_key)
    store.sweep()
    assert store.found() == [(Kind.IMAGE, image.object_key, Outcome.REPAIRED)]
    assert store.shown(b"k0") == held[0]
    assert store.parts.store.jobs == {}


def test_an_image_whose_bytes_are_lost_keeps_its_row_and_is_told_until_it_is_no_more_so(store: SweptStore) -> None:
    image = store.image()
    held = store.lose(image.object_key)
    for _ in range(2):
        store.sweep()
        assert store.found() == [(Kind.IMAGE, image.object_key, Outcome.LOST)]
        (finding,) = store.findings()
        assert (finding.suspect.owner_id, finding.suspect.image_key) == (OWNER, b"k0")
    assert store.image() == image
    store.parts.objects.stored[image.object_key] = held
    store.sweep()
    assert store.found() == [(Kind.IMAGE, image.object_key, Outcome.GONE)]
    assert store.shown(b"k0") == held[0]


def test_a_loss_ends_when_the_image_is_deleted(store: SweptStore) -> None:
    image = store.image()
    store.lose(image.object_key)
    store.sweep()
    store.images.delete(DEMO, b"k0", no_precondition)
    store.sweep()
    assert store.found() == [(Kind.IMAGE, image.object_key, Outcome.GONE)]
    assert store.dangling() == []


def test_a_rendition_whose_object_is_lost_is_made_again(store: SweptStore) -> None:
    object_key = store.rendition("preview").object_key
    held = store.lose(object_key)
    store.sweep()
    assert store.found() == [(Kind.RENDITION, object_key, Outcome.REPAIRED)]
    assert store.parts.objects.stored[object_key] == held
    assert store.rendition("preview").state is State.READY
    assert store.parts.store.jobs == {}


def test_a_rendition_that_has_no_row_though_its_image_is_there_gets_one(store: SweptStore) -> None:
    object_key = object_key_of(store.image().object_key, "greyscale")
    store.plant(object_key, b"greyscale of image/png" + NEW + b"0")
    store.sweep()
    assert store.found() == [(Kind.OBJECT, object_key, Outcome.REPAIRED)]
    assert store.rendition("greyscale").state is State.READY
    assert store.dangling() == []


@pytest.mark.parametrize("its_object", [True, False])
def test_a_rendition_s_row_without_its_image_goes_and_its_object_into_quarantine(
    store: SweptStore, its_object: bool
) -> None:
    object_key = object_key_of(ORPHAN, "thumbnail")
    lonely = Rendition("thumbnail", State.READY, object_key, b"", 1, 1, 50)
    store.parts.store.renditions[OWNER, b"nobody", "thumbnail"] = lonely
    if its_object:
        store.plant(object_key)
    store.sweep()
    assert (Kind.PARENTLESS, object_key, Outcome.QUARANTINED if its_object else Outcome.REPAIRED) in store.found()
    assert (OWNER, b"nobody", "thumbnail") not in store.parts.store.renditions
    assert [key for key in store.parts.objects.stored if key.endswith(object_key)] == (
        [quarantine_key(object_key)] if its_object else []
    )
    assert its_object is not ("There were no bytes" in store.findings()[0].words)


def test_an_upload_that_is_never_completed_ends_in_words(store: SweptStore) -> None:
    begun = store.services.uploads.begin(DEMO, b"k9", "image/png", 10).upload
    store.parts.objects.arrive(begun.incoming_key, b"x" * 10)
    store.parts.clock.advance(DAY + 1800)
    store.sweeping.run()
    assert store.services.uploads.find(DEMO, begun.id).state is UploadState.WAITING
    assert begun.incoming_key in store.parts.objects.stored
    store.sweep()
    ended = store.services.uploads.find(DEMO, begun.id)
    assert ended.state is UploadState.REFUSED
    assert "not completed in its time" in (ended.refusal or "")
    assert begun.incoming_key not in store.parts.objects.stored
    assert store.sweeping.last().uploads_ended == 1
    assert store.found() == []


@pytest.mark.parametrize("what", ["objects", "rows"])
def test_more_than_a_few_in_a_hundred_and_nothing_is_touched_but_it_is_said_loudly(
    store: SweptStore, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    if what == "objects":
        for number in range(11):
            store.plant(f"{ORPHAN}{number}")
    else:
        for key in list(store.parts.objects.stored)[:11]:
            store.lose(key)
    before = dict(store.parts.objects.stored)
    rows = dict(store.parts.store.renditions)
    store.sweep()
    ((kind, _, outcome),) = store.found()
    assert (kind, outcome) == (Kind.SWEEP, Outcome.STOPPED)
    assert "touched nothing: 11 of" in store.findings()[0].words
    assert [one.levelno for one in caplog.records if "touched nothing" in one.message] == [logging.ERROR]
    del store.parts.objects.stored[MARKER]
    assert (store.parts.objects.stored, store.parts.store.renditions) == (before, rows)


def test_what_cannot_be_seen_is_left_as_it_is_for_the_next_sweep(store: SweptStore) -> None:
    store.plant(ORPHAN)
    store.lose(store.rendition().object_key)
    store.parts.steps.fail("objects.is_there", ObjectsUnavailableError("no"))
    store.parts.steps.fail("objects.is_there", ObjectsUnavailableError("no"))
    store.sweep()
    assert store.found() == []
    assert ORPHAN in store.parts.objects.stored
    store.sweep()
    assert len(store.found()) == 2
    assert store.dangling() == []


def test_after_the_database_was_restored_nothing_is_touched_for_a_week(store: SweptStore) -> None:
    store.sweep()
    restored = store.parts.store.sweep
    store.parts.clock.advance(600)
    store.sweeping.run()  # with nothing to do
    store.parts.store.sweep = restored
    store.plant(ORPHAN)
    store.sweep()
    assert store.sweeping.last().phase is Phase.WAITING
    ((kind, _, outcome),) = store.found()
    assert (kind, outcome) == (Kind.SWEEP, Outcome.STOPPED)
    for _ in range(6):
        store.sweeping.run()
        store.parts.clock.advance(DAY)
    assert ORPHAN in store.parts.objects.stored
    store.sweep()
    assert (Kind.OBJECT, ORPHAN, Outcome.QUARANTINED) in store.found()
    assert int(store.parts.objects.stored[MARKER][0]) == store.parts.store.sweep[0]
    store.sweep()
    assert store.sweeping.last().phase is Phase.DONE


def test_while_many_removals_are_owed_it_waits(store: SweptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "MOST_OWED", 1)
    store.images.delete(DEMO, b"k0", no_precondition)
    assert store.sweeping.run().number == 0
    store.settle()
    assert store.sweeping.run().number == 1


def planted(store: SweptStore) -> None:
    """Something of each kind."""
    store.plant(ORPHAN)
    store.plant(object_key_of(ORPHAN, "thumbnail"))
    store.plant(object_key_of(store.image(b"k2").object_key, "greyscale"), b"greyscale of image/png" + NEW + b"2")
    store.plant(quarantine_key(LOST), b"stray")
    store.lose(store.rendition("thumbnail", b"k0").object_key)
    image = store.image(b"k1")
    store.parts.objects.stored[quarantine_key(image.object_key)] = store.lose(image.object_key)
    key = object_key_of(ORPHAN, "preview")
    store.parts.store.renditions[OWNER, b"no", "preview"] = Rendition("preview", State.READY, key, b"", 1, 1, 5)


def mended(store: SweptStore) -> None:
    assert store.dangling() == []
    assert [store.shown(b"k%d" % number) for number in range(3)] == [NEW + b"%d" % number for number in range(3)]
    assert {one.outcome for one in store.findings()} == {Outcome.QUARANTINED, Outcome.REPAIRED}
    assert store.parts.store.jobs == {}
    for object_key in (ORPHAN, object_key_of(ORPHAN, "thumbnail"), LOST):
        assert quarantine_key(object_key) in store.parts.objects.stored


def test_one_sweep_mends_all_there_is(store: SweptStore) -> None:
    planted(store)
    store.sweep()
    store.sweep()  # notes the copy that the image's bytes came back from
    mended(store)


def test_a_sweep_of_many_small_runs_and_pages_finds_the_same(
    store: SweptStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PAGE", 2)
    monkeypatch.setattr(service, "BATCH", 1)
    planted(store)
    runs, run = 0, store.sweeping.run

    def slow() -> None:
        store.parts.clock.advance(4)

    store.parts.steps.gate = slow
    store.parts.clock.advance(DAY)
    while run().phase is not Phase.DONE or not runs:
        runs += 1
        assert runs < 200
    store.parts.steps.gate = lambda: None
    assert runs > 5
    store.settle()
    store.sweep()
    mended(store)


STEPS = [
    *("sweep.sweep", "sweep.owed_removals", "sweep.never_completed", "objects.marked", "objects.mark", "sweep.keep"),
    *("objects.listed", "sweep.named", "sweep.owed", "sweep.suspects", "objects.is_there", "sweep.facts"),
    *("objects.copy", "acts.quarantine", "acts.is_named", "acts.remake", "acts.adopt", "acts.note_stray"),
    *("rows.announce", "acts.restored", "sweep.expired", "acts.tidy", "queue.send", "jobs.mark_sent"),
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("which", [0, 3])
def test_a_sweep_killed_at_any_step_is_gone_on_with(store: SweptStore, step: str, after: bool, which: int) -> None:
    planted(store)
    store.parts.clock.advance(DAY)
    passed, act = 0, store.parts.steps.step

    def counted(name: str) -> object:
        nonlocal passed
        passed += name == step
        if passed == which + 1 and name == step:
            store.parts.steps.fail(step, Killed(), after=after)
        return act(name)

    store.parts.steps.step = counted  # type: ignore[method-assign,assignment]
    try:
        store.sweeping.run()
        killed = False
    except Killed:
        killed = True
    store.parts.steps.step = act  # type: ignore[method-assign]
    store.parts.steps.forget()
    assert killed or which > 0
    while store.sweeping.run().phase is not Phase.DONE:
        pass
    store.settle()
    store.sweep()
    mended(store)


@pytest.mark.parametrize("error", [RowsUnavailableError("no"), ObjectsUnavailableError("no")])
@pytest.mark.parametrize("step", ["sweep.named", "objects.listed", "sweep.keep", "acts.quarantine"])
def test_a_part_that_fails_only_delays_it(store: SweptStore, step: str, error: StoreError) -> None:
    planted(store)
    store.parts.clock.advance(DAY)
    store.parts.steps.fail(step, error)
    try:
        store.sweeping.run()
    except StoreError as raised:
        assert raised is error
    for _ in range(2):
        store.sweep()
    mended(store)


def test_a_second_run_beside_the_first_does_nothing(store: SweptStore) -> None:
    planted(store)
    store.parts.clock.advance(DAY)
    beside: list[int] = []
    look: Callable[[], None] = lambda: beside.append(store.sweeping.run().number)  # noqa: E731
    store.parts.steps.before("objects.listed", look)
    assert store.sweeping.run().phase is Phase.DONE
    assert beside == [1]
    assert store.parts.steps.taken.count("acts.tidy") == 1


def test_deleting_all_data_empties_the_quarantine_too(store: SweptStore) -> None:
    store.plant(ORPHAN)
    store.sweep()
    by = By(DEMO, "192.0.2.1")
    store.services.data_removal.ask(by, store.services.config.environment, accounts=False)
    store.settle()
    store.settle()
    assert set(store.parts.objects.stored) == {MARKER}
    assert store.found() == [(Kind.OBJECT, ORPHAN, Outcome.REMOVED)]
    assert store.parts.store.jobs == {}
