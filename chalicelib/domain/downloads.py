"""Downloads: zips that the worker makes of an owner's images, chosen ones or all, and how far it is with them. Pure."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from chalicelib.domain.images import Image
from chalicelib.domain.parted import Parted, parted_of, plain_of
from chalicelib.domain.stored_renditions import ImageTag
from chalicelib.domain.zip_files import ZipEntry

DOWNLOADS = "downloads/"  # what lies below it goes after a day
ZIP_KEPT_SECONDS = 24 * 3600
LINK_SECONDS = 300
FORGET_DAYS = 7  # after which a download is not even listed any more
MOST_UNDER_WAY = 3
MOST_LISTED = 20
MEDIA_TYPE = "application/zip"
METADATA_NAME = "images.json"
_HIDDEN = "hidden:"


class What(Enum):
    """What a download is of."""

    SELECTION = "selection"
    EXPORT = "export"  # everything, with metadata


class State(Enum):
    """How far a download is."""

    MAKING = "making"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Zip:
    """One archive of a download: being made while `made_at` is None, gone after `ends_at`."""

    number: int  # from 1
    object_key: str
    images: int
    size: int  # bytes
    made_at: datetime | None
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Download:
    """A download as its owner sees it. `missing` images were gone, or their bytes were."""

    id: bytes  # 16 random bytes
    what: What
    state: State
    images: int
    bytes: int
    images_done: int
    bytes_done: int
    missing: int
    why: str | None
    asked_at: datetime
    zips: tuple[Zip, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """How far the worker is: the last key that it has done with, in byte order, and what it has done."""

    after: bytes = b""
    images: int = 0
    bytes: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class OpenZip:
    """An archive in the making: what the object store has of it, and where it began.

    `rest` are the bytes behind that, too few for a part. Once `is_whole`, only its parts are to be made one object.
    """

    number: int
    stored: Parted
    begun_at: datetime
    since: Place
    entries: tuple[ZipEntry, ...] = ()
    records: tuple[Mapping[str, object], ...] = ()  # of the metadata
    rest: bytes = b""
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Making:
    """Where the making of a download goes on."""

    place: Place = Place()
    open_zip: OpenZip | None = None
    zips: int = 0  # begun
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """One run of the worker at a download of so many images. `turn` fences it: of two at once, the later counts."""

    download_id: bytes
    owner_id: bytes
    what: What
    asked_at: datetime
    turn: int
    making: Making
    images: int


@dataclass(frozen=True, slots=True)
class AlbumPlace:
    """That an image is in an album; `place` orders the album's images, and numbers may be missing."""

    album_id: bytes
    title: str
    place: int


@dataclass(frozen=True, slots=True)
class Source:
    """An image that goes into a download, its tags, its caption, and the albums that it is in."""

    image: Image
    tags: tuple[ImageTag, ...]
    caption: str = ""
    albums: tuple[AlbumPlace, ...] = ()


def restarted(making: Making) -> Making:
    """Back to where the open archive began, which is to be begun anew under another number."""
    if making.open_zip is None:
        return making
    return replace(making, place=making.open_zip.since, open_zip=None, restarts=making.restarts + 1)


def file_name(asked_at: datetime, number: int) -> str:
    """What an archive is called when it is saved."""
    return f"images-{asked_at:%Y-%m-%d}{f'-{number}' if number > 1 else ''}.zip"


def text_of(making: Making) -> str:
    """The making, to be kept in a row."""
    body: dict[str, object] = {
        "place": _plain(making.place),
        "zips": making.zips,
        "restarts": making.restarts,
        "zip": None,
    }
    if (one := making.open_zip) is not None:
        kept: dict[str, object] = {
            "number": one.number,
            **plain_of(one.stored),
            "begun_at": one.begun_at.isoformat(),
            "since": _plain(one.since),
            "entries": [(e.name, e.crc, e.size, e.offset, e.at.isoformat()) for e in one.entries],
            "records": one.records,
            "rest": base64.b64encode(one.rest).decode(),
            "is_whole": one.is_whole,
        }
        if one.rest or one.is_whole:
            # The release before knows neither, and would go on at a wrong place: to it, and to it alone, this upload in
            # parts is lost, so that it makes the archive anew.
            kept["upload_id"] = _HIDDEN + one.stored.upload_id
        body["zip"] = kept
    return json.dumps(body, ensure_ascii=False)


def making_of(text: str) -> Making:
    """What `text_of` kept."""
    body = json.loads(text)
    one = body["zip"]
    open_zip = one and OpenZip(
        number=one["number"],
        stored=parted_of({**one, "upload_id": one["upload_id"].removeprefix(_HIDDEN)}),
        begun_at=datetime.fromisoformat(one["begun_at"]),
        since=_place(one["since"]),
        entries=tuple(_entry(*entry) for entry in one["entries"]),
        records=tuple(one["records"]),
        rest=base64.b64decode(one.get("rest", "")),  # rows from before there was one
        is_whole=one.get("is_whole", False),
    )
    return Making(_place(body["place"]), open_zip, body["zips"], body["restarts"])


def _entry(name: str, crc: int, size: int, offset: int, at: str) -> ZipEntry:
    return ZipEntry(name, crc, size, offset, datetime.fromisoformat(at))


def _plain(place: Place) -> list[object]:
    return [place.after.hex(), place.images, place.bytes, place.missing]


def _place(plain: list[str]) -> Place:
    after, images, taken, missing = plain
    return Place(bytes.fromhex(after), int(images), int(taken), int(missing))
