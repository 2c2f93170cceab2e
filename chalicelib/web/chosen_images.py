"""Forms that name many images: the field `key` as often as there are."""

from urllib.parse import parse_qsl

from chalice.app import Request
from multipart import parse_options_header

from chalicelib.domain.albums import MOST_IMAGES
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.keys import key_from_bytes
from chalicelib.web import form_token
from chalicelib.web.request_form import RequestForm, body_of, form_of

FORM_BYTES = 4 * 1024 * 1024  # a thousand of the longest keys, percent-encoded
_OTHER_FIELDS = 16
_URLENCODED = "application/x-www-form-urlencoded"


def chosen_in(request: Request, secret_key: str) -> tuple[RequestForm, list[bytes]]:
    """The form that was sent, and every key in it, in order.

    Raises ForgedFormError if this browser was not given it, InvalidValueError, InvalidKeyError or TooLargeError.
    """
    if parse_options_header(request.headers.get("content-type", ""))[0] != _URLENCODED:
        form = form_of(request, 0)
        form_token.check(request, form, secret_key)
        return form, [form.key()] if "key" in form.values else []
    text = body_of(request, FORM_BYTES).decode("latin-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_IMAGES + _OTHER_FIELDS, encoding="latin-1")
    except ValueError as error:
        raise InvalidValueError("key", f"At most {MOST_IMAGES} images can be chosen at once.") from error
    raw = [(name, value.encode("latin-1")) for name, value in pairs]
    form = RequestForm(dict(raw))
    form_token.check(request, form, secret_key)
    return form, [key_from_bytes(value) for name, value in raw if name == "key"]
