"""ImageRows in memory."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Owner, Principal, Way
from chalicelib.domain.errors import PreconditionError, RowsUnavailableError
from chalicelib.domain.idempotency import Note
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job, Removal
from chalicelib.domain.keys import TAKEN, IfTaken, names_for
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import Draft, Precondition, Row, Written
from chalicelib.domain.renditions import ON_ARRIVAL
from tests.fakes.answers import keep_answer
from tests.fakes.rendition_rows import forget_renditions, owe_renditions
from tests.fakes.store import JobRow, MemoryStore
from tests.fakes.trash_rows import drop_trashed

INTENT_SECONDS = 3600


class MemoryImageRows:
    """ImageRows over a MemoryStore. A transaction holds the store's lock and changes nothing unless it completes."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def row(self, principal: Principal, key: bytes) -> Row:
        with self._store.steps.step("rows.row"), self._store.lock:
            owner = self._store.owner(principal)
            return Row(owner, self._store.fleet_map.version, self._store.images.get((owner.id, key)))

    def row_to_change(self, principal: Principal, key: bytes) -> Row:
        return self.row(principal, key)

    def owner(self, principal: Principal) -> Owner:
        return self.row(principal, b"").owner

    def page(self, principal: Principal, after: bytes | None, limit: int) -> list[Image]:
        with self._store.steps.step("rows.page"), self._store.lock:
            return [image for image in self._of(principal) if image.key > (after or b"")][:limit]

    def keys(self, principal: Principal) -> list[bytes]:
        with self._store.steps.step("rows.keys"), self._store.lock:
            return [image.key for image in self._of(principal)]

    def by_object_keys(self, object_keys: Sequence[str]) -> list[Image]:
        with self._store.steps.step("rows.by_object_keys"), self._store.lock:
            return [image for image in self._store.images.values() if image.object_key in object_keys]

    def announce(self, intent: Job) -> None:
        with self._store.steps.step("rows.announce"), self._store.lock:
            due_at = self._store.clock.now() + timedelta(seconds=INTENT_SECONDS)
            self._store.jobs.setdefault(intent.id, JobRow(intent, due_at))

    def abandon(self, intent_id: bytes) -> None:
        with self._store.steps.step("rows.abandon"), self._store.lock:
            if intent_id in self._store.jobs:
                self._store.jobs[intent_id].due_at = self._store.clock.now()

    def put(
        self,
        principal: Principal,
        draft: Draft,
        intent_id: bytes,
        precondition: Precondition,
        note: Note[Written] | None = None,
    ) -> Written:
        with self._store.steps.step("rows.put"):
            return self.write_draft(principal, draft, intent_id, precondition, note)

    def write_draft(
        self,
        principal: Principal,
        draft: Draft,
        intent_id: bytes,
        precondition: Precondition,
        note: Note[Written] | None = None,
    ) -> Written:
        """What `put` does, as a part of another step."""
        with self._store.lock:
            owner = self._store.owner(principal)
            before = self._store.images.get((owner.id, draft.key))
            intent = self._store.jobs.get(intent_id)
            if intent is None or intent.claimed:
                raise RowsUnavailableError("The write took too long and was given up; nothing was stored. Try again.")
            precondition(before)
            if draft.if_taken is IfTaken.REFUSE and before is not None:
                raise PreconditionError(TAKEN)
            self._store.take(owner.id, 0)
            same = before is not None and before.sha256 == draft.sha256
            own = {image.key: image for image in self._of(principal)}
            twin = min((k for k, one in own.items() if one.sha256 == draft.sha256 and k != draft.key), default=None)
            if draft.if_taken is IfTaken.KEEP_BOTH and before is not None:
                there = draft.key if same else twin
                if there is not None:
                    removal_id = _derived_id(intent_id, 0)
                    written = Written(own[there], created=False, jobs=(removal_id,), duplicate_of=there, stored=False)
                    self._note(owner, note, written)
                    del self._store.jobs[intent_id]
                    self._owe(removal_id, [Removal(owner.id, draft.object_key, partition_of(draft.key))])
                    return written
                draft, before = replace(draft, key=next(name for name in names_for(draft.key) if name not in own)), None
            self._store.take(owner.id, draft.size - self._store.freed_by(before))
            image = Image(
                owner_id=owner.id,
                key=draft.key,
                object_key=draft.object_key,
                sha256=draft.sha256,
                size=draft.size,
                facts=draft.facts,
                created_at=self._store.clock.now(),
            )
            written = Written(image, before is None, (), twin or (draft.key if same else None))
            self._note(owner, note, written)
            del self._store.jobs[intent_id]
            self._store.images[owner.id, draft.key] = image
            removals = [] if before is None else forget_renditions(self._store, before, tags=False)
            due = self._owe(_derived_id(intent_id, 0), removals)
            kinds = [kind.name for kind in ON_ARRIVAL]
            due += (owe_renditions(self._store, image, kinds, _derived_id(intent_id, 2)),)
            self._store.bump(principal)
            return replace(written, jobs=due)

    def _note(self, owner: Owner, note: Note[Written] | None, written: Written) -> None:
        if note is not None:
            keep_answer(self._store, owner.id, note.asked, note.answer_of(written))

    def delete(
        self, principal: Principal, key: bytes, job_id: bytes, precondition: Precondition
    ) -> tuple[bytes, ...] | None:
        with self._store.steps.step("rows.delete"), self._store.lock:
            owner = self._store.owner(principal)
            before = self._store.images.get((owner.id, key))
            if before is None:
                return None
            precondition(before)
            del self._store.images[owner.id, key]
            self._store.bump(principal)
            return self._owe(job_id, forget_renditions(self._store, before, tags=True))

    def delete_all(self, principal: Principal, job_id: bytes) -> tuple[int, tuple[bytes, ...]]:
        with self._store.steps.step("rows.delete_all"), self._store.lock:
            images = self._of(principal)
            removals = [one for image in images for one in forget_renditions(self._store, image, tags=True)]
            owner_id = self._store.owner(principal).id
            trashed = [one for one in self._store.trashed.values() if one.image.owner_id == owner_id]
            removals += drop_trashed(self._store, trashed)
            due: tuple[bytes, ...] = ()
            for start in range(0, len(removals), jobs.MAX_REMOVALS):
                due += self._owe(
                    _derived_id(job_id, start) if start else job_id, removals[start : start + jobs.MAX_REMOVALS]
                )
            for image in images:
                del self._store.images[image.owner_id, image.key]
            self._store.bump(principal)
            return len(images) + len(trashed), due

    def _of(self, principal: Principal) -> list[Image]:
        if principal.way is Way.NAME and principal.name not in self._store.owners:
            return []
        owner = self._store.owner(principal)
        found = [image for image in self._store.images.values() if image.owner_id == owner.id]
        return sorted(found, key=lambda image: image.key)

    def _owe(self, job_id: bytes, removals: Sequence[Removal]) -> tuple[bytes, ...]:
        if not removals:
            return ()
        self._store.jobs[job_id] = JobRow(jobs.removal_job(job_id, removals), self._store.clock.now())
        return (job_id,)


def _derived_id(job_id: bytes, number: int) -> bytes:
    return hashlib.sha256(job_id + number.to_bytes(8, "big")).digest()[:16]
