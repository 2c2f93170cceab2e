"""ShareRows in memory."""

from collections.abc import Sequence
from datetime import timedelta

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.shares import Opened, Share, SharedImage, ShareDraft, SharedRow
from chalicelib.domain.stored_renditions import Rendition, State
from tests.fakes.album_rows import in_force, order_of, owe_downloads
from tests.fakes.store import MemoryStore, ShareRow


class MemoryShareRows:
    """ShareRows over a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def create(self, principal: Principal, draft: ShareDraft, most: int) -> tuple[bytes, ...] | None:
        with self._store.steps.step("shares.create"), self._store.lock:
            owner, target = self._store.owner(principal, writing=True), draft.target
            if sum(row.owner_id == owner.id for row in self._store.shares.values()) >= most:
                raise InvalidValueError("title", f"There are at most {most} links. Revoke one first.")
            if target.album_id is not None:
                album = self._store.albums.get(target.album_id)
                there = album is not None and album.owner_id == owner.id
            else:
                there = (owner.id, target.key or b"") in self._store.images
            if not there:
                return None
            now = self._store.clock.now()
            ends_at = None if draft.seconds is None else now + timedelta(seconds=draft.seconds)
            self._store.shares[draft.id] = ShareRow(owner.id, draft, now, ends_at)
            return owe_downloads(self._store, owner.id, draft.id, album_id=target.album_id, key=target.key)

    def shares(self, principal: Principal) -> list[Share]:
        with self._store.steps.step("shares.shares"), self._store.lock:
            owner = self._store.owner(principal)
            found = [self._share(share_id) for share_id, row in self._store.shares.items() if row.owner_id == owner.id]
            return sorted(found, key=lambda share: share.created_at, reverse=True)

    def revoke(self, principal: Principal, share_id: bytes) -> bool:
        with self._store.steps.step("shares.revoke"), self._store.lock:
            owner, row = self._store.owner(principal, writing=True), self._store.shares.get(share_id)
            if row is None or row.owner_id != owner.id:
                return False
            del self._store.shares[share_id]
            return True

    def opened(self, token_hash: bytes) -> Opened | None:
        with self._store.steps.step("shares.opened"), self._store.lock:
            row = self._row(token_hash)
            return None if row is None else self._opened(row)

    def images(self, token_hash: bytes, after: int, limit: int) -> list[SharedImage]:
        with self._store.steps.step("shares.images"), self._store.lock:
            row = self._row(token_hash)
            found = [] if row is None else self._items(row)
            return [
                SharedImage(item_id, place, self._ready(row, key))
                for item_id, place, key in found
                if row is not None and place > after
            ][:limit]

    def image(self, token_hash: bytes, image_id: bytes) -> SharedImage | None:
        with self._store.steps.step("shares.image"), self._store.lock:
            row = self._row(token_hash)
            found = [] if row is None else self._items(row)
            for at, (item_id, place, key) in enumerate(found):
                if item_id == image_id and row is not None:
                    previous = found[at - 1][0] if at else None
                    following = found[at + 1][0] if at + 1 < len(found) else None
                    return SharedImage(item_id, place, self._ready(row, key), previous, following)
            return None

    def row(self, token_hash: bytes, image_id: bytes, kinds: Sequence[str]) -> SharedRow | None:
        with self._store.steps.step("shares.row"), self._store.lock:
            row = self._row(token_hash)
            if row is None:
                return None
            version = self._store.fleet_map.version
            key = next((key for item_id, _, key in self._items(row) if item_id == image_id), None)
            if key is None:
                return SharedRow(self._opened(row), version, None, {})
            ready = {kind: one for kind, one in self._ready(row, key).items() if kind in kinds}
            return SharedRow(self._opened(row), version, self._store.images[row.owner_id, key], ready)

    def count_view(self, share_id: bytes) -> None:
        with self._store.steps.step("shares.count_view"), self._store.lock:
            if share_id in self._store.shares:
                row = self._store.shares[share_id]
                row.views, row.viewed_at = row.views + 1, self._store.clock.now()

    def _row(self, token_hash: bytes) -> ShareRow | None:
        found = [row for row in self._store.shares.values() if row.draft.token_hash == token_hash]
        there = [row for row in found if row.draft.target.album_id is not None or self._items(row)]
        return next((row for row in there if in_force(self._store, row)), None)

    def _items(self, row: ShareRow) -> list[tuple[bytes, int, bytes]]:
        """Id, place and key of each."""
        target = row.draft.target
        if target.album_id is None:
            key = target.key or b""
            return [(row.draft.id, 0, key)] if (row.owner_id, key) in self._store.images else []  # or in the trash
        return [(item_id, item.place, item.key) for item_id, item in order_of(self._store, target.album_id)]

    def _ready(self, row: ShareRow, key: bytes) -> dict[str, Rendition]:
        return {
            kind: one
            for (owner_id, image_key, kind), one in self._store.renditions.items()
            if (owner_id, image_key) == (row.owner_id, key) and one.state is State.READY
        }

    def _opened(self, row: ShareRow) -> Opened:
        draft, album_id = row.draft, row.draft.target.album_id
        title = draft.title or ("" if album_id is None else self._store.albums[album_id].title)
        return Opened(
            id=draft.id,
            token_hash=draft.token_hash,
            title=title,
            album=album_id is not None,
            count=len(self._items(row)),
            password_hash=draft.password_hash,
            downloads=draft.downloads,
            ends_at=row.ends_at,
        )

    def _share(self, share_id: bytes) -> Share:
        row = self._store.shares[share_id]
        draft, target = row.draft, row.draft.target
        name = (
            self._store.albums[target.album_id].title if target.album_id is not None else (target.key or b"").decode()
        )
        return Share(
            id=share_id,
            target=target,
            name=name,
            title=draft.title,
            has_password=draft.password_hash is not None,
            downloads=draft.downloads,
            created_at=row.created_at,
            ends_at=row.ends_at,
            ended=row.ends_at is not None and row.ends_at <= self._store.clock.now(),
            views=row.views,
            viewed_at=row.viewed_at,
        )
