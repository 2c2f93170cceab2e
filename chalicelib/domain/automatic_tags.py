"""The tags an image gets on arrival, from what its file and its pixels say.

At most nine: the type, the orientation, the size class, up to four main colours, the camera, the month it was taken in.
What EXIF says is anybody's text: it is cleaned or left out, and never raises.
"""

import re

from chalicelib.domain.colour_names import named_shares
from chalicelib.domain.renditions import Seen
from chalicelib.domain.tags import MOST_CHARACTERS, folded, is_refused

MOST_TAGS = 9

# Up to that many megapixels an image is called so; `huge` is what no page shows whole.
_SIZES = ((1.0, "small"), (6.0, "medium"), (24.0, "large"))
_LARGEST = "huge"

_MOST_COLOURS = 4
_LEAST_SHARE = 0.1  # of the pixels that are not see-through

_SQUARE = 1.05  # the longer edge over the shorter, up to which an image is called square

# What makers add to their names, and cameras' owners never say.
_FIRM = frozenset(
    (
        *("corporation", "corp", "co", "company", "ltd", "inc", "gmbh", "ag", "kk"),
        *("techwin", "imaging", "optical", "electronics", "computer", "communications"),
    )
)
_WORD_EDGES = ".,;:\"'()[]<>{}"
_MONTH = re.compile(r"(19|20)(\d\d)[:\-/. ](0[1-9]|1[0-2])(?!\d)")


def automatic_tags(seen: Seen, media_type: str) -> list[str]:
    """Tags, each a tag of its own kind as `tag_of` has them, none twice, in the order that the module names them."""
    found = [
        media_type.partition("/")[2].lower(),
        orientation(seen.width, seen.height),
        size_class(seen.width, seen.height),
        *main_colours(seen),
        camera_tag(seen.camera or ""),
        capture_month(seen.taken or ""),
    ]
    return list(dict.fromkeys(tag for tag in found if tag))


def orientation(width: int, height: int) -> str:
    """Landscape, portrait or square, of an image the right way up."""
    if max(width, height) <= min(width, height) * _SQUARE:
        return "square"
    return "landscape" if width > height else "portrait"


def size_class(width: int, height: int) -> str:
    """Small up to 1 megapixel, medium up to 6, large up to 24, else huge."""
    return next((name for most, name in _SIZES if width * height <= most * 1e6), _LARGEST)


def main_colours(seen: Seen) -> list[str]:
    """The names of up to four colours that have a tenth of the pixels or more, most first."""
    shares = named_shares(seen.colours)
    return [name for name, share in shares.items() if share >= _LEAST_SHARE][:_MOST_COLOURS]


def camera_tag(words: str) -> str | None:
    """Make and model in lower case, each word once, without the firm's form; None if nothing is left.

    "NIKON CORPORATION NIKON D750" becomes "nikon d750".
    """
    plain = folded("".join(" " if is_refused(each) else each for each in words))
    kept = dict.fromkeys(word for each in plain.split() if (word := each.strip(_WORD_EDGES)) and word not in _FIRM)
    tag = folded(" ".join(kept)[:MOST_CHARACTERS])
    return tag if any(map(str.isalnum, tag)) else None


def capture_month(words: str) -> str | None:
    """The month as "2024-05" out of EXIF's "2024:05:17 08:30:00"; None if that is not what it is."""
    found = _MONTH.match(words.strip(" \0"))
    return f"{found[1]}{found[2]}-{found[3]}" if found else None
