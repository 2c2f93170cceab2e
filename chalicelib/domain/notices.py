"""Telling an owner that an edit of an image is ready, or cannot be made. Pure."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from chalicelib.domain.keys import text_of
from chalicelib.domain.renditions import AUTOMATIC, EDITS, THUMBNAIL

SETTINGS = "notices/"  # before the owner's id
ACCOUNT = "account"  # the attribute by which a subscription gets its own account's notices only
MOST_TOGETHER = 500  # images that one mail tells of
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class EditNotice:
    """Edits of one image that are `ready`, or else failed. `kinds` are names of EDITS."""

    owner_id: bytes
    key: bytes
    kinds: tuple[str, ...]
    ready: bool


@dataclass(frozen=True, slots=True)
class NoticeText:
    """What a subscriber is sent: the image's key, the edits and their state; nothing of the owner or the image."""

    account: str
    subject: str  # ASCII, as SNS wants it
    text: str


class Told(Enum):
    """Whether an account is told by mail."""

    OFF = "off"
    PENDING = "pending"  # until the mail that asks for it is answered
    ON = "on"


def settings_name(owner_id: bytes) -> str:
    """The name of the settings that keep an owner's subscription."""
    return SETTINGS + owner_id.hex()


def account_name(owner_id: bytes) -> str:
    """What the topic knows the account by: it leads to no row, no object and no address."""
    return hashlib.sha256(b"notices of " + owner_id).hexdigest()[:32]


def edits_among(kinds: Sequence[str]) -> tuple[str, ...]:
    """The edits among what a job makes: those are told."""
    edits = {edit.name for edit in EDITS}
    return tuple(kind for kind in kinds if kind in edits)


def is_asked_for(kinds: Sequence[str]) -> bool:
    """Whether somebody asked for an edit that the job makes; one for an image that arrives makes a thumbnail too."""
    return any(kind not in AUTOMATIC or THUMBNAIL.name not in kinds for kind in edits_among(kinds))


def notice_text(notices: Sequence[EditNotice], page: str | None) -> NoticeText:
    """The words for some notices of one owner; with the address of the page where the images are, if it is known.

    A line for all images of which the same is told, in the order in which they come.
    """
    told: dict[tuple[tuple[str, ...], bool], dict[bytes, None]] = {}
    for notice in notices:
        told.setdefault((notice.kinds, notice.ready), {})[notice.key] = None
    lines = [_line(kinds, ready, list(keys)) for (kinds, ready), keys in told.items()]
    if page is not None:
        lines.append(page)
    return NoticeText(account_name(notices[0].owner_id), _subject(notices), "\n\n".join(lines) + "\n")


def _line(kinds: tuple[str, ...], ready: bool, keys: Sequence[bytes]) -> str:
    captions = {edit.name: edit.caption for edit in EDITS}
    edits = " and ".join(f"“{captions.get(kind, kind)}”" for kind in kinds)
    if len(keys) == 1:
        said = "is ready" if ready else "could not be made; its page says why, and can try again"
        return f"The edit {edits} of your image “{_name(keys[0])}” {said}."
    names = ", ".join(f"“{_name(key)}”" for key in keys[:MOST_NAMED])
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    said = "is ready" if ready else "could not be made; their pages say why, and can try again"
    return f"The edit {edits} of {len(keys)} of your images {said}: {names}{more}."


def _name(key: bytes) -> str:
    return "".join(each for each in text_of(key) if unicodedata.category(each) not in ("Cc", "Cf", "Zl", "Zp"))


def _subject(notices: Sequence[EditNotice]) -> str:
    which, states = "Your edit is" if len(notices) == 1 else "Your edits are", {notice.ready for notice in notices}
    if states == {True}:
        return f"{which} ready"
    return f"Your edit{'s' * (len(notices) > 1)} could not be made" if states == {False} else "Your edits"
