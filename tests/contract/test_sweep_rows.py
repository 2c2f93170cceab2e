"""SweepRows and SweepActs: the same suite over the fake and over MySQL."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from chalicelib.adapters.mysql.sweep_acts import MySqlSweepActs
from chalicelib.adapters.mysql.sweep_rows import MySqlSweepRows
from chalicelib.adapters.mysql.upload_rows import MySqlUploadRows
from chalicelib.domain import jobs
from chalicelib.domain.admin import Deed
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Removal
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.stored_renditions import Rendition, State, object_key_of
from chalicelib.domain.sweeping import Facts, Finding, Kind, Outcome, Phase, Suspect, Sweep, end_of, quarantine_key
from chalicelib.domain.sweeping_ports import SweepActs, SweepRows
from chalicelib.domain.upload_ports import UploadRows
from chalicelib.domain.uploads import NewUpload
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import (
    DEMO,
    RowsUnderTest,
    draft_of,
    memory_rows_of,
    mysql_rows,
    no_precondition,
)
from tests.fakes import ManualClock, MemoryStore
from tests.fakes.sweep_rows import MemorySweepRows
from tests.fakes.upload_rows import MemoryUploadRows

ARRIVAL = [kind.name for kind in ON_ARRIVAL]
ORPHAN = "originals/" + "0" * 32
JOB = b"j" * 16
DAY = 24 * 3600.0
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Under:
    """Rows under test; `lonely` plants a ready rendition of an image that is not there, `pass_time` makes time pass."""

    rows: RowsUnderTest
    sweeps: SweepRows
    acts: SweepActs
    uploads: UploadRows
    lonely: Callable[[bytes, str], None]
    pass_time: Callable[[float], None]
    taken: Callable[[], int]

    def found(self, suspect: Suspect) -> Finding:
        """The suspect as a sweep notes it."""
        version, sweep = self.sweeps.sweep()
        assert self.sweeps.keep(version, replace(sweep, number=sweep.number + 1), [suspect])
        (finding,) = self.sweeps.suspects(sweep.number + 1, 0, 10)
        return finding

    def rendered(self, key: bytes = b"k1") -> Image:
        """An image with its renditions, 10 bytes each."""
        draft = draft_of(key)
        written = self.rows.images.put(DEMO, draft, self.rows.announced(draft).id, no_precondition)
        job = self.rows.jobs.claim(written.jobs[-1])
        assert job is not None
        order = jobs.render_of(job)
        names = [(kind, object_key_of(order.source_object_key, kind)) for kind in order.kinds]
        made = [Rendition(kind, State.READY, name, bytes(32), 3, 2, 10) for kind, name in names]
        assert self.rows.rendering.complete(order, job.id, b"none" * 4, made, [])
        return written.image

    def outcomes(self) -> list[tuple[str, Outcome]]:
        return [(one.suspect.object_key, one.outcome) for one in self.sweeps.findings(None, 100)]

    def kinds_due(self, key: bytes = b"k1") -> set[str]:
        about = self.rows.renditions.about(DEMO, key)
        return {one.kind for one in about.renditions if one.state is State.DUE}


@pytest.fixture(params=["memory", "mysql"])
def under(request: pytest.FixtureRequest) -> Under:
    if request.param == "memory":
        store = MemoryStore(ManualClock())
        fake = MemorySweepRows(store)

        def lonely(key: bytes, object_key: str) -> None:
            one = Rendition("thumbnail", State.READY, object_key, b"", 1, 1, 70)
            store.renditions[store.owners["demo"].id, key, "thumbnail"] = one

        return Under(
            *(memory_rows_of(store), fake, fake, MemoryUploadRows(store), lonely, store.clock.advance),
            lambda: store.bytes_of(store.owners["demo"].id),
        )
    maria: MariaDb = request.getfixturevalue("maria")
    database = maria.database()

    def plant(key: bytes, object_key: str) -> None:
        maria.execute(
            "INSERT INTO renditions (owner_id, image_key, kind, source_object_key, object_key, size, media_type, "
            "state, created_at) SELECT id, %s, 'thumbnail', 'originals/none', %s, 70, 'image/webp', 'ready', "
            "UTC_TIMESTAMP(6) FROM owners",
            (key, object_key),
        )
        maria.execute("UPDATE owners SET bytes = bytes + 70")

    def pass_time(seconds: float) -> None:
        maria.execute(
            "UPDATE findings SET found_at = found_at - INTERVAL %s SECOND, "
            "changed_at = changed_at - INTERVAL %s SECOND",
            (seconds, seconds),
        )
        maria.execute("UPDATE uploads SET ends_at = ends_at - INTERVAL %s SECOND", (seconds,))

    def taken() -> int:
        ((counted,),) = maria.execute("SELECT bytes FROM owners")
        assert isinstance(counted, int)
        return counted

    rows, acts = MySqlSweepRows(database), MySqlSweepActs(database)
    return Under(mysql_rows(maria), rows, acts, MySqlUploadRows(database), plant, pass_time, taken)


def test_a_sweep_is_let_act_once_at_the_version_that_was_looked_at(under: Under) -> None:
    version, before = under.sweeps.sweep()
    allowed = replace(before, stopped=True, next_anyway=True)
    deed = Deed(b"d" * 16, "admin@example.org", "192.0.2.1", "sweep anyway")
    assert under.sweeps.allow(version, allowed, deed) is True
    assert under.sweeps.sweep() == (version + 1, allowed)
    assert under.sweeps.allow(version, replace(allowed, number=9), deed) is False
    assert under.sweeps.sweep() == (version + 1, allowed)


def test_a_sweep_is_kept_by_compare_and_set_with_its_suspects(under: Under) -> None:
    assert under.sweeps.sweep() == (0, Sweep())
    first = Sweep(1, Phase.LOOKING, NOW, prefix="originals/", after="originals/x", objects=5)
    suspects = [Suspect(Kind.OBJECT, f"originals/{number}") for number in range(3)]
    assert under.sweeps.keep(0, first, suspects)
    assert under.sweeps.keep(0, first, suspects)  # its answer was lost
    assert not under.sweeps.keep(0, replace(first, objects=6), [Suspect(Kind.OBJECT, "originals/other")])
    assert under.sweeps.sweep() == (1, first)
    found = under.sweeps.suspects(1, 0, 10)
    assert [one.suspect for one in found] == suspects
    assert [one.suspect for one in under.sweeps.suspects(1, found[0].id, 1)] == suspects[1:2]


def test_a_sweep_that_stops_forgets_its_suspects_and_says_why(under: Under) -> None:
    under.found(Suspect(Kind.OBJECT, ORPHAN))
    version, sweep = under.sweeps.sweep()
    assert not under.sweeps.stop(version + 1, sweep, "é why")
    assert under.sweeps.stop(version, replace(sweep, phase=Phase.DONE, ended_at=NOW), "é why")
    ((key, outcome),) = under.outcomes()
    assert (key, outcome) == ("sweep 1", Outcome.STOPPED)
    assert under.sweeps.findings(None, 1)[0].words == "é why"


def test_rows_are_named_in_the_order_of_their_objects_between_two_keys(under: Under) -> None:
    images = sorted((under.rendered(b"k%d" % number) for number in range(3)), key=lambda image: image.object_key)
    named = under.sweeps.named("originals/", "originals/", end_of("originals/"), 10)
    assert [(one.object_key, one.owner_id, one.image_key) for one in named] == [
        (image.object_key, image.owner_id, image.key) for image in images
    ]
    assert {(one.kind, one.needed, one.parentless) for one in named} == {(Kind.IMAGE, True, False)}
    between = under.sweeps.named("originals/", images[0].object_key, images[1].object_key, 10)
    assert [one.object_key for one in between] == [images[1].object_key]
    assert len(under.sweeps.named("originals/", "originals/", end_of("originals/"), 2)) == 2
    under.rows.renditions.ask(DEMO, b"k0", "greyscale", JOB)
    under.lonely(b"none", "renditions/none/thumbnail")
    made = under.sweeps.named("renditions/", "renditions/", end_of("renditions/"), 100)
    assert [one.object_key for one in made] == sorted(one.object_key for one in made)
    assert {one.kind for one in made} == {Kind.RENDITION}
    assert [one.object_key.rpartition("/")[2] for one in made if not one.needed] == ["greyscale"]
    assert [one.object_key for one in made if one.parentless] == ["renditions/none/thumbnail"]
    assert len(made) == 3 * 3 + 2


def test_uploads_that_wait_and_what_is_in_quarantine_are_named(under: Under) -> None:
    waiting = under.uploads.begin(DEMO, NewUpload(b"w" * 16, b"k", "image/png", 5))
    over = under.uploads.begin(DEMO, NewUpload(b"o" * 16, b"k", "image/png", 5))
    under.uploads.refuse(over, "no", JOB)
    named = under.sweeps.named("incoming/", "incoming/", end_of("incoming/"), 10)
    assert [(one.object_key, one.needed) for one in named] == [(waiting.incoming_key, False)]
    under.acts.quarantine(under.found(Suspect(Kind.OBJECT, ORPHAN)), "why", b"q" * 16, True)
    named = under.sweeps.named("quarantine/", "quarantine/", end_of("quarantine/"), 10)
    assert [one.object_key for one in named] == [quarantine_key(ORPHAN)]


def test_what_is_said_of_an_object(under: Under) -> None:
    image = under.rendered()
    draft = draft_of(b"k2")
    under.rows.announced(draft)
    assert under.sweeps.facts(image.object_key) == Facts(named=True, owed=False, parent=True)
    assert under.sweeps.facts(object_key_of(image.object_key, "preview")) == Facts(True, False, True)
    assert under.sweeps.facts(object_key_of(image.object_key, "greyscale")) == Facts(False, False, True)
    assert under.sweeps.facts(draft.object_key) == Facts(False, True, False)
    assert under.sweeps.facts(ORPHAN) == Facts(False, False, False)
    waiting = under.uploads.begin(DEMO, NewUpload(b"w" * 16, b"k", "image/png", 5))
    assert under.sweeps.facts(waiting.incoming_key).named
    assert under.sweeps.owed([draft.object_key, ORPHAN]) == {draft.object_key}
    assert under.sweeps.owed([]) == set()
    assert (under.sweeps.owed_removals(10), under.sweeps.owed_removals(0)) == (1, 0)


def test_of_many_owed_jobs_each_is_looked_at(under: Under) -> None:
    drafts = [draft_of(b"k%d" % number) for number in range(230)]
    for draft in drafts:
        under.rows.announced(draft)
    assert under.sweeps.owed([draft.object_key for draft in drafts]) == {draft.object_key for draft in drafts}


def test_uploads_are_never_completed_an_hour_after_their_time(under: Under) -> None:
    upload = under.uploads.begin(DEMO, NewUpload(b"w" * 16, b"k", "image/png", 5))
    under.pass_time(DAY + 3000)
    assert under.sweeps.never_completed(10) == []
    under.pass_time(1200)
    assert [one.id for one in under.sweeps.never_completed(10)] == [upload.id]
    under.uploads.refuse(upload, "no", JOB)
    assert under.sweeps.never_completed(10) == []


def test_an_object_in_quarantine_is_owed_its_removal_once_and_after_its_time_its_copy(under: Under) -> None:
    finding = under.found(Suspect(Kind.OBJECT, ORPHAN))
    assert under.acts.quarantine(finding, "why", JOB, True) == (JOB,)
    assert under.acts.quarantine(finding, "why", b"i" * 16, True) == ()
    assert under.rows.all_removed_by(JOB) == [ORPHAN]
    assert under.outcomes() == [(ORPHAN, Outcome.QUARANTINED)]
    under.pass_time(29 * DAY)
    assert under.sweeps.expired(10) == []
    under.pass_time(2 * DAY)
    (expired,) = under.sweeps.expired(10)
    assert under.acts.expire(expired, "over", b"e" * 16) == (b"e" * 16,)
    assert under.acts.expire(expired, "over", b"f" * 16) == ()
    assert under.rows.all_removed_by(b"e" * 16) == [quarantine_key(ORPHAN)]
    assert under.sweeps.expired(10) == []


def test_what_is_named_after_all_is_not_taken_and_its_copy_goes(under: Under) -> None:
    image = under.rendered()
    draft = draft_of(b"k2")
    under.rows.announced(draft)
    for number, object_key in enumerate((image.object_key, draft.object_key)):
        finding = under.found(Suspect(Kind.OBJECT, object_key))
        job_id = bytes([number]) * 16
        assert under.acts.quarantine(finding, "why", job_id, True) == (job_id,)
        assert under.rows.all_removed_by(job_id) == [quarantine_key(object_key)]
    assert under.outcomes() == []


def test_a_rendition_without_a_row_gets_one_unless_it_has_one(under: Under) -> None:
    image = under.rendered()
    finding = under.found(Suspect(Kind.OBJECT, object_key_of(image.object_key, "greyscale")))
    version = under.rows.images.owner(DEMO).version
    assert under.acts.adopt(finding, "why", JOB) == (JOB,)
    assert under.acts.adopt(finding, "why", b"i" * 16) == ()
    assert under.kinds_due() == {"greyscale"}
    job = under.rows.jobs.claim(JOB)
    assert job is not None
    assert jobs.render_of(job).kinds == ("greyscale",)
    assert under.rows.images.owner(DEMO).version == version + 1
    for object_key in (object_key_of(image.object_key, "preview"), object_key_of(ORPHAN, "preview")):
        assert under.acts.adopt(under.found(Suspect(Kind.OBJECT, object_key)), "why", b"i" * 16) == ()


def test_a_ready_rendition_is_made_due_once_and_its_bytes_count_no_more(under: Under) -> None:
    image = under.rendered()
    suspect = Suspect(Kind.RENDITION, object_key_of(image.object_key, "preview"), image.owner_id, image.key)
    finding = under.found(suspect)
    assert under.acts.is_named(finding)
    before = under.taken()
    assert under.acts.remake(finding, "why", JOB) == (JOB,)
    assert under.acts.remake(finding, "why", b"i" * 16) == ()
    assert under.kinds_due() == {"preview"}
    assert under.taken() == before - 10
    assert not under.acts.is_named(finding)
    assert under.acts.remake(under.found(suspect), "why", b"i" * 16) == ()


def test_a_lost_image_is_told_until_a_later_sweep_does_not_find_it(under: Under) -> None:
    image = under.rendered()
    suspect = Suspect(Kind.IMAGE, image.object_key, image.owner_id, image.key)
    finding = under.found(suspect)
    assert under.acts.is_named(finding)
    under.acts.lost(finding, "why")
    assert under.outcomes() == [(image.object_key, Outcome.LOST)]
    under.acts.tidy(under.sweeps.sweep()[1], 90)
    again = under.found(suspect)
    assert (again.id, again.found_at) == (finding.id, finding.found_at)
    assert again.suspect == suspect
    assert under.outcomes() == [(image.object_key, Outcome.LOST)]  # told on while it is suspected again
    under.acts.lost(again, "why")
    version, sweep = under.sweeps.sweep()
    stopped = replace(sweep, number=sweep.number + 1)
    assert under.sweeps.keep(version, stopped, [suspect])
    assert under.sweeps.stop(version + 1, replace(stopped, stopped=True), "too many")
    told = under.sweeps.findings(None, 10)
    assert [(one.outcome, one.words) for one in told] == [(Outcome.STOPPED, "too many"), (Outcome.LOST, "why")]
    assert under.sweeps.suspects(sweep.number, 0, 10) == []  # of a sweep that did not find it
    under.acts.tidy(replace(under.sweeps.sweep()[1], number=99), 90)
    assert (image.object_key, Outcome.GONE) in under.outcomes()
    under.pass_time(91 * DAY)
    under.acts.tidy(replace(under.sweeps.sweep()[1], number=99), 90)
    assert under.outcomes() == []


@pytest.mark.parametrize("deleted", [False, True])
def test_an_image_that_has_its_bytes_again_is_repaired_if_it_is_still_there(under: Under, deleted: bool) -> None:
    image = under.rendered()
    under.rows.images.delete_all(DEMO, b"d" * 16)
    under.rows.jobs.finish(under.rows.jobs.due(10)[0])
    under.acts.quarantine(under.found(Suspect(Kind.OBJECT, image.object_key)), "why", b"q" * 16, True)
    under.rows.jobs.finish(b"q" * 16)
    if not deleted:  # taken for dead while it was alive, which nothing here does
        draft = replace(draft_of(b"k1"), object_key=image.object_key)
        under.rows.images.put(DEMO, draft, under.rows.announced(draft).id, no_precondition)
    removal = Removal(image.owner_id, image.object_key, 0)
    intent = jobs.removal_job(secrets.token_bytes(16), [removal])
    under.rows.images.announce(intent)
    finding = under.found(Suspect(Kind.IMAGE, image.object_key, image.owner_id, image.key))
    due = under.acts.restored(finding, intent.id, "why", JOB)
    if deleted:
        assert due == ()
        assert intent.id in under.rows.jobs.due(10)
        assert under.outcomes() == [(image.object_key, Outcome.QUARANTINED)]
    else:
        assert due == (JOB,)
        assert under.acts.restored(finding, intent.id, "why", b"i" * 16) == ()
        assert under.rows.all_removed_by(JOB) == [quarantine_key(image.object_key)]
        assert under.sweeps.owed([image.object_key]) == set()
        assert under.outcomes() == [(image.object_key, Outcome.REPAIRED)] * 2


@pytest.mark.parametrize("copied", [True, False])
def test_a_rendition_s_row_without_an_image_goes_with_its_bytes(under: Under, copied: bool) -> None:
    owner = under.rows.images.owner(DEMO)
    under.lonely(b"k1", "renditions/none/thumbnail")
    finding = under.found(Suspect(Kind.PARENTLESS, "renditions/none/thumbnail", owner.id, b"k1"))
    assert under.acts.is_named(finding)
    assert under.taken() == 70
    assert under.acts.quarantine(finding, "why", JOB, copied) == (JOB,)
    assert under.taken() == 0
    assert not under.acts.is_named(finding)
    outcome = Outcome.QUARANTINED if copied else Outcome.REPAIRED
    assert under.outcomes() == [("renditions/none/thumbnail", outcome)]
    assert under.rows.images.owner(DEMO).version == owner.version + 1
    assert under.rows.all_removed_by(JOB) == ["renditions/none/thumbnail"]


def test_a_rendition_whose_image_is_there_is_not_parentless(under: Under) -> None:
    image = under.rendered()
    object_key = object_key_of(image.object_key, "preview")
    finding = under.found(Suspect(Kind.PARENTLESS, object_key, image.owner_id, image.key))
    assert not under.acts.is_named(finding)
    assert under.acts.quarantine(finding, "why", JOB, True) == (JOB,)
    assert len(under.rows.renditions.about(DEMO, b"k1").renditions) == len(ARRIVAL)
    assert under.outcomes() == []


def test_a_stray_copy_is_noted_and_a_false_alarm_forgotten(under: Under) -> None:
    under.acts.note_stray(under.found(Suspect(Kind.STRAY, quarantine_key(ORPHAN))), "why")
    assert under.outcomes() == [(ORPHAN, Outcome.QUARANTINED)]
    under.acts.forget(under.found(Suspect(Kind.OBJECT, "originals/other")))
    assert under.outcomes() == [(ORPHAN, Outcome.QUARANTINED)]


def test_findings_come_newest_first_page_by_page_and_suspects_are_tidied_away(under: Under) -> None:
    for number in range(5):
        under.acts.note_stray(under.found(Suspect(Kind.STRAY, quarantine_key(f"originals/{number}"))), "why")
    seen: list[str] = []
    before = None
    while page := under.sweeps.findings(before, 2):
        seen += [one.suspect.object_key for one in page]
        before = page[-1].id
    assert seen == [f"originals/{number}" for number in (4, 3, 2, 1, 0)]
    under.found(Suspect(Kind.OBJECT, ORPHAN))
    under.acts.tidy(under.sweeps.sweep()[1], 90)
    assert len(under.outcomes()) == 5
