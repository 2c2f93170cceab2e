"""What admins do and see: users, whether uploads are taken, dumps, and the log of all they did."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.errors import InvalidValueError

MIB = 1 << 20
MOST_QUOTA_MIB = 1 << 30  # a pebibyte
MOST_NOTE_CHARACTERS = 200
BEGUN, DONE, FAILED, REFUSED = "begun", "done", "failed", "refused"
UPLOADS, BLOCKED, NOTE = "uploads", "blocked", "note"  # the settings' name, and what is in them


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that an admin is about to do. `id` is 16 random bytes; `address` is where the request comes from."""

    id: bytes
    actor: str
    address: str
    what: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A deed as the log has it. `outcome` is begun until it is known."""

    id: int
    at: datetime
    actor: str
    what: str
    about: str
    outcome: str
    address: str


@dataclass(frozen=True, slots=True)
class User:
    """An account as an admin sees it. `bytes` is what counts against the quota; None is no quota."""

    owner_id: bytes
    email: str
    admin: bool
    disabled: bool
    images: int
    bytes: int
    quota_bytes: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to become of a user; None leaves a thing as it is. A quota of 0 takes the quota away."""

    disabled: bool | None = None
    admin: bool | None = None
    quota_bytes: int | None = None

    @property
    def words(self) -> str:
        """The change, for the log."""
        words = []
        if self.disabled is not None:
            words.append("disable" if self.disabled else "enable")
        if self.admin is not None:
            words.append("make admin" if self.admin else "make user")
        if self.quota_bytes is not None:
            words.append(f"quota {self.quota_bytes // MIB} MiB" if self.quota_bytes else "no quota")
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class UploadsBlock:
    """Whether uploads are taken, and if not, what the admin has to say about it."""

    blocked: bool = False
    note: str = ""

    @property
    def words(self) -> str:
        """What people are told while uploads are blocked."""
        return f"Uploads are blocked for now. {self.note}".rstrip()


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is in all. `bytes` is what images and what is made of them take."""

    accounts: int
    admins: int
    images: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Dump:
    """A dump of the database, with the rows and bytes that it has by now.

    Being made while neither `done_at` nor `why`, the reason for which it failed, is there; gone after `ends_at`.
    """

    id: bytes
    deed_id: bytes
    actor: str
    object_key: str
    asked_at: datetime
    ends_at: datetime
    done_at: datetime | None = None
    rows: int | None = None
    size: int | None = None
    why: str | None = None

    @property
    def state(self) -> str:
        """In words."""
        if self.why is not None:
            return "failed"
        return "being made" if self.done_at is None else "ready"


def quota_of(text: str) -> int:
    """Bytes of a quota given in MiB; 0 for none, which is empty text. Raises InvalidValueError."""
    text = text.strip()
    if not text:
        return 0
    fits = text.isascii() and text.isdigit() and len(text) <= len(str(MOST_QUOTA_MIB))
    if not fits or not 1 <= int(text) <= MOST_QUOTA_MIB:
        raise InvalidValueError("quota_mib", "A quota is a whole number of MiB, at least 1; empty means none.")
    return int(text) * MIB


def note_of(text: str) -> str:
    """The admin's words on blocked uploads, as one line. Raises InvalidValueError."""
    note = " ".join(text.split())
    if len(note) > MOST_NOTE_CHARACTERS or not note.isprintable():
        raise InvalidValueError("note", f"The text has at most {MOST_NOTE_CHARACTERS} characters that can be printed.")
    return note
