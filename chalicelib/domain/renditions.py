"""What is made of an image when it has arrived, and what can be made of it on request: one table."""

from dataclasses import dataclass

MEDIA_TYPE = "image/webp"
MOST_EDGE_PIXELS = 4096


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that can be made of an image. It fits into a square of `edge_pixels`; nothing is ever enlarged.

    `turn` is what is done to the pixels: "" nothing, "flip" left to right, "grey", "left" and "right" by 90 degrees.
    """

    name: str
    caption: str
    edge_pixels: int
    turn: str = ""
    quality: int = 82
    media_type: str = MEDIA_TYPE


THUMBNAIL = Kind("thumbnail", "Thumbnail", 320, quality=75)
PREVIEW = Kind("preview", "Preview", 1600)
FLIPPED = Kind("flipped", "Flipped", MOST_EDGE_PIXELS, "flip", 88)
GREYSCALE = Kind("greyscale", "Greyscale", MOST_EDGE_PIXELS, "grey", 88)
ROTATED_LEFT = Kind("rotated-left", "Rotated left", MOST_EDGE_PIXELS, "left", 88)
ROTATED_RIGHT = Kind("rotated-right", "Rotated right", MOST_EDGE_PIXELS, "right", 88)
FULL = Kind("full", "Full size, for sharing", MOST_EDGE_PIXELS, quality=85)

LOOKED_AT = Kind("looked-at", "What labels are asked of", 1024, quality=85, media_type="image/jpeg")  # never stored

ON_ARRIVAL = (THUMBNAIL, PREVIEW, FLIPPED)
AUTOMATIC = frozenset(kind.name for kind in ON_ARRIVAL)
EDITS = (FLIPPED, GREYSCALE, ROTATED_LEFT, ROTATED_RIGHT)
KINDS = {kind.name: kind for kind in (THUMBNAIL, PREVIEW, *EDITS, FULL)}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A finished rendition: its size in pixels and its bytes, of the kind's type, without any metadata."""

    kind: Kind
    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """What looking at an image's pixels and EXIF told. Sizes are after its orientation was applied.

    `colours` are main colours as (red, green, blue, share of the pixels), most first. `camera` and `taken` are EXIF's
    own words on make and model and on the time, whatever they are: `automatic_tags` reads them.
    """

    width: int
    height: int
    colours: tuple[tuple[int, int, int, float], ...] = ()
    camera: str | None = None
    taken: str | None = None
