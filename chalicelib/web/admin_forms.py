"""What the admin's forms and calls say, as values. Raises InvalidValueError."""

from chalicelib.domain.admin import UserChange, quota_of
from chalicelib.domain.errors import InvalidValueError
from chalicelib.web.ids import known_id_of
from chalicelib.web.request_form import RequestForm

STATUSES = {"enabled": False, "disabled": True}
ROLES = {"user": False, "admin": True}
SIGN_UP = {"open": True, "closed": False}
UPLOADS = {"open": False, "blocked": True}


def cursor_of(text: str) -> bytes | None:
    """The owner behind whom a page begins; None for the first page."""
    if not text:
        return None
    return known_id_of(text, InvalidValueError("cursor", "The cursor is not one that this list gave."))


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
