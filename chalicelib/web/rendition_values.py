"""What answers and pages tell of an image's renditions and tags, as plain values. Pure."""

from dataclasses import dataclass

from chalicelib.domain.renditions import EDITS, KINDS
from chalicelib.domain.stored_renditions import About, Rendition, State

STATES = {State.DUE: "Processing", State.READY: "Ready", State.FAILED: "Failed"}


@dataclass(frozen=True, slots=True)
class ShownRendition:
    """A rendition as the pages tell it; `ratio` as of ShownImage."""

    kind: str
    caption: str
    state: str
    words: str
    width: int
    height: int
    why: str | None


def told_about(about: About) -> dict[str, object]:
    """The API's `caption`, `renditions` and `tags`."""
    return {
        "caption": about.details.caption,
        "renditions": [
            {
                "kind": one.kind,
                "state": one.state.value,
                "width": one.width or None,
                "height": one.height or None,
                "why": one.why,
            }
            for one in about.renditions
        ],
        "tags": [{"tag": one.tag, "automatic": one.automatic} for one in about.tags],
    }


def shown_about(about: About) -> dict[str, object]:
    """What the page of an image needs. `edits` are those that were not asked for yet, as (name, caption)."""
    asked = {one.kind for one in about.renditions}
    taken = about.details.seen.taken_at
    return {
        "renditions": [_shown(one) for one in about.renditions],
        "edits": [(kind.name, kind.caption) for kind in EDITS if kind.name not in asked],
        "tags": about.tags,
        "details": about.details,
        "taken": None if taken is None else f"{taken.day} {taken:%b %Y, %H:%M}",
        "taken_iso": None if taken is None else taken.isoformat(timespec="seconds"),
        "failed": any(one.state is State.FAILED for one in about.renditions),
        "ready": any(one.state is State.READY for one in about.renditions),
        "processing": any(one.state is State.DUE for one in about.renditions),
    }


def _shown(one: Rendition) -> ShownRendition:
    kind = KINDS.get(one.kind)
    caption = one.kind if kind is None else kind.caption
    return ShownRendition(one.kind, caption, one.state.value, STATES[one.state], one.width, one.height, one.why)
