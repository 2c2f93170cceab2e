"""What the pages say after an action on many images: in the query of the page that the form leads to. Pure."""

from dataclasses import dataclass

from chalicelib.web.ids import id_of
from chalicelib.web.looks import own_path
from chalicelib.web.request_form import RequestForm

BACK = ("/", "/keys", "/trash")  # where a form may lead back to
SAID = (
    "notice",
    "stored",
    "other",
    "trashed",
    "outcome",
    "count",
    "refused",
)  # what an address says of what was done, not of its page
_MOST_DIGITS = 6
_WORDS = {
    "none": "Nothing was chosen, or it is gone already.",
    "restored": "{count} restored.",
    "renamed": "{count} restored. Where the key was taken meanwhile, a number was added to it.",
    "gone": "{count} deleted for ever.",
    "tagged": "{count} tagged.",
    "untagged": "The tag is off {count}.",
    "downloading": "The zip is being made.",
    "emptied": "The trash is empty.",
}
_REFUSED = " {refused} left as before."


@dataclass(frozen=True, slots=True)
class Undo:
    """What can be undone on a page: how many images were put away, by which action."""

    batch_id: str
    count: int
    back: str


def words_of(query: RequestForm) -> str | None:
    """What happened, in words; None if nothing did."""
    words = _WORDS.get(query.text("outcome"))
    if words is None:
        return None
    refused = _number(query, "refused")
    return words.format(count=images_in_words(_number(query, "count"))) + (
        _REFUSED.format(refused=images_in_words(refused)) if refused else ""
    )


def batch_in(query: RequestForm) -> bytes | None:
    """The action that can be undone, if the query names one."""
    return id_of(query.text("trashed"))


def back_of(back: str) -> str:
    """Where to go back to, path and query: one of the pages that have actions."""
    return back if own_path(back) == back and back.partition("?")[0] in BACK else "/"


def images_in_words(count: int) -> str:
    """Such as “1 image” or “30 images”."""
    return f"{count:,} image{'' if count == 1 else 's'}"


def _number(query: RequestForm, name: str) -> int:
    text = query.text(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0
