"""What pages and answers tell of albums and links, as plain values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.albums import Album, AlbumImage
from chalicelib.domain.keys import text_of
from chalicelib.domain.renditions import FULL, PREVIEW, THUMBNAIL
from chalicelib.domain.shares import DOWNLOAD, Opened, Share, SharedImage, best_of, kinds_for
from chalicelib.domain.stored_renditions import Rendition
from chalicelib.web.json_answers import instant
from chalicelib.web.page_values import day_and_minute, size_in_words

DAYS = (("1", "one day"), ("7", "a week"), ("30", "30 days"), ("365", "a year"), ("0", "until I take it back"))


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An image of an album as its owner's pages show it."""

    key: str
    width: int
    height: int
    thumbnail: bool


@dataclass(frozen=True, slots=True)
class ShownAlbum:
    """An album as its owner's pages show it."""

    id: str
    title: str
    count: int
    cover: ShownItem | None


@dataclass(frozen=True, slots=True)
class ShownShare:
    """A link as its owner's pages show it."""

    id: str
    name: str
    title: str
    album_id: str | None
    key: str | None
    made: str
    until: str
    ended: bool
    has_password: bool
    downloads: bool
    views: str


@dataclass(frozen=True, slots=True)
class ShownShared:
    """An image as whoever has a link is shown it. Sizes are the preview's; `thumbnail_width` 0: nothing is ready."""

    id: str
    number: int
    width: int
    height: int
    thumbnail_width: int
    download: str | None  # such as “4000 × 3000, 2.1 MiB”


def shown_item(item: AlbumImage) -> ShownItem:
    """One image of an album. What is made of it stands upright, so its shape is the thumbnail's."""
    facts = item.image.facts
    width, height = (facts.width, facts.height)
    if item.thumbnail is not None:
        width, height = item.thumbnail.width, item.thumbnail.height
    return ShownItem(text_of(item.image.key), width, height, item.thumbnail is not None)


def shown_album(album: Album) -> ShownAlbum:
    """An album."""
    cover = None if album.cover is None else shown_item(album.cover)
    return ShownAlbum(album.id.hex(), album.title, album.count, cover)


def shown_share(share: Share) -> ShownShare:
    """A link, for its owner."""
    if share.ends_at is None:
        until = "good until it is revoked"
    else:
        until = f"{'ended' if share.ended else 'good until'} {day_and_minute(share.ends_at)}"
    times = "not opened yet" if not share.views else f"opened {share.views:,} time{'' if share.views == 1 else 's'}"
    last = "" if share.viewed_at is None else f", last on {day_and_minute(share.viewed_at)}"
    return ShownShare(
        id=share.id.hex(),
        name=share.name,
        title=share.title,
        album_id=None if share.target.album_id is None else share.target.album_id.hex(),
        key=None if share.target.key is None else text_of(share.target.key),
        made=day_and_minute(share.created_at),
        until=until,
        ended=share.ended,
        has_password=share.has_password,
        downloads=share.downloads,
        views=times + last,
    )


def shown_shared(image: SharedImage, number: int, downloads: bool, most_bytes: int) -> ShownShared:
    """An image behind a link; `number` is its place in the album from 1, where those taken out leave gaps."""
    preview, thumbnail = image.renditions.get(PREVIEW.name), image.renditions.get(THUMBNAIL.name)
    width, height = (preview.width, preview.height) if preview is not None else (1, 1)
    return ShownShared(
        id=image.id.hex(),
        number=number,
        width=width,
        height=height,
        thumbnail_width=thumbnail.width if thumbnail is not None and preview is not None else 0,
        download=download_words(image.renditions, downloads, most_bytes),
    )


def download_words(ready: Mapping[str, Rendition], downloads: bool, most_bytes: int) -> str | None:
    """What a download would give; None if nothing may be, or nothing is there yet."""
    best = best_of(kinds_for(DOWNLOAD, downloads), ready, most_bytes)
    return None if best is None else f"{best.width} × {best.height}, {size_in_words(best.size)}"


def told_album(album: Album) -> dict[str, object]:
    """An album in the API's words."""
    return {
        "id": album.id.hex(),
        "title": album.title,
        "images": album.count,
        "cover": None if album.cover is None else text_of(album.cover.image.key),
        "created_at": instant(album.created_at),
    }


def told_share(share: Share) -> dict[str, object]:
    """A link in the API's words, for its owner."""
    return {
        "id": share.id.hex(),
        "album_id": None if share.target.album_id is None else share.target.album_id.hex(),
        "key": None if share.target.key is None else text_of(share.target.key),
        "title": share.title,
        "password": share.has_password,
        "downloads": share.downloads,
        "created_at": instant(share.created_at),
        "ends_at": _instant(share.ends_at),
        "ended": share.ended,
        "views": share.views,
        "viewed_at": _instant(share.viewed_at),
    }


def told_shared(opened: Opened, images: list[SharedImage], address: str) -> dict[str, object]:
    """What is behind a link, in the API's words; `address` is the link's own."""
    return {
        "title": opened.title,
        "album": opened.album,
        "ends_at": _instant(opened.ends_at),
        "images": [_told_image(image, opened.downloads, address) for image in images],
    }


def _told_image(image: SharedImage, downloads: bool, address: str) -> dict[str, object]:
    preview = image.renditions.get(PREVIEW.name)
    own = f"{address}/{image.id.hex()}"
    full = image.renditions.get(FULL.name)
    return {
        "id": image.id.hex(),
        "width": None if preview is None else preview.width,
        "height": None if preview is None else preview.height,
        "thumbnail": f"{own}/{THUMBNAIL.name}" if THUMBNAIL.name in image.renditions else None,
        "preview": None if preview is None else f"{own}/{PREVIEW.name}",
        "download": f"{own}/{DOWNLOAD}" if downloads and (preview or full) is not None else None,
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else instant(moment)
