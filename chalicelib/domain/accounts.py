"""Who asks, whose images they may see, and the rules of accounts."""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from chalicelib.domain.errors import InvalidValueError

MOST_EMAIL_BYTES = 254  # RFC 5321
LEAST_PASSWORD_CHARACTERS, MOST_PASSWORD_CHARACTERS = 10, 200
SESSION_IDLE_SECONDS, SESSION_SECONDS = 30 * 60, 12 * 3600
TOKEN_BYTES = 32
TRIES_SECONDS = 15 * 60  # in which tries are counted

# One @, something on both sides, a dot or nothing in the domain, nothing that a header or a page could trip over.
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]\x00-\x1f\x7f]+@[^\s@<>\"(),:;\\\[\]\x00-\x1f\x7f]+")


class Scope(Enum):
    """What a token for scripts lets them do."""

    READ = "read"
    WRITE = "write"  # and read


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose images they are. `id` is 16 random bytes; `version` grows with every write of the owner's."""

    id: bytes
    version: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Who the owner is and which map is published, as one SELECT said after the request began."""

    owner: Owner
    map_version: int


class Way(Enum):
    """By what a request says who it comes from."""

    NAME = "name"  # the setting SIGNED_IN_AS names a built-in owner
    SESSION = "session"
    TOKEN = "token"  # noqa: S105  # a word, not a secret


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request comes from, as its session says. Never taken from a parameter.

    By a session or a token, `name` is empty and `token_hash` names the row that decides, at the moment it is read,
    whether the request comes from anybody at all.
    """

    name: str
    admin: bool = False
    way: Way = Way.NAME
    token_hash: bytes = b""
    standing: Standing | None = field(default=None, compare=False)  # if the door has asked


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account, made once they had shown to read mail for its address. `email` is as `email_of` gives it."""

    owner_id: bytes
    email: str
    password_hash: str
    admin: bool
    disabled: bool
    erase_at: datetime | None = None  # from when on it is erased, if its owner asked for that
    standing: Standing | None = field(default=None, compare=False)  # as the request's own SELECT told it


def email_of(text: str) -> str:
    """The address in the one spelling it is kept in. Raises InvalidValueError.

    Upper and lower case are the same person: no provider of mail tells them apart.
    """
    email = text.strip()
    if not email.isascii():  # before case is folded: the Kelvin sign and "ß" would become others' letters
        raise InvalidValueError("email", "Mail is sent to addresses of ASCII letters only; this one has others.")
    if not _EMAIL.fullmatch(email) or len(email) > MOST_EMAIL_BYTES:
        raise InvalidValueError("email", "This is not an e-mail address.")
    return email.lower()


def password_of(text: str, email: str) -> str:
    """The password, if it may be one. Raises InvalidValueError. Length is what counts: NIST SP 800-63B."""
    if len(text) < LEAST_PASSWORD_CHARACTERS:
        raise InvalidValueError("password", f"A password has at least {LEAST_PASSWORD_CHARACTERS} characters.")
    if len(text) > MOST_PASSWORD_CHARACTERS:
        raise InvalidValueError("password", f"A password has at most {MOST_PASSWORD_CHARACTERS} characters.")
    if len(set(text)) < 4 or text.casefold() in (email, email.partition("@")[0]):
        raise InvalidValueError("password", "This password is too easy to guess.")
    return text


def hash_of(token: str) -> bytes:
    """What is kept of a token. It has 256 random bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode(errors="replace")).digest()
