"""What the upload form needs, what it asks for, and what is said of what came of it, as plain values. Pure."""

from collections.abc import Sequence

from chalicelib.config import Config
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.keys import MAX_CHARACTERS, IfTaken, key_from_text, text_of
from chalicelib.domain.ports import Written
from chalicelib.domain.uploads import Upload
from chalicelib.web.http import ErrorAnswer
from chalicelib.web.page_values import NOTICES, size_in_words
from chalicelib.web.request_form import RequestForm

_NAME_CHARACTERS = MAX_CHARACTERS - 10  # of a file's name: a number may come to it


def form_values(
    config: Config, key: str = "", problem: ErrorAnswer | None = None, field: str | None = None
) -> dict[str, object]:
    """The form's limits, and what is to be said about the last try."""
    limits = {
        "max_bytes": config.max_upload_bytes,
        "max_size": size_in_words(config.max_upload_bytes),
        "inline_bytes": config.inline_bytes,
        "inline_size": size_in_words(config.inline_bytes),
    }
    return {"key": key, "problem": problem, "field": field, "limits": limits}


def if_taken_in(form: RequestForm) -> IfTaken:
    """What the field `if_taken` asks for; REPLACE without it. Raises InvalidValueError."""
    text = form.text("if_taken") or IfTaken.REPLACE.value
    if text not in {one.value for one in IfTaken}:
        raise InvalidValueError("if_taken", "if_taken must be replace, keep-both or refuse.")
    return IfTaken(text)


def wanted_in(form: RequestForm) -> tuple[bytes, IfTaken]:
    """The key that the form asks for, and what is done if it is taken.

    Where the key is left empty it is the file's name: nobody asked for that one, so nothing is replaced by it. Raises
    InvalidValueError or InvalidKeyError.
    """
    if form.values.get("key") != b"" or not (name := form.text("file.name")):
        return form.key(), if_taken_in(form)
    return key_from_text(name.replace("\\", "/").rpartition("/")[2][:_NAME_CHARACTERS]), IfTaken.KEEP_BOTH


def outcome_of(asked_key: bytes, written: Written) -> dict[str, str]:
    """What came of the form, in the query of the page that it leads to."""
    notice = ("stored" if written.created else "replaced") if written.stored else "there"
    return _outcome(notice, asked_key, written.image.key, written.duplicate_of)


def outcome_of_upload(upload: Upload) -> dict[str, str]:
    """The same of an upload that is done."""
    notice = "there" if upload.object_key is None else "stored"
    return _outcome(notice, upload.key, upload.image_key, upload.duplicate_of)


def _outcome(notice: str, asked_key: bytes, key: bytes, twin: bytes | None) -> dict[str, str]:
    if notice == "there":
        return {"notice": notice, "other": text_of(key)}
    if key != asked_key:
        return {"notice": "kept", "stored": text_of(key), "other": text_of(asked_key)}
    return {"notice": notice} if twin is None else {"notice": notice, "stored": text_of(key), "other": text_of(twin)}


def notice_in(query: RequestForm) -> Sequence[tuple[str, str]]:
    """What the query says of what was done: words, each with the key of an image to link to behind them, or ""."""
    notice, other = query.text("notice"), query.text("other")
    stored = query.text("stored") or query.text("key")
    words = NOTICES.get(notice)
    if words is None or (notice in ("kept", "there") and not other):
        return ()
    match notice:
        case "kept":
            return ((words, stored), (": another image is called ", other), (".", ""))
        case "there":
            return ((words, other), (".", ""))
        case "stored" | "replaced" if other and other == stored:
            return ((NOTICES["stored"], ""), (" The same image had this key before.", ""))
        case "stored" | "replaced" if other:
            return ((words, ""), (" The same image is in your gallery already: ", other), (".", ""))
    return ((words, ""),)
