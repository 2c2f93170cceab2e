"""RenditionRows and RenderRows in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import InvalidValueError, QuotaError
from chalicelib.domain.image_details import Details, SeenFacts
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Job, Removal, Render
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.rendition_ports import RenditionRow
from chalicelib.domain.renditions import AUTOMATIC, KINDS
from chalicelib.domain.stored_renditions import About, ImageTag, Rendition, State, in_order, object_key_of
from tests.fakes.album_rows import forget_shared
from tests.fakes.store import JobRow, MemoryStore, TagRow, forget_automatic, put_by_hand, take_off


class MemoryRenditionRows:
    """RenditionRows and RenderRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def row(self, principal: Principal, key: bytes, kind: str) -> RenditionRow:
        with self._store.steps.step("renditions.row"), self._store.lock:
            owner = self._store.owner(principal)
            image = self._store.images.get((owner.id, key))
            rendition = self._store.renditions.get((owner.id, key, kind))
            return RenditionRow(owner, self._store.fleet_map.version, image, rendition)

    def about(self, principal: Principal, key: bytes) -> About:
        with self._store.steps.step("renditions.about"), self._store.lock:
            owner = self._store.owner(principal)
            tags = self._store.tags.get((owner.id, key), {})
            shown = sorted((tag for tag, row in tags.items() if not row.removed), key=str.encode)
            return About(
                in_order(list(self._of((owner.id, key)).values()), tuple(KINDS)),
                tuple(ImageTag(tag, tags[tag].automatic) for tag in shown),
                details_of(self._store, owner.id, key),
            )

    def of_images(self, principal: Principal, keys: Sequence[bytes]) -> dict[bytes, tuple[Rendition, ...]]:
        with self._store.steps.step("renditions.of_images"), self._store.lock:
            owner = self._store.owner(principal)
            found = {key: in_order(list(self._of((owner.id, key)).values()), tuple(KINDS)) for key in keys}
            return {key: made for key, made in found.items() if made}

    def ask(self, principal: Principal, key: bytes, kind: str, job_id: bytes) -> tuple[bytes, ...] | None:
        def wanted(image: Image) -> tuple[str, ...]:
            there = self._of((image.owner_id, key)).get(kind)
            if there is not None and there.state is not State.FAILED:
                return ()
            if kind not in AUTOMATIC:
                self._store.refuse_if_full(image.owner_id, 1)
            return (kind,)

        with self._store.steps.step("renditions.ask"):
            return self._asked(principal, key, job_id, wanted)

    def ask_again(self, principal: Principal, key: bytes, job_id: bytes) -> tuple[bytes, ...] | None:
        def wanted(image: Image) -> tuple[str, ...]:
            failed = [k for k, one in self._of((image.owner_id, key)).items() if one.state is State.FAILED]
            automatic = tuple(kind for kind in failed if kind in AUTOMATIC)
            try:
                if len(automatic) < len(failed):
                    self._store.refuse_if_full(image.owner_id, 1)
            except QuotaError:
                if not automatic:
                    raise
                return automatic
            return tuple(failed)

        with self._store.steps.step("renditions.ask_again"):
            return self._asked(principal, key, job_id, wanted)

    def add_tag(self, principal: Principal, key: bytes, tag: str, most: int) -> bool:
        with self._store.steps.step("renditions.add_tag"), self._store.lock:
            owner = self._store.owner(principal, writing=True)
            if (owner.id, key) not in self._store.images:
                return False
            tags = self._store.tags.setdefault((owner.id, key), {})
            is_shown = tag in tags and not tags[tag].removed
            if is_shown and not tags[tag].automatic:
                return True
            if not is_shown and sum(not row.removed for row in tags.values()) >= most:
                raise InvalidValueError("tag", f"An image has at most {most} tags. Remove one first.")
            put_by_hand(tags, tag)
            self._store.bump(principal)
            return True

    def remove_tag(self, principal: Principal, key: bytes, tag: str) -> bool:
        with self._store.steps.step("renditions.remove_tag"), self._store.lock:
            tags = self._store.tags.get((self._store.owner(principal, writing=True).id, key), {})
            if tag not in tags:
                return False
            take_off(tags, tag)
            self._store.bump(principal)
            return True

    def source(self, order: Render) -> Image | None:
        with self._store.steps.step("renditions.source"), self._store.lock:
            return self._source(order)

    def complete(
        self,
        order: Render,
        job_id: bytes,
        intent_id: bytes,
        made: Sequence[Rendition],
        tags: Sequence[str],
        seen: SeenFacts | None = None,
        owed: Sequence[Job] = (),
    ) -> bool:
        with self._store.steps.step("renditions.complete"), self._store.lock:
            ended = self._store.jobs.pop(job_id, None)
            if self._source(order) is None:
                if intent_id in self._store.jobs:
                    self._store.jobs[intent_id].due_at = self._store.clock.now()
                return False
            self._store.jobs.pop(intent_id, None)
            before_it = self._of((order.owner_id, order.key))
            states = [before_it[one.kind].state for one in made if one.kind in before_it]
            is_first = ended is not None or any(state is not State.READY for state in states)
            for one in made:
                self._store.renditions[order.owner_id, order.key, one.kind] = one
            if tags and is_first:
                kept = self._store.tags.setdefault((order.owner_id, order.key), {})
                forget_automatic(kept)
                for tag in tags:
                    kept.setdefault(tag, TagRow(automatic=True))
            if seen is not None:
                place = (order.owner_id, order.key)
                before = self._store.details.get(place, (Details(), None))[0]
                self._store.details[place] = (replace(before, seen=seen), order.source_object_key)
            self._owe(owed if ended else ())
            self._store.bump_owner(order.owner_id)
            return True

    def refuse_if_full(self, order: Render, size: int) -> None:
        with self._store.steps.step("renditions.refuse_if_full"), self._store.lock:
            self._store.refuse_if_full(order.owner_id, size)

    def fail(self, order: Render, job_id: bytes, why: str, owed: Sequence[Job] = ()) -> None:
        with self._store.steps.step("renditions.fail"), self._store.lock:
            ended = self._store.jobs.pop(job_id, None)
            if self._source(order) is None:
                return
            self._owe(owed if ended else ())
            for kind in order.kinds:
                there = self._store.renditions.get((order.owner_id, order.key, kind))
                if there is not None and there.state is State.DUE:
                    self._store.renditions[order.owner_id, order.key, kind] = replace(
                        there, state=State.FAILED, why=why
                    )
            self._store.bump_owner(order.owner_id)

    def label(self, order: Render, job_id: bytes, tags: Sequence[str]) -> None:
        with self._store.steps.step("renditions.label"), self._store.lock:
            self._store.jobs.pop(job_id, None)
            if self._source(order) is None or not tags:
                return
            kept = self._store.tags.setdefault((order.owner_id, order.key), {})
            for tag in tags:
                kept.setdefault(tag, TagRow(automatic=True))
            self._store.bump_owner(order.owner_id)

    def replace_job(self, job_id: bytes, instead: Sequence[Job], seconds: int = 0) -> None:
        with self._store.steps.step("renditions.replace_job"), self._store.lock:
            if self._store.jobs.pop(job_id, None) is not None:
                self._owe(instead, seconds)

    def _owe(self, owed: Sequence[Job], seconds: int = 0) -> None:
        for job in owed:
            self._store.jobs[job.id] = JobRow(job, self._store.clock.now() + timedelta(seconds=seconds))

    def _of(self, image: tuple[bytes, bytes]) -> dict[str, Rendition]:
        return {kind: one for (owner, key, kind), one in self._store.renditions.items() if (owner, key) == image}

    def _source(self, order: Render) -> Image | None:
        image = self._store.images.get((order.owner_id, order.key))
        return image if image is not None and image.object_key == order.source_object_key else None

    def _asked(
        self, principal: Principal, key: bytes, job_id: bytes, wanted: Callable[[Image], tuple[str, ...]]
    ) -> tuple[bytes, ...] | None:
        with self._store.lock:
            owner = self._store.owner(principal, writing=True)
            image = self._store.images.get((owner.id, key))
            if image is None:
                return None
            kinds = wanted(image)
            if not kinds:
                return ()
            owe_renditions(self._store, image, kinds, job_id)
            self._store.bump(principal)
            return (job_id,)


def details_of(store: MemoryStore, owner_id: bytes, key: bytes) -> Details:
    """The details of the image; what was seen of a former image under the key is left out."""
    image = store.images.get((owner_id, key))
    details, seen_object_key = store.details.get((owner_id, key), (Details(), None))
    if image is None:
        return Details()
    return details if seen_object_key == image.object_key else Details(details.caption)


def owe_renditions(store: MemoryStore, image: Image, kinds: Sequence[str], job_id: bytes) -> bytes:
    """Writes those renditions as due, and the job that makes them; the job's id."""
    for kind in kinds:
        due = Rendition(kind, State.DUE, object_key_of(image.object_key, kind))
        store.renditions[image.owner_id, image.key, kind] = due
    order = Render(image.owner_id, image.key, image.object_key, tuple(kinds))
    store.jobs[job_id] = JobRow(jobs.render_job(job_id, order), store.clock.now())
    return job_id


def forget_renditions(store: MemoryStore, image: Image, *, tags: bool, place: bytes | None = None) -> list[Removal]:
    """Deletes the image's renditions and automatic tags, and all its tags if asked; what is to be removed with it.

    `place` is what stands for its key in the trash.
    """
    under = image.key if place is None else place
    places = [one for one in store.renditions if one[:2] == (image.owner_id, under)]
    objects = [image.object_key, *(store.renditions.pop(one).object_key for one in places)]
    if tags:
        store.tags.pop((image.owner_id, under), None)
        forget_shared(store, replace(image, key=under))
        store.details.pop((image.owner_id, under), None)
    else:
        forget_automatic(store.tags.get((image.owner_id, under), {}))
    return [Removal(image.owner_id, object_key, partition_of(image.key)) for object_key in objects]
