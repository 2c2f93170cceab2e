"""AlbumRows in memory."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib.domain import jobs
from chalicelib.domain.accounts import Principal
from chalicelib.domain.albums import Album, AlbumImage, moved
from chalicelib.domain.errors import InvalidValueError, NotFoundError, RequestError
from chalicelib.domain.images import Image
from chalicelib.domain.jobs import Render
from chalicelib.domain.renditions import FULL, THUMBNAIL
from chalicelib.domain.shares import Target
from chalicelib.domain.sharing_ports import Added, Most
from chalicelib.domain.stored_renditions import Rendition, State, object_key_of
from tests.fakes.store import AlbumImageRow, AlbumRow, JobRow, MemoryStore, ShareRow


class MemoryAlbumRows:
    """AlbumRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def albums(self, principal: Principal) -> list[Album]:
        with self._store.steps.step("albums.albums"), self._store.lock:
            owner = self._store.owner(principal)
            found = [(row.created_at, -number, id_) for number, (id_, row) in enumerate(self._of(owner.id))]
            return [self._album(album_id) for *_, album_id in sorted(found, key=lambda one: one[0], reverse=True)]

    def album(self, principal: Principal, album_id: bytes) -> Album | None:
        with self._store.steps.step("albums.album"), self._store.lock:
            owner = self._store.owner(principal)
            return self._album(album_id) if self._has(owner.id, album_id) else None

    def images(self, principal: Principal, album_id: bytes, after: int, limit: int) -> list[AlbumImage]:
        with self._store.steps.step("albums.images"), self._store.lock:
            owner = self._store.owner(principal)
            if not self._has(owner.id, album_id):
                return []
            return [self._item(item_id) for item_id, row in order_of(self._store, album_id) if row.place > after][
                :limit
            ]

    def holding(self, principal: Principal, key: bytes) -> list[Album]:
        with self._store.steps.step("albums.holding"), self._store.lock:
            held = {row.album_id for row in self._store.album_images.values() if row.key == key}
            return [album for album in self.albums(principal) if album.id in held]

    def create(self, principal: Principal, album_id: bytes, title: str, most: int) -> None:
        with self._store.steps.step("albums.create"), self._store.lock:
            owner = self._store.owner(principal, writing=True)
            if album_id in self._store.albums:
                return
            if len(self._of(owner.id)) >= most:
                raise InvalidValueError("title", f"There are at most {most} albums. Delete one first.")
            self._store.albums[album_id] = AlbumRow(owner.id, title, self._store.clock.now())

    def create_with(
        self, principal: Principal, album_id: bytes, title: str, keys: Sequence[bytes], job_id: bytes, most: Most
    ) -> Added:
        with self._store.steps.step("albums.create_with"), self._store.lock:
            self.create(principal, album_id, title, most.albums)
            try:
                added = self.add(principal, album_id, keys, job_id, most.images)
            except RequestError:
                forget_album(self._store, album_id)
                raise
            assert added is not None
            return added

    def rename(self, principal: Principal, album_id: bytes, title: str) -> bool:
        with self._store.steps.step("albums.rename"), self._store.lock:
            there = self._has(self._store.owner(principal, writing=True).id, album_id)
            if there:
                self._store.albums[album_id].title = title
            return there

    def delete(self, principal: Principal, album_id: bytes) -> bool:
        with self._store.steps.step("albums.delete"), self._store.lock:
            there = self._has(self._store.owner(principal, writing=True).id, album_id)
            if there:
                forget_album(self._store, album_id)
            return there

    def add(
        self, principal: Principal, album_id: bytes, keys: Sequence[bytes], job_id: bytes, most: int
    ) -> Added | None:
        with self._store.steps.step("albums.add"), self._store.lock:
            owner = self._store.owner(principal, writing=True)
            if not self._has(owner.id, album_id):
                return None
            there = [row for _, row in order_of(self._store, album_id)]
            new = [key for key in dict.fromkeys(keys) if key not in {row.key for row in there}]
            for key in new:
                if (owner.id, key) not in self._store.images:
                    raise NotFoundError(f"There is no image with the key “{key.decode()}”.")
            if new and len(there) + len(new) > most:
                raise InvalidValueError("key", f"An album has at most {most} images.")
            place = max((row.place for row in there), default=-1) + 1
            for at, key in enumerate(new):
                row = AlbumImageRow(album_id, owner.id, key, place + at)
                self._store.album_images[secrets.token_bytes(16)] = row
            return Added(len(new), owe_downloads(self._store, owner.id, job_id, album_id=album_id))

    def remove(self, principal: Principal, album_id: bytes, key: bytes) -> bool:
        with self._store.steps.step("albums.remove"), self._store.lock:
            item = self._item_id(principal, album_id, key)
            if item is not None:
                del self._store.album_images[item]
            return item is not None

    def move(self, principal: Principal, album_id: bytes, key: bytes, to: Callable[[int], int]) -> bool:
        with self._store.steps.step("albums.move"), self._store.lock:
            item = self._item_id(principal, album_id, key)
            if item is None:
                return False
            order = [item_id for item_id, _ in order_of(self._store, album_id)]
            for place, item_id in enumerate(moved(order, item, to(order.index(item)))):
                self._store.album_images[item_id].place = place
            return True

    def choose_cover(self, principal: Principal, album_id: bytes, key: bytes) -> bool:
        with self._store.steps.step("albums.choose_cover"), self._store.lock:
            item = self._item_id(principal, album_id, key)
            if item is not None:
                self._store.albums[album_id].cover = item
            return item is not None

    def _of(self, owner_id: bytes) -> list[tuple[bytes, AlbumRow]]:
        return [(album_id, row) for album_id, row in self._store.albums.items() if row.owner_id == owner_id]

    def _has(self, owner_id: bytes, album_id: bytes) -> bool:
        row = self._store.albums.get(album_id)
        return row is not None and row.owner_id == owner_id

    def _item_id(self, principal: Principal, album_id: bytes, key: bytes) -> bytes | None:
        owner = self._store.owner(principal, writing=True)
        if not self._has(owner.id, album_id):
            return None
        return next((item_id for item_id, row in order_of(self._store, album_id) if row.key == key), None)

    def _album(self, album_id: bytes) -> Album:
        row, items = self._store.albums[album_id], [item_id for item_id, _ in order_of(self._store, album_id)]
        cover = row.cover if row.cover in items else next(iter(items), None)
        shown = None if cover is None else self._item(cover)
        return Album(album_id, row.title, len(items), shown, row.created_at)

    def _item(self, item_id: bytes) -> AlbumImage:
        row = self._store.album_images[item_id]
        thumbnail = self._store.renditions.get((row.owner_id, row.key, THUMBNAIL.name))
        ready = thumbnail if thumbnail is not None and thumbnail.state is State.READY else None
        return AlbumImage(item_id, row.place, self._store.images[row.owner_id, row.key], ready)


def order_of(store: MemoryStore, album_id: bytes) -> list[tuple[bytes, AlbumImageRow]]:
    """The album's images in order, by their ids there; without those that are in the trash."""
    found = [
        (item_id, row)
        for item_id, row in store.album_images.items()
        if row.album_id == album_id and (row.owner_id, row.key) in store.images
    ]
    return sorted(found, key=lambda one: one[1].place)


def forget_shared(store: MemoryStore, image: Image) -> None:
    """What deleting an image does to albums and links."""
    for item_id in [
        i for i, row in store.album_images.items() if (row.owner_id, row.key) == (image.owner_id, image.key)
    ]:
        del store.album_images[item_id]
    for share_id, row in list(store.shares.items()):
        if (row.owner_id, row.draft.target.key) == (image.owner_id, image.key):
            del store.shares[share_id]


def rename_shared(store: MemoryStore, image: Image, new_key: bytes) -> None:
    """What another key for an image does to albums and links."""
    for item in store.album_images.values():
        if (item.owner_id, item.key) == (image.owner_id, image.key):
            item.key = new_key
    for row in store.shares.values():
        if (row.owner_id, row.draft.target.key) == (image.owner_id, image.key):
            row.draft = replace(row.draft, target=Target(key=new_key))


def forget_album(store: MemoryStore, album_id: bytes) -> None:
    """What deleting an album does."""
    del store.albums[album_id]
    for item_id, _ in order_of(store, album_id):
        del store.album_images[item_id]
    for share_id in [i for i, row in store.shares.items() if row.draft.target.album_id == album_id]:
        del store.shares[share_id]


def in_force(store: MemoryStore, row: ShareRow) -> bool:
    """Whether the link leads anywhere."""
    return (row.ends_at is None or row.ends_at > store.clock.now()) and store.in_force(row.owner_id)


def owe_downloads(
    store: MemoryStore, owner_id: bytes, job_id: bytes, *, album_id: bytes | None = None, key: bytes | None = None
) -> tuple[bytes, ...]:
    """Makes due what links let others download of the album or the image: the jobs."""
    if not any(
        row.draft.downloads and (row.draft.target.album_id, row.draft.target.key) == (album_id, key)
        for row in store.shares.values()
        if row.owner_id == owner_id and (row.ends_at is None or row.ends_at > store.clock.now())
    ):
        return ()
    keys = [row.key for _, row in order_of(store, album_id)] if album_id is not None else [key or b""]
    due = []
    for number, one in enumerate(key for key in keys if (owner_id, key, FULL.name) not in store.renditions):
        image = store.images[owner_id, one]
        rendition = Rendition(FULL.name, State.DUE, object_key_of(image.object_key, FULL.name))
        store.renditions[owner_id, one, FULL.name] = rendition
        order = Render(owner_id, one, image.object_key, (FULL.name,))
        due.append(jobs.render_job(hashlib.sha256(job_id + bytes([number])).digest()[:16], order))
    store.jobs.update({job.id: JobRow(job, store.clock.now()) for job in due})
    if due:
        store.bump_owner(owner_id)
    return tuple(job.id for job in due)
