"""What else is known of an image: its owner's caption, its main colour, and what its EXIF says. Pure."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.automatic_tags import camera_tag, main_colours
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.renditions import Seen

MOST_CAPTION_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class SeenFacts:
    """What looking at the bytes told. `colour` is of domain/colour_names; `taken_at` is naive: cameras name no zone."""

    colour: str | None = None
    camera: str | None = None
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """The caption, empty if there is none, and what was seen of the present bytes."""

    caption: str = ""
    seen: SeenFacts = SeenFacts()


NO_DETAILS = Details()


def seen_facts(seen: Seen) -> SeenFacts:
    """What is kept of what was seen. EXIF is anybody's text: what makes no sense is left out."""
    colours = main_colours(seen)
    return SeenFacts(colours[0] if colours else None, camera_tag(seen.camera or ""), taken_at(seen.taken or ""))


def taken_at(words: str) -> datetime | None:
    """The moment that EXIF's "2024:05:17 08:30:00" names; None if it is none."""
    try:
        moment = datetime.strptime(words.strip(" \0")[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    return moment if moment.year >= 1826 else None  # nothing was photographed before


def caption_of(text: str) -> str:
    """The caption that was written, without outer spaces; line breaks and tabs become spaces.

    Raises InvalidValueError, with words for the person who wrote it.
    """
    caption = " ".join(text.split())
    if len(caption) > MOST_CAPTION_CHARACTERS:
        raise InvalidValueError(
            "caption", f"A caption has at most {MOST_CAPTION_CHARACTERS} characters; this one has {len(caption)}."
        )
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in caption):
        raise InvalidValueError("caption", "A caption has no control characters.")
    return caption
