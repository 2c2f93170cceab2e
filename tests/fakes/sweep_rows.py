"""SweepRows and SweepActs in memory."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import jobs, sweeping
from chalicelib.domain.admin import DONE, AuditEntry, Deed
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Removal
from chalicelib.domain.stored_renditions import State, original_of
from chalicelib.domain.sweeping import (
    Facts,
    Finding,
    Kind,
    Named,
    Outcome,
    Suspect,
    Sweep,
    Verdict,
    quarantine_key,
    verdict,
)
from chalicelib.domain.uploads import Upload, UploadState
from tests.fakes.rendition_rows import owe_renditions
from tests.fakes.store import JobRow, MemoryStore

GRACE_SECONDS = 3600
SETTLED = (Outcome.REPAIRED, Outcome.GONE, Outcome.REMOVED, Outcome.STOPPED)


class MemorySweepRows:
    """Both ports over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def sweep(self) -> tuple[int, Sweep]:
        with self._store.steps.step("sweep.sweep"), self._store.lock:
            return self._store.sweep

    def keep(self, version: int, sweep: Sweep, found: Sequence[Suspect] = ()) -> bool:
        with self._store.steps.step("sweep.keep"), self._store.lock:
            if not self._kept(version, sweep):
                return False
            for suspect in found:
                if not self._known(suspect, sweep.number):
                    self._note(suspect, Outcome.SUSPECTED, "", sweep.number)
            return True

    def stop(self, version: int, sweep: Sweep, words: str) -> bool:
        with self._store.steps.step("sweep.stop"), self._store.lock:
            if not self._kept(version, sweep):
                return False
            self._drop(lambda number, one: one.outcome is Outcome.SUSPECTED)
            suspect = Suspect(Kind.SWEEP, f"sweep {sweep.number}")
            self._note(suspect, Outcome.STOPPED, words, sweep.number)
            return True

    def allow(self, version: int, sweep: Sweep, deed: Deed) -> bool:
        with self._store.steps.step("sweep.allow"), self._store.lock:
            if not self._kept(version, sweep):
                return False
            number, at = len(self._store.audit) + 1, self._store.clock.now()
            entry = AuditEntry(number, at, deed.actor, deed.what, deed.about, DONE, deed.address)
            self._store.deeds.append(deed.id)
            self._store.audit.append(entry)
            return True

    def owed_removals(self, most: int) -> int:
        with self._store.steps.step("sweep.owed_removals"), self._store.lock:
            return min(most, sum(row.job.kind == jobs.REMOVE_OBJECTS for row in self._store.jobs.values()))

    def named(self, prefix: str, after: str, until: str, limit: int) -> list[Named]:
        with self._store.steps.step("sweep.named"), self._store.lock:
            found = [
                one
                for one in self._all_named()
                if one.object_key.startswith(prefix) and after < one.object_key <= until
            ]
            return sorted(found, key=lambda one: one.object_key)[:limit]

    def owed(self, object_keys: Collection[str]) -> set[str]:
        with self._store.steps.step("sweep.owed"), self._store.lock:
            return self._owed() & set(object_keys)

    def facts(self, object_key: str) -> Facts:
        owed = self.owed([object_key])
        with self._store.steps.step("sweep.facts"), self._store.lock:
            return replace(self._facts(object_key), owed=bool(owed))

    def never_completed(self, limit: int) -> list[Upload]:
        with self._store.steps.step("sweep.never_completed"), self._store.lock:
            latest = self._store.clock.now() - timedelta(seconds=GRACE_SECONDS)
            uploads = self._store.uploads.values()
            return [one for one in uploads if one.state is UploadState.WAITING and one.ends_at < latest][:limit]

    def suspects(self, number: int, after: int, limit: int) -> list[Finding]:
        with self._store.steps.step("sweep.suspects"), self._store.lock:
            found = [
                one for found_by, one in self._store.findings.values() if _to_act_on(one.outcome, found_by, number)
            ]
            return sorted((one for one in found if one.id > after), key=lambda one: one.id)[:limit]

    def expired(self, limit: int) -> list[Finding]:
        with self._store.steps.step("sweep.expired"), self._store.lock:
            latest = self._store.clock.now() - timedelta(days=sweeping.QUARANTINE_DAYS)
            found = [one for one in self._findings() if one.outcome is Outcome.QUARANTINED]
            return [one for one in found if one.changed_at < latest][:limit]

    def findings(self, before: int | None, limit: int) -> list[Finding]:
        with self._store.lock:
            return [one for one in reversed(self._findings()) if before is None or one.id < before][:limit]

    def forget(self, finding: Finding) -> None:
        with self._store.steps.step("acts.forget"), self._store.lock:
            self._store.findings.pop(finding.id, None)

    def quarantine(self, finding: Finding, words: str, job_id: bytes, copied: bool) -> tuple[bytes, ...]:
        object_key = finding.suspect.object_key

        def act() -> tuple[bytes, ...]:
            if finding.suspect.kind is Kind.PARENTLESS:
                places = self._parentless(finding.suspect)
                for place in places:
                    del self._store.renditions[place]
                    self._store.bump_owner(place[0])
                gone = bool(places)
            else:
                gone = verdict(object_key, self._facts(object_key)) is Verdict.QUARANTINE
            if gone:
                self._settle(finding, Outcome.QUARANTINED if copied else Outcome.REPAIRED, words)
                return self._owe_removal(job_id, object_key)
            del self._store.findings[finding.id]
            return self._owe_removal(job_id, quarantine_key(object_key))

        return self._once("acts.quarantine", finding, act)

    def adopt(self, finding: Finding, words: str, job_id: bytes) -> tuple[bytes, ...]:
        object_key = finding.suspect.object_key

        def act() -> tuple[bytes, ...]:
            image = self._image(original_of(object_key))
            if image is None or any(one.object_key == object_key for one in self._store.renditions.values()):
                del self._store.findings[finding.id]
                return ()
            return self._owe_rendition(finding, words, job_id, image, object_key.rpartition("/")[2])

        return self._once("acts.adopt", finding, act)

    def is_named(self, finding: Finding) -> bool:
        with self._store.steps.step("acts.is_named"), self._store.lock:
            suspect = finding.suspect
            if suspect.kind is Kind.IMAGE:
                return self._image(suspect.object_key) is not None
            return bool(self._parentless(suspect) if suspect.kind is Kind.PARENTLESS else self._ready(suspect))

    def remake(self, finding: Finding, words: str, job_id: bytes) -> tuple[bytes, ...]:
        def act() -> tuple[bytes, ...]:
            image = self._image(original_of(finding.suspect.object_key))
            ready = self._ready(finding.suspect)
            if image is None or not ready:
                del self._store.findings[finding.id]
                return ()
            return self._owe_rendition(finding, words, job_id, image, ready[0][2])

        return self._once("acts.remake", finding, act)

    def restored(self, finding: Finding, intent_id: bytes, words: str, job_id: bytes) -> tuple[bytes, ...]:
        object_key = finding.suspect.object_key

        def act() -> tuple[bytes, ...]:
            if self._image(object_key) is None:
                self._store.jobs[intent_id].due_at = self._store.clock.now()
                del self._store.findings[finding.id]
                return ()
            self._store.jobs.pop(intent_id, None)
            kept = [
                one
                for one in self._findings()
                if one.suspect.object_key == object_key and one.outcome is Outcome.QUARANTINED
            ]
            for one in (finding, *kept):
                self._settle(one, Outcome.REPAIRED, words)
            return self._owe_removal(job_id, quarantine_key(object_key)) if kept else ()

        return self._once("acts.restored", finding, act)

    def lost(self, finding: Finding, words: str) -> None:
        def act() -> tuple[bytes, ...]:
            if self._image(finding.suspect.object_key) is None:
                del self._store.findings[finding.id]
            else:
                self._settle(finding, Outcome.LOST, words)
            return ()

        self._once("acts.lost", finding, act)

    def note_stray(self, finding: Finding, words: str) -> None:
        def act() -> tuple[bytes, ...]:
            del self._store.findings[finding.id]
            object_key = finding.suspect.object_key.removeprefix(sweeping.QUARANTINE)
            self._note(Suspect(Kind.OBJECT, object_key), Outcome.QUARANTINED, words, 0)
            return ()

        self._once("acts.note_stray", finding, act)

    def expire(self, finding: Finding, words: str, job_id: bytes) -> tuple[bytes, ...]:
        def act() -> tuple[bytes, ...]:
            self._settle(finding, Outcome.REMOVED, words)
            return self._owe_removal(job_id, quarantine_key(finding.suspect.object_key))

        return self._once("acts.expire", finding, act)

    def tidy(self, sweep: Sweep, days: int) -> None:
        with self._store.steps.step("acts.tidy"), self._store.lock:
            self._drop(lambda number, one: one.outcome is Outcome.SUSPECTED and number <= sweep.number)
            for number, one in list(self._store.findings.values()):
                if one.outcome is Outcome.LOST and number < sweep.number:
                    self._settle(one, Outcome.GONE, one.words)
            latest = self._store.clock.now() - timedelta(days=days)
            self._drop(lambda number, one: one.outcome in SETTLED and one.changed_at < latest)

    def _once(self, step: str, finding: Finding, act: Callable[[], tuple[bytes, ...]]) -> tuple[bytes, ...]:
        with self._store.steps.step(step), self._store.lock:
            found = self._store.findings.get(finding.id)
            return act() if found is not None and found[1].outcome is finding.outcome else ()

    def _kept(self, version: int, sweep: Sweep) -> bool:
        if self._store.sweep == (version + 1, sweep):
            return True
        if self._store.sweep[0] != version:
            return False
        self._store.sweep = (version + 1, sweep)
        return True

    def _findings(self) -> list[Finding]:
        return [one for _, (_, one) in sorted(self._store.findings.items())]

    def _known(self, suspect: Suspect, number: int) -> bool:
        """Whether it is known to be lost; then this sweep has found it too."""
        for one in self._findings():
            if one.outcome is Outcome.LOST and (one.suspect.kind, one.suspect.object_key) == (
                suspect.kind,
                suspect.object_key,
            ):
                self._store.findings[one.id] = number, one
                return True
        return False

    def _note(self, suspect: Suspect, outcome: Outcome, words: str, number: int) -> None:
        now = self._store.clock.now()
        for one in self._findings():
            if (one.suspect.kind, one.suspect.object_key) == (suspect.kind, suspect.object_key):
                self._store.findings[one.id] = number, Finding(one.id, suspect, outcome, words, one.found_at, now)
                return
        self._store.last_finding += 1
        fresh = Finding(self._store.last_finding, suspect, outcome, words, now, now)
        self._store.findings[fresh.id] = number, fresh

    def _settle(self, finding: Finding, outcome: Outcome, words: str) -> None:
        number, one = self._store.findings[finding.id]
        settled = replace(one, outcome=outcome, words=words, changed_at=self._store.clock.now())
        self._store.findings[finding.id] = number, settled

    def _drop(self, which: Callable[[int, Finding], bool]) -> None:
        for number, one in list(self._store.findings.values()):
            if which(number, one):
                del self._store.findings[one.id]

    def _all_named(self) -> Iterator[Named]:
        for image in self._store.images.values():
            yield Named(image.object_key, Kind.IMAGE, True, image.created_at, image.owner_id, image.key)
        for trashed in self._store.trashed.values():
            image = trashed.image
            yield Named(image.object_key, Kind.IMAGE, False, image.created_at, image.owner_id, image.key)
        for place, one in self._store.renditions.items():
            suspect = Suspect(Kind.PARENTLESS, one.object_key, place[0], place[1])
            since = self._store.clock.now() - timedelta(days=1)
            lonely, ready = place in self._parentless(suspect), one.state is State.READY
            yield Named(one.object_key, Kind.RENDITION, ready, since, place[0], place[1], lonely)
        for upload in self._store.uploads.values():
            if upload.state is UploadState.WAITING:
                yield Named(upload.incoming_key, Kind.OBJECT, False, upload.created_at, upload.owner_id, upload.key)
        for finding in self._findings():
            if finding.outcome is Outcome.QUARANTINED:
                yield Named(quarantine_key(finding.suspect.object_key), Kind.STRAY, False, finding.found_at)

    def _owed(self) -> set[str]:
        removing = [row.job for row in self._store.jobs.values() if row.job.kind == jobs.REMOVE_OBJECTS]
        return {removal.object_key for job in removing for removal in jobs.removals_of(job)}

    def _facts(self, object_key: str) -> Facts:
        named = any(one.object_key == object_key and one.kind is not Kind.STRAY for one in self._all_named())
        parent = any(image.object_key == original_of(object_key) for image in self._store.kept())
        return Facts(named, object_key in self._owed(), parent)

    def _image(self, object_key: str) -> Image | None:
        return next((image for image in self._store.images.values() if image.object_key == object_key), None)

    def _parentless(self, suspect: Suspect) -> list[tuple[bytes, bytes, str]]:
        return [place for place, image in self._places(suspect) if image is None]

    def _ready(self, suspect: Suspect) -> list[tuple[bytes, bytes, str]]:
        found = [place for place, image in self._places(suspect) if image is not None]
        return [place for place in found if self._store.renditions[place].state is State.READY]

    def _places(self, suspect: Suspect) -> list[tuple[tuple[bytes, bytes, str], Image | None]]:
        """The renditions that name the object under the suspect's image, each with the image it is made of."""
        found = []
        for place, one in self._store.renditions.items():
            if (*place[:2], one.object_key) == (suspect.owner_id, suspect.image_key, suspect.object_key):
                image = self._store.images.get((place[0], place[1]))
                is_parent = image is not None and image.object_key == original_of(one.object_key)
                if any(kept.image.object_key == original_of(one.object_key) for kept in self._store.trashed.values()):
                    continue  # in the trash: neither to be shown nor without a parent
                found.append((place, image if is_parent else None))
        return found

    def _owe_removal(self, job_id: bytes, object_key: str) -> tuple[bytes, ...]:
        job = jobs.removal_job(job_id, [Removal(bytes(16), object_key, 0)])
        self._store.jobs[job_id] = JobRow(job, self._store.clock.now())
        return (job_id,)

    def _owe_rendition(self, finding: Finding, words: str, job_id: bytes, image: Image, kind: str) -> tuple[bytes, ...]:
        owe_renditions(self._store, image, [kind], job_id)
        self._store.bump_owner(image.owner_id)
        self._settle(finding, Outcome.REPAIRED, words)
        return (job_id,)


def _to_act_on(outcome: Outcome, found_by: int, number: int) -> bool:
    return outcome is Outcome.SUSPECTED or (outcome is Outcome.LOST and found_by == number)
