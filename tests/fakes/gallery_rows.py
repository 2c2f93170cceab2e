"""GalleryRows and DetailRows in memory."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.accounts import Principal, Standing
from chalicelib.domain.errors import KeyTakenError, NotSignedInError
from chalicelib.domain.gallery import Cursor, GalleryEntry
from chalicelib.domain.image_details import Details
from chalicelib.domain.keys import text_of
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.ports import Precondition
from chalicelib.domain.search import EVERYTHING, Query
from chalicelib.domain.search_completion import Suggestion
from chalicelib.domain.stored_renditions import State
from tests.fakes.album_rows import rename_shared
from tests.fakes.finding import found_by, images_of, suggested
from tests.fakes.rendition_rows import details_of, owe_renditions
from tests.fakes.store import MemoryStore


class MemoryGalleryRows:
    """GalleryRows and DetailRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def page(
        self, principal: Principal, after: Cursor | None, limit: int, query: Query = EVERYTHING
    ) -> tuple[Sequence[GalleryEntry], ListSource]:
        with self._store.steps.step("rows.gallery"), self._store.lock:
            try:
                owner = self._store.owner(principal)
            except NotSignedInError:
                return [], ListSource.PRIMARY
            mine = [image for image in images_of(self._store, owner.id) if found_by(self._store, image, query)]
            newest_first = sorted(mine, key=lambda image: (image.created_at, image.key), reverse=True)
            behind = [
                image
                for image in newest_first
                if after is None or (image.created_at, image.key) < (after.created_at, after.key)
            ]
            return [self._entry(image.owner_id, image.key) for image in behind[:limit]], ListSource.PRIMARY

    def standing(self, principal: Principal) -> Standing:
        with self._store.steps.step("rows.standing"), self._store.lock:
            return Standing(self._store.owner(principal), self._store.fleet_map.version)

    def suggestions(self, principal: Principal, tag: str | None, word: str | None, limit: int) -> list[Suggestion]:
        with self._store.steps.step("rows.suggestions"), self._store.lock:
            return suggested(self._store, self._store.owner(principal).id, tag, word)[:limit]

    def describe(self, principal: Principal, key: bytes, caption: str, precondition: Precondition) -> bool:
        with self._store.steps.step("rows.describe"), self._store.lock:
            owner = self._store.owner(principal, writing=True)
            image = self._store.images.get((owner.id, key))
            if image is None:
                return False
            precondition(image)
            before, seen_object_key = self._store.details.get((owner.id, key), (Details(), None))
            self._store.details[owner.id, key] = (replace(before, caption=caption), seen_object_key)
            self._store.bump(principal)
            return True

    def rename(
        self, principal: Principal, key: bytes, new_key: bytes, job_id: bytes, precondition: Precondition
    ) -> tuple[bytes, ...] | None:
        with self._store.steps.step("rows.rename"), self._store.lock:
            store, owner = self._store, self._store.owner(principal, writing=True)
            image = store.images.get((owner.id, key))
            if image is None:
                return None
            precondition(image)
            if new_key == key:
                return ()
            if (owner.id, new_key) in store.images:
                raise KeyTakenError(f"Another image has the key “{text_of(new_key)}” already.")
            renamed = replace(image, key=new_key)
            del store.images[owner.id, key]
            store.images[owner.id, new_key] = renamed
            rename_shared(store, image, new_key)
            for place in [place for place in store.renditions if place[:2] == (owner.id, key)]:
                store.renditions[owner.id, new_key, place[2]] = store.renditions.pop(place)
            if (owner.id, key) in store.tags:
                store.tags[owner.id, new_key] = store.tags.pop((owner.id, key))
            if (owner.id, key) in store.details:
                store.details[owner.id, new_key] = store.details.pop((owner.id, key))
            due = [
                kind
                for (owner_id, of, kind), one in store.renditions.items()
                if (owner_id, of) == (owner.id, new_key) and one.state is State.DUE
            ]
            store.bump(principal)
            return (owe_renditions(store, renamed, due, job_id),) if due else ()

    def _entry(self, owner_id: bytes, key: bytes) -> GalleryEntry:
        details = details_of(self._store, owner_id, key)
        return GalleryEntry(self._store.images[owner_id, key], details.caption, details.seen.colour)
