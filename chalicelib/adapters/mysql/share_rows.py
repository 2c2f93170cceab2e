"""The rows of links to albums and images.

What decides whether a link is in force stands in the very statement that finds what it leads to, at the primary only.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.mysql.album_rows import ALBUM_COUNT
from chalicelib.adapters.mysql.database import Database, Selecting, Transaction
from chalicelib.adapters.mysql.image_rows import COLUMN_COUNT, COLUMNS, image_of, locked_owner
from chalicelib.adapters.mysql.principals import OWNER_IN_FORCE, nobody, whose
from chalicelib.adapters.mysql.rendition_rows import RENDITION_COLUMNS, rendition_of
from chalicelib.adapters.mysql.share_renditions import owe_downloads
from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.shares import Opened, Share, SharedImage, ShareDraft, SharedRow, Target
from chalicelib.domain.stored_renditions import Rendition

# The link `sh` of a token's hash, its owner `o`, who must be in force, and its album `l`.
_TABLES = (
    "shares sh JOIN owners o ON o.id = sh.owner_id LEFT JOIN accounts a ON a.owner_id = sh.owner_id "
    "LEFT JOIN albums l ON l.id = sh.album_id"
)
_LEADS = (  # to an album, or to an image that is there, and not in the trash
    "(sh.image_key IS NULL OR EXISTS "
    "(SELECT 1 FROM images e WHERE e.owner_id = sh.owner_id AND e.image_key = sh.image_key))"
)
_IN_FORCE = (
    f"sh.token_hash = %s AND (sh.ends_at IS NULL OR sh.ends_at > UTC_TIMESTAMP(6)) AND {OWNER_IN_FORCE} AND {_LEADS}"
)
_OPENED = "sh.token_hash, sh.id, sh.title, l.title, sh.password, sh.downloads, sh.ends_at"
_OPENED_COUNT = 7
_COUNT = ALBUM_COUNT.format("sh.album_id")
# The images: of an album those in it, by their ids there; of a link to one image that one, by the link's own id.
_ITEMS = (
    "SELECT x.id, x.place, x.owner_id, x.image_key, x.album_id, sh.id AS share_id FROM shares sh "
    "JOIN album_images x ON x.album_id = sh.album_id WHERE sh.token_hash = %s "
    "UNION ALL SELECT sh.id, 0, sh.owner_id, sh.image_key, NULL, sh.id FROM shares sh "
    "WHERE sh.token_hash = %s AND sh.image_key IS NOT NULL"
)
_READY = "LEFT JOIN renditions r ON r.owner_id = i.owner_id AND r.image_key = i.image_key AND r.state = 'ready'"
_SHARE = (
    "sh.id, sh.album_id, sh.image_key, l.title, sh.title, sh.password IS NOT NULL, sh.downloads, sh.created_at, "
    "sh.ends_at, sh.ends_at IS NOT NULL AND sh.ends_at <= UTC_TIMESTAMP(6), sh.views, sh.viewed_at"
)


class MySqlShareRows:
    """ShareRows in MySQL. `reads` is where an owner's list is looked at; links are looked at in the database itself."""

    def __init__(self, database: Database, reads: Selecting | None = None) -> None:
        self._database = database
        self._reads = reads or database

    def create(self, principal: Principal, draft: ShareDraft, most: int) -> tuple[bytes, ...] | None:
        def work(transaction: Transaction) -> tuple[bytes, ...] | None:
            owner, target = locked_owner(transaction, principal), draft.target
            ((count,),) = transaction.select(
                "SELECT COUNT(*) FROM shares WHERE owner_id = %s AND id <> %s", (owner.id, draft.id)
            )
            if count >= most:
                raise InvalidValueError("title", f"There are at most {most} links. Revoke one first.")
            if target.album_id is not None:
                sql, of = "SELECT 1 FROM albums WHERE owner_id = %s AND id = %s FOR UPDATE", target.album_id
            else:
                sql, of = "SELECT 1 FROM images WHERE owner_id = %s AND image_key = %s FOR UPDATE", target.key or b""
            if not transaction.select(sql, (owner.id, of)):
                return None
            transaction.change(
                "INSERT IGNORE INTO shares (id, token_hash, owner_id, album_id, image_key, title, password, downloads, "
                "created_at, ends_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6), "
                "UTC_TIMESTAMP(6) + INTERVAL %s SECOND)",  # of NULL seconds: NULL
                (
                    *(draft.id, draft.token_hash, owner.id, target.album_id, target.key, draft.title),
                    *(draft.password_hash, draft.downloads, draft.seconds),
                ),
            )
            return owe_downloads(transaction, owner, draft.id, album_id=target.album_id, key=target.key)

        return self._database.transaction(work)

    def shares(self, principal: Principal) -> list[Share]:
        who, number = whose(principal), secrets.token_bytes(8)
        found = self._reads.select(
            f"SELECT %s, {_SHARE} FROM {who.tables} LEFT JOIN shares sh ON sh.owner_id = o.id AND {_LEADS} "
            f"LEFT JOIN albums l ON l.id = sh.album_id WHERE {who.condition} ORDER BY sh.created_at DESC, sh.id",
            (number, *who.args),
            belongs=lambda rows: all(row[0] == number for row in rows),
        )
        if not found:
            raise nobody(principal)
        return [_share(row[1:]) for row in found if row[1] is not None]

    def revoke(self, principal: Principal, share_id: bytes) -> bool:
        revoked = False

        def work(transaction: Transaction) -> bool:
            nonlocal revoked
            owner = locked_owner(transaction, principal)
            changed = transaction.change("DELETE FROM shares WHERE owner_id = %s AND id = %s", (owner.id, share_id))
            revoked = revoked or bool(changed)
            return revoked  # also when the answer to an earlier COMMIT was lost

        return self._database.transaction(work)

    def opened(self, token_hash: bytes) -> Opened | None:
        found = self._database.select(
            f"SELECT {_OPENED}, {_COUNT} FROM {_TABLES} WHERE {_IN_FORCE}",
            (token_hash,),
            belongs=lambda rows: all(row[0] == token_hash for row in rows),
        )
        return _opened(found[0]) if found else None

    def images(self, token_hash: bytes, after: int, limit: int) -> list[SharedImage]:
        found = self._database.select(
            f"SELECT sh.token_hash, p.id, p.place, {RENDITION_COLUMNS} FROM {_TABLES} "
            f"JOIN (SELECT q.* FROM ({_ITEMS}) q JOIN images j ON j.owner_id = q.owner_id "
            "AND j.image_key = q.image_key WHERE q.place > %s ORDER BY q.place LIMIT %s) p ON p.share_id = sh.id "
            f"JOIN images i ON i.owner_id = p.owner_id AND i.image_key = p.image_key {_READY} "
            f"WHERE {_IN_FORCE} ORDER BY p.place",
            (token_hash, token_hash, after, limit, token_hash),
            belongs=lambda rows: all(row[0] == token_hash for row in rows),
        )
        shown: dict[bytes, tuple[int, dict[str, Rendition]]] = {}
        for _, image_id, place, *columns in found:
            ready = shown.setdefault(image_id, (place, {}))[1]
            ready.update(_ready([columns]))
        return [SharedImage(image_id, place, ready) for image_id, (place, ready) in shown.items()]

    def image(self, token_hash: bytes, image_id: bytes) -> SharedImage | None:
        found = self._database.select(
            f"SELECT sh.token_hash, p.id, p.place, {_neighbour('<', 'DESC')}, {_neighbour('>', 'ASC')}, "
            f"{RENDITION_COLUMNS} FROM {_TABLES} JOIN ({_ITEMS}) p ON p.share_id = sh.id "
            f"JOIN images i ON i.owner_id = p.owner_id AND i.image_key = p.image_key {_READY} "
            f"WHERE {_IN_FORCE} AND p.id = %s",
            (token_hash, token_hash, token_hash, image_id),
            belongs=lambda rows: all(row[:2] == (token_hash, image_id) for row in rows),
        )
        if not found:
            return None
        place, previous, following = found[0][2:5]
        return SharedImage(image_id, place, _ready([row[5:] for row in found]), previous, following)

    def row(self, token_hash: bytes, image_id: bytes, kinds: Sequence[str]) -> SharedRow | None:
        # The row repeats what it was asked for, as that of an image does.
        asked = (image_id, token_hash)
        found = self._database.select(
            f"SELECT %s, {_OPENED}, {_COUNT}, m.version, {COLUMNS}, {RENDITION_COLUMNS} FROM {_TABLES} "
            "JOIN fleet_maps m ON m.id = 1 "
            "LEFT JOIN album_images x ON x.album_id = sh.album_id AND x.id = %s "
            "LEFT JOIN images i ON i.owner_id = sh.owner_id "
            "AND i.image_key = IF(sh.id = %s, sh.image_key, x.image_key) "
            f"{_READY} AND r.kind IN %s WHERE {_IN_FORCE}",
            (image_id, image_id, image_id, tuple(kinds), token_hash),
            belongs=lambda rows: all(row[:2] == asked for row in rows),
        )
        if not found:
            return None
        opened, rest = _opened(found[0][1:]), _OPENED_COUNT + 2
        map_version, *of_image = found[0][rest : rest + 1 + COLUMN_COUNT]
        image = None if of_image[0] is None else image_of(of_image)
        ready = _ready([row[rest + 1 + COLUMN_COUNT :] for row in found])
        return SharedRow(opened, map_version, image, ready)

    def count_view(self, share_id: bytes) -> None:
        self._database.transaction(
            lambda transaction: transaction.change(
                "UPDATE shares SET views = views + 1, viewed_at = UTC_TIMESTAMP(6) WHERE id = %s", (share_id,)
            )
        )


def _neighbour(side: str, order: str) -> str:
    return (
        "(SELECT y.id FROM album_images y JOIN images j ON j.owner_id = y.owner_id AND j.image_key = y.image_key "
        f"WHERE y.album_id = p.album_id AND y.place {side} p.place "
        f"ORDER BY y.place {order} LIMIT 1)"
    )


def _ready(rows: Sequence[Sequence[Any]]) -> dict[str, Rendition]:
    return {columns[0]: rendition_of(columns) for columns in rows if columns[0] is not None}


def _opened(columns: Sequence[Any]) -> Opened:
    token_hash, share_id, title, album_title, password_hash, downloads, ends_at, count = columns[: _OPENED_COUNT + 1]
    album = album_title is not None
    return Opened(
        id=share_id,
        token_hash=token_hash,
        title=title or album_title or "",
        album=album,
        count=count if album else 1,
        password_hash=password_hash,
        downloads=bool(downloads),
        ends_at=_moment(ends_at),
    )


def _share(columns: Sequence[Any]) -> Share:
    share_id, album_id, key, album_title, title, has_password, downloads, created_at, *rest = columns
    ends_at, ended, views, viewed_at = rest
    return Share(
        id=share_id,
        target=Target(album_id, key),
        name=album_title if key is None else key.decode(),
        title=title,
        has_password=bool(has_password),
        downloads=bool(downloads),
        created_at=created_at.replace(tzinfo=UTC),
        ends_at=_moment(ends_at),
        ended=bool(ended),
        views=views,
        viewed_at=_moment(viewed_at),
    )


def _moment(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)
