"""From the names of what an image shows to automatic tags. Pure."""

from collections.abc import Sequence

from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.tags import tag_of

MOST_LABELS, LEAST_CONFIDENCE = 10, 80.0  # in per cent


def tags_of(names: Sequence[str]) -> list[str]:
    """The first names as tags, in lower case, none twice; what cannot be a tag is left out."""
    found: dict[str, None] = {}
    for name in names[:MOST_LABELS]:
        try:
            found[tag_of(name)] = None
        except InvalidValueError:
            continue
    return list(found)
