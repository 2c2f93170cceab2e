"""What the pages show of images and of the fleet, as plain values for templates. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.fleet import FleetMap
from chalicelib.domain.images import FILE_EXTENSIONS, Image
from chalicelib.domain.keys import text_of
from chalicelib.domain.partitions import PARTITIONS, partition_of
from chalicelib.domain.rates import Rates

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WebP"}
NODE_COLOURS = 8  # the style sheet has as many; further nodes take them again, and their number tells them apart

NOTICES = {
    "stored": "The image is stored.",
    "replaced": "The image is stored. The one that had this key before is gone.",
    "kept": "The image is stored as ",
    "there": "Nothing was stored: this image is in your gallery already, as ",
    "deleted-all": "Every image is deleted, those in the trash too.",
    "asked": "The edit is being made. It shows among the renditions when it is ready.",
    "retried": "What failed is being made again. It shows among the renditions when it is ready.",
    "tagged": "The tag is on the image.",
    "captioned": "The caption is changed.",
    "renamed": "The image has its new key.",
    "untagged": "The tag is off the image.",
}


@dataclass(frozen=True, slots=True)
class ShownImage:
    """An image as the pages tell it."""

    key: str
    format: str
    width: int
    height: int
    frames: int
    size: str
    ratio: int  # tenths of width : height, 5 to 30; the style sheet has a class for each
    uploaded: str
    uploaded_iso: str


@dataclass(frozen=True, slots=True)
class ShownNode:
    """A node as the pages tell it; `number` counts from 1 in the map's order, `partitions` too."""

    number: int
    colour: int
    id: str
    address: str
    partitions: tuple[int, ...]


def shown(image: Image) -> ShownImage:
    """The image as the pages tell it."""
    moment = image.created_at.astimezone(UTC)
    facts = image.facts
    return ShownImage(
        key=text_of(image.key),
        format=FORMATS.get(facts.media_type, facts.media_type),
        width=facts.width,
        height=facts.height,
        frames=facts.frames,
        size=size_in_words(image.size),
        ratio=max(5, min(30, round(10 * facts.width / facts.height))),
        uploaded=day_and_minute(moment),
        uploaded_iso=moment.isoformat(timespec="seconds"),
    )


def shown_nodes(fleet_map: FleetMap) -> list[ShownNode]:
    """The fleet's nodes in the map's order."""
    return [
        ShownNode(
            number=index + 1,
            colour=index % NODE_COLOURS + 1,
            id=node.id,
            address=f"{node.address}:{node.port}",
            partitions=tuple(partition + 1 for partition in fleet_map.partitions_of(node)),
        )
        for index, node in enumerate(fleet_map.nodes)
    ]


def cells(fleet_map: FleetMap) -> list[ShownNode | None]:
    """For each partition the node that serves it; None while the fleet is empty."""
    nodes = shown_nodes(fleet_map)
    return [nodes[fleet_map.assignment[p]] if nodes else None for p in range(PARTITIONS)]


def node_serving(fleet_map: FleetMap, key: bytes) -> ShownNode | None:
    """The node whose partition the key belongs to."""
    return cells(fleet_map)[partition_of(key)]


def rate_in_words(rate: float | None) -> str | None:
    """A share in percent, rounded down to a tenth so that 100 % means all; None stays None."""
    return None if rate is None else f"{int(rate * 1000 + 1e-9) / 10:.1f} %"


def hit_rate(rates: Rates) -> str | None:
    """The share of the last minute's requests that needed no read at the origin."""
    return rate_in_words(rates.hit)


def size_in_words(size_bytes: int) -> str:
    """A size in bytes, KiB or MiB, with two or three figures that mean something."""
    if size_bytes < 1024:
        return f"{size_bytes} byte{'' if size_bytes == 1 else 's'}"
    size, unit = (size_bytes / 1024, "KiB") if size_bytes < 1024 * 1024 else (size_bytes / 1024 / 1024, "MiB")
    return f"{size:.1f} {unit}" if size < 10 else f"{size:.0f} {unit}"


def day_and_minute(moment: datetime) -> str:
    """Such as “3 May 2026, 14:05 UTC”."""
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def day(moment: datetime) -> str:
    """Such as “3 May 2026”."""
    return f"{moment.astimezone(UTC).day} {moment.astimezone(UTC):%b %Y}"


def file_name(image: Image) -> str:
    """A name to save the image under: the end of its key, with an extension that says what it is."""
    name = text_of(image.key).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].strip(" .") or "image"
    extensions = FILE_EXTENSIONS.get(image.facts.media_type, ("",))
    return name if name.lower().endswith(extensions) else name + extensions[0]
