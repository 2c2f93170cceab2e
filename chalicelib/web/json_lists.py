"""Requests whose JSON body holds a list of keys or of ids, and their answers, which may be kept for a retry."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from chalice.app import Request, Response

from chalicelib.bootstrap import Services
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.idempotency import Note
from chalicelib.domain.keys import key_from_text
from chalicelib.domain.trash import checked_count
from chalicelib.services.idempotency import once
from chalicelib.web.idempotency import asked_of, from_text, to_text
from chalicelib.web.ids import id_of
from chalicelib.web.json_answers import json_answer
from chalicelib.web.request_form import body_of
from chalicelib.web.session import principal_of

MOST_BODY_BYTES = 4 << 20  # a thousand keys of 255 characters, each written as two escapes
T = TypeVar("T")


def object_in(request: Request) -> Mapping[str, object]:
    """The JSON object that the body is. Raises InvalidValueError or TooLargeError."""
    try:
        given = json.loads(body_of(request, MOST_BODY_BYTES))
    except (ValueError, RecursionError) as error:
        raise InvalidValueError("body", "The body must be a JSON object.") from error
    if not isinstance(given, dict):
        raise InvalidValueError("body", "The JSON body must be an object.")
    return given


def text_in(given: Mapping[str, object], name: str, choices: Sequence[str] = ()) -> str:
    """A text of the object, one of the choices if there are any. Raises InvalidValueError."""
    text = given.get(name)
    if not isinstance(text, str) or (choices and text not in choices):
        wanted = f"must be one of: {', '.join(choices)}" if choices else "must be text"
        raise InvalidValueError(name, f"{name} {wanted}.")
    return text


def keys_in(given: Mapping[str, object]) -> list[bytes]:
    """The keys of the object, each once. Raises InvalidValueError or InvalidKeyError."""
    return list(dict.fromkeys(key_from_text(text) for text in _texts(given, "keys")))


def ids_in(given: Mapping[str, object]) -> list[bytes]:
    """The ids of the object, each once. Raises InvalidValueError."""
    found = list(dict.fromkeys(id_of(text) for text in _texts(given, "ids")))
    ids = [one for one in found if one is not None]
    if len(ids) < len(found):
        raise InvalidValueError("ids", "An id has 32 hexadecimal digits.")
    return ids


def answered_once(
    services: Services,
    request: Request,
    parts: Sequence[bytes],
    perform: Callable[[Note[T] | None], T],
    told: Callable[[T], tuple[object, dict[str, str], int]],
) -> Response:
    """What `told` makes of what `perform` did: body, headers and status. With an Idempotency-Key it is done once.

    `parts` are all that makes a difference. Raises InvalidValueError, IdempotencyKeyReusedError, or as `perform`.
    """
    asked = asked_of(request, *parts)
    if asked is None:
        return json_answer(*told(perform(None)))
    note: Note[T] = Note(asked, lambda found: to_text(*told(found)))
    return from_text(once(services.answers, principal_of(request), asked, lambda: to_text(*told(perform(note)))))


def _texts(given: Mapping[str, object], name: str) -> list[str]:
    found = given.get(name)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InvalidValueError(name, f"{name} must be a list of texts.")
    checked_count(len(found), name)
    return found
