"""TrashRows and ManyRows in memory."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.idempotency import Note
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Removal, Render
from chalicelib.domain.keys import names_for
from chalicelib.domain.renditions import THUMBNAIL
from chalicelib.domain.stored_renditions import State
from chalicelib.domain.trash import KEPT_DAYS, Restored, TrashedImage, place_of
from chalicelib.domain.trash_ports import Back, Gone, Refused, TrashRow
from tests.fakes.album_rows import rename_shared
from tests.fakes.answers import keep_answer
from tests.fakes.rendition_rows import forget_renditions
from tests.fakes.store import JobRow, MemoryStore, put_by_hand, take_off


class MemoryTrashRows:
    """TrashRows over a MemoryStore. A transaction holds the store's lock and changes nothing unless it completes."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def trash(
        self,
        principal: Principal,
        keys: Sequence[bytes],
        batch_id: bytes,
        note: Note[tuple[TrashedImage, ...]] | None = None,
    ) -> tuple[TrashedImage, ...]:
        with self._store.steps.step("trash.trash"), self._store.lock:
            store, owner_id = self._store, self._store.owner(principal, writing=True).id
            images = [store.images[owner_id, key] for key in sorted(set(keys)) if (owner_id, key) in store.images]
            trashed = tuple(
                TrashedImage(_derived(batch_id + one.object_key.encode()), one, batch_id, store.clock.now())
                for one in images
            )
            if note is not None:
                keep_answer(store, owner_id, note.asked, note.answer_of(trashed))
            for one in trashed:
                del store.images[owner_id, one.image.key]
                store.trashed[one.id] = one
                self._rename(one.image, one.image.key, place_of(one.id))
            if trashed:
                store.bump(principal)
            return trashed

    def restore(self, principal: Principal, ids: Sequence[bytes], seed: bytes, note: Note[Back] | None = None) -> Back:
        with self._store.steps.step("trash.restore"), self._store.lock:
            store, owner_id = self._store, self._store.owner(principal, writing=True).id
            taken = {key for owner, key in store.images if owner == owner_id}
            restored = []
            for one in self._own(owner_id, ids):
                key = next(name for name in names_for(one.image.key) if name not in taken)
                taken.add(key)
                restored.append(Restored(one.id, one.image.key, key))
            due = [
                (Render(owner_id, one.key, store.trashed[one.id].image.object_key, kinds), _derived(seed, number))
                for number, one in enumerate(restored)
                if (kinds := self._due(owner_id, place_of(one.id)))
            ]
            back = Back(tuple(restored), tuple(job_id for _, job_id in due))
            if note is not None:
                keep_answer(store, owner_id, note.asked, note.answer_of(back))
            for back_again in restored:
                image = store.trashed.pop(back_again.id).image
                store.images[owner_id, back_again.key] = replace(image, key=back_again.key)
                self._rename(image, place_of(back_again.id), back_again.key)
            for order, job_id in due:
                store.jobs[job_id] = JobRow(jobs.render_job(job_id, order), store.clock.now())
            if restored:
                store.bump(principal)
            return back

    def delete(self, principal: Principal, ids: Sequence[bytes], seed: bytes, note: Note[Gone] | None = None) -> Gone:
        with self._store.steps.step("trash.delete"), self._store.lock:
            owner_id = self._store.owner(principal, writing=True).id
            return self._dropped(owner_id, self._own(owner_id, ids), seed, note)

    def batch(self, principal: Principal, batch_id: bytes) -> list[bytes]:
        with self._store.steps.step("trash.batch"), self._store.lock:
            owner_id = self._store.owner(principal).id
            found = [one for one in self._of(owner_id) if one.batch_id == batch_id]
            return [one.id for one in sorted(found, key=lambda one: (one.image.key, one.id))]

    def page(self, principal: Principal, behind: tuple[datetime, bytes] | None, limit: int) -> list[TrashedImage]:
        with self._store.steps.step("trash.page"), self._store.lock:
            found = sorted(self._of(self._store.owner(principal).id), key=lambda one: (one.trashed_at, one.id))
            return [one for one in reversed(found) if behind is None or (one.trashed_at, one.id) < behind][:limit]

    def count(self, principal: Principal) -> tuple[int, int]:
        with self._store.steps.step("trash.count"), self._store.lock:
            found = self._of(self._store.owner(principal).id)
            return len(found), sum(one.image.size for one in found)

    def row(self, principal: Principal, trash_id: bytes) -> TrashRow:
        with self._store.steps.step("trash.row"), self._store.lock:
            owner = self._store.owner(principal)
            (trashed,) = self._own(owner.id, [trash_id]) or (None,)
            thumbnail = self._store.renditions.get((owner.id, place_of(trash_id), THUMBNAIL.name))
            ready = thumbnail if thumbnail is not None and thumbnail.state is State.READY else None
            return TrashRow(owner, self._store.fleet_map.version, trashed, ready)

    def overdue(self) -> bytes | None:
        with self._store.steps.step("trash.overdue"), self._store.lock:
            found = min(self._overdue(), key=lambda one: one.trashed_at, default=None)
            return None if found is None else found.image.owner_id

    def purge(self, owner_id: bytes, seed: bytes, limit: int) -> Gone:
        with self._store.steps.step("trash.purge"), self._store.lock:
            found = sorted(self._overdue(), key=lambda one: one.trashed_at)
            return self._dropped(owner_id, [one for one in found if one.image.owner_id == owner_id][:limit], seed)

    def _dropped(
        self, owner_id: bytes, trashed: Sequence[TrashedImage], seed: bytes, note: Note[Gone] | None = None
    ) -> Gone:
        store, names = self._store, tuple(one.id for one in trashed)
        gone = Gone(names, (seed,) if names else ())
        if note is not None:
            keep_answer(store, owner_id, note.asked, note.answer_of(gone))
        if not names:
            return gone
        due = owe(store, drop_trashed(store, trashed), seed)
        store.bump_owner(owner_id)
        return Gone(names, due)

    def _own(self, owner_id: bytes, ids: Sequence[bytes]) -> list[TrashedImage]:
        found = [self._store.trashed[one] for one in dict.fromkeys(ids) if one in self._store.trashed]
        return [one for one in found if one.image.owner_id == owner_id]

    def _of(self, owner_id: bytes) -> list[TrashedImage]:
        return [one for one in self._store.trashed.values() if one.image.owner_id == owner_id]

    def _overdue(self) -> list[TrashedImage]:
        latest = self._store.clock.now() - timedelta(days=KEPT_DAYS)
        return [one for one in self._store.trashed.values() if one.trashed_at < latest]

    def _due(self, owner_id: bytes, place: bytes) -> tuple[str, ...]:
        found = self._store.renditions.items()
        return tuple(sorted(at[2] for at, one in found if at[:2] == (owner_id, place) and one.state is State.DUE))

    def _rename(self, image: Image, before: bytes, after: bytes) -> None:
        owner_id = image.owner_id
        rename_shared(self._store, replace(image, key=before), after)
        renditions, tags = self._store.renditions, self._store.tags
        for place in [place for place in renditions if place[:2] == (owner_id, before)]:
            renditions[owner_id, after, place[2]] = renditions.pop(place)
        if (owner_id, before) in tags:
            tags[owner_id, after] = tags.pop((owner_id, before))
        if (owner_id, before) in self._store.details:
            self._store.details[owner_id, after] = self._store.details.pop((owner_id, before))


class MemoryManyRows:
    """ManyRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def delete(self, principal: Principal, keys: Sequence[bytes], seed: bytes, note: Note[Gone] | None = None) -> Gone:
        with self._store.steps.step("many.delete"), self._store.lock:
            store, owner_id = self._store, self._store.owner(principal, writing=True).id
            there = [key for key in dict.fromkeys(keys) if (owner_id, key) in store.images]
            gone = Gone(tuple(there), (seed,) if there else ())
            if note is not None:
                keep_answer(store, owner_id, note.asked, note.answer_of(gone))
            if not there:
                return gone
            images = [store.images.pop((owner_id, key)) for key in there]
            removals = [one for image in images for one in forget_renditions(store, image, tags=True)]
            store.bump(principal)
            return Gone(tuple(there), owe(store, removals, seed))

    def add_tag(
        self,
        principal: Principal,
        keys: Sequence[bytes],
        tag: str,
        most: int,
        note: Note[Mapping[bytes, Refused]] | None = None,
    ) -> Mapping[bytes, Refused]:
        with self._store.steps.step("many.add_tag"), self._store.lock:
            store, owner_id = self._store, self._store.owner(principal, writing=True).id
            refused: dict[bytes, Refused] = {}
            wanted = []
            for key in dict.fromkeys(keys):
                shown = {one: row for one, row in store.tags.get((owner_id, key), {}).items() if not row.removed}
                if (owner_id, key) not in store.images:
                    refused[key] = "not-found"
                elif tag not in shown and len(shown) >= most:
                    refused[key] = "too-many-tags"
                elif tag not in shown or shown[tag].automatic:
                    wanted.append(key)
            if note is not None:
                keep_answer(store, owner_id, note.asked, note.answer_of(refused))
            for key in wanted:
                put_by_hand(store.tags.setdefault((owner_id, key), {}), tag)
            if wanted:
                store.bump(principal)
            return refused

    def remove_tag(
        self, principal: Principal, keys: Sequence[bytes], tag: str, note: Note[Mapping[bytes, Refused]] | None = None
    ) -> Mapping[bytes, Refused]:
        with self._store.steps.step("many.remove_tag"), self._store.lock:
            store, owner_id = self._store, self._store.owner(principal, writing=True).id
            rows = {key: store.tags.get((owner_id, key), {}).get(tag) for key in dict.fromkeys(keys)}
            tagged = {key: row for key, row in rows.items() if row is not None and not row.removed}
            refused = dict.fromkeys(rows.keys() - tagged.keys(), "not-found")
            if note is not None:
                keep_answer(store, owner_id, note.asked, note.answer_of(refused))
            for key in tagged:
                take_off(store.tags[owner_id, key], tag)
            if tagged:
                store.bump(principal)
            return refused


def drop_trashed(store: MemoryStore, trashed: Sequence[TrashedImage]) -> list[Removal]:
    """Deletes the rows and what hangs on them; what is to be removed with them."""
    removals = []
    for one in trashed:
        del store.trashed[one.id]
        removals += forget_renditions(store, one.image, tags=True, place=place_of(one.id))
    return removals


def owe(store: MemoryStore, removals: Sequence[Removal], job_id: bytes) -> tuple[bytes, ...]:
    """Owes the removals, as jobs of as many as one may hold."""
    due = []
    for start in range(0, len(removals), jobs.MAX_REMOVALS):
        due.append(_derived(job_id, start) if start else job_id)
        job = jobs.removal_job(due[-1], removals[start : start + jobs.MAX_REMOVALS])
        store.jobs[job.id] = JobRow(job, store.clock.now())
    return tuple(due)


def _derived(seed: bytes, number: int = 0) -> bytes:
    return hashlib.sha256(seed + number.to_bytes(8, "big")).digest()[:16]
