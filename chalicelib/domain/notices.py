"""Telling an owner that an edit they asked for is ready, or cannot be made. Pure."""

import hashlib
import unicodedata
from dataclasses import dataclass
from enum import Enum

from chalicelib.domain.keys import text_of
from chalicelib.domain.renditions import EDITS, THUMBNAIL

SETTINGS = "notices/"  # before the owner's id
ACCOUNT = "account"  # the attribute by which a subscription gets its own account's notices only


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


def requested(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The edits among what a job makes that somebody asked for; an image that arrives gets a thumbnail too."""
    edits = {edit.name for edit in EDITS}
    return () if THUMBNAIL.name in kinds else tuple(kind for kind in kinds if kind in edits)


def notice_text(notice: EditNotice, page: str | None) -> NoticeText:
    """The words; with the address of the image's page if that is known."""
    captions = {edit.name: edit.caption for edit in EDITS}
    edits = " and ".join(f"“{captions.get(kind, kind)}”" for kind in notice.kinds)
    name = "".join(each for each in text_of(notice.key) if unicodedata.category(each) not in ("Cc", "Cf", "Zl", "Zp"))
    said = "is ready" if notice.ready else "could not be made; its page says why, and can try again"
    lines = [f"The edit {edits} of your image “{name}” {said}."]
    if page is not None:
        lines.append(page)
    subject = "Your edit is ready" if notice.ready else "Your edit could not be made"
    return NoticeText(account_name(notice.owner_id), subject, "\n\n".join(lines) + "\n")
