"""What the admin's forms and calls say, as values. Raises InvalidValueError, or that there is no such thing."""

from chalicelib.domain.admin import UserChange, quota_of
from chalicelib.domain.errors import InvalidValueError, UnknownDumpError, UnknownUserError
from chalicelib.web.request_form import RequestForm

_ID_CHARACTERS = 32
STATUSES = {"enabled": False, "disabled": True}
ROLES = {"user": False, "admin": True}
SIGN_UP = {"open": True, "closed": False}
UPLOADS = {"open": False, "blocked": True}


def user_id_of(text: str) -> bytes:
    """Raises UnknownUserError."""
    found = _id_of(text)
    if found is None:
        raise UnknownUserError("There is no such user.")
    return found


def dump_id_of(text: str) -> bytes:
    """Raises UnknownDumpError."""
    found = _id_of(text)
    if found is None:
        raise UnknownDumpError("There is no such dump.")
    return found


def cursor_of(text: str) -> bytes | None:
    """The owner behind whom a page begins; None for the first page."""
    if not text:
        return None
    found = _id_of(text)
    if found is None:
        raise InvalidValueError("cursor", "The cursor is not one that this list gave.")
    return found


def user_change_of(form: RequestForm) -> UserChange:
    """What the fields status, role and quota_mib ask for, as far as they are given."""
    return UserChange(
        disabled=choice_of(form, "status", STATUSES),
        admin=choice_of(form, "role", ROLES),
        quota_bytes=quota_of(form.text("quota_mib")) if "quota_mib" in form.values else None,
    )


def choice_of(form: RequestForm, name: str, choices: dict[str, bool]) -> bool | None:
    """What the field stands for; None if it is not given."""
    if name not in form.values:
        return None
    text = form.text(name)
    if text not in choices:
        raise InvalidValueError(name, f"{name} must be {' or '.join(choices)}.")
    return choices[text]


def _id_of(text: str) -> bytes | None:
    if len(text) != _ID_CHARACTERS or not set(text) <= set("0123456789abcdef"):
        return None
    return bytes.fromhex(text)
