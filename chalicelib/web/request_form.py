"""What came with a request: query, form (urlencoded or multipart) or JSON object, as one set of named values."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import parse_qsl

from chalice.app import Request
from multipart import MultipartError, MultipartParser, ParserLimitReached, parse_options_header

from chalicelib.domain.errors import InvalidValueError, TooLargeError
from chalicelib.domain.keys import key_from_bytes

MAX_FIELDS = 32
FORM_BYTES = 64 * 1024  # what a form may put around the file


@dataclass(frozen=True, slots=True)
class RequestForm:
    """Named values as bytes, as sent. Of a name given twice the last counts; the body goes before the query.

    The name of a file stands beside its bytes: that of `file` as `file.name`.
    """

    values: dict[str, bytes]
    repeated: tuple[tuple[str, bytes], ...] = ()  # each name and value of the body as often as it was sent

    def each(self, name: str) -> list[bytes]:
        """Every value that the body has of that name, in the order of the first of each."""
        return list(dict.fromkeys(value for given, value in self.repeated if given == name))

    def key(self) -> bytes:
        """The key that the field `key` holds. Raises InvalidValueError or InvalidKeyError."""
        raw = self.values.get("key")
        if raw is None:
            raise InvalidValueError("key", "The field “key” is missing.")
        return key_from_bytes(raw)

    def file(self) -> bytes:
        """The bytes of the field `file`. Raises InvalidValueError."""
        data = self.values.get("file")
        if data is None:
            raise InvalidValueError("file", "The field “file” is missing: send the image's bytes in it.")
        return data

    def texts(self) -> dict[str, str]:
        """Every value as text, for fields that are text. Raises InvalidValueError."""
        return {name: self.text(name) for name in self.values}

    def text(self, name: str, default: str = "") -> str:
        """One value as text. Raises InvalidValueError."""
        try:
            return self.values[name].decode() if name in self.values else default
        except UnicodeDecodeError:
            raise InvalidValueError(name, f"The field “{name}” is not valid UTF-8.") from None


def form_of(request: Request, max_bytes: int, most_fields: int = MAX_FIELDS) -> RequestForm:
    """The values of the request. Raises InvalidValueError, TooLargeError or InvalidKeyError."""
    values = query_of(request).values
    body = body_of(request, max_bytes + FORM_BYTES)
    content_type = request.headers.get("content-type", "")
    repeated = tuple(_body_values(content_type, body, most_fields)) if body else ()
    values.update(repeated)
    return RequestForm(values, repeated)


def body_of(request: Request, max_bytes: int) -> bytes:
    """The request's body as it was sent. Raises TooLargeError."""
    raw = request.raw_body
    body = raw.encode() if isinstance(raw, str) else raw
    if len(body) > max_bytes:
        raise TooLargeError(f"The body has {len(body)} bytes; at most {max_bytes} are taken here.")
    return body


def query_of(request: Request) -> RequestForm:
    """The values of the query alone."""
    query: Mapping[str, str] = request.query_params or {}
    return RequestForm({name: _encoded(name, query[name]) for name in query})


def _encoded(name: str, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidValueError(name, f"The value of “{name}” is not valid UTF-8.") from None


def _body_values(content_type: str, body: bytes, most_fields: int) -> Iterator[tuple[str, bytes]]:
    media_type, options = parse_options_header(content_type)
    match media_type:
        case "multipart/form-data":
            return _multipart(body, options.get("boundary", ""), most_fields)
        case "application/x-www-form-urlencoded" | "":
            return _urlencoded(body, most_fields)
        case "application/json":
            return _json(body)
        case _:
            raise InvalidValueError(
                "Content-Type",
                f"A body of type “{media_type}” is not understood here: send a multipart form, a urlencoded form or "
                "a JSON object.",
            )


def _multipart(body: bytes, boundary: str, most_fields: int) -> Iterator[tuple[str, bytes]]:
    if not boundary:
        raise InvalidValueError("Content-Type", "The multipart form names no boundary.")
    in_memory = len(body) + 1  # the body is in memory already; nothing goes to disk
    parser = MultipartParser(
        BytesIO(body), boundary, part_limit=most_fields, spool_limit=in_memory, memory_limit=in_memory
    )
    try:
        for part in parser:
            yield part.name, part.raw
            if part.filename:
                yield f"{part.name}.name", part.filename.encode(errors="replace")
    except ParserLimitReached as error:
        raise TooLargeError(f"The form has more parts or longer headers than are taken: {error}.") from error
    except MultipartError as error:
        raise InvalidValueError("body", f"The multipart form is damaged or cut short: {error}.") from error


def _urlencoded(body: bytes, most_fields: int) -> Iterator[tuple[str, bytes]]:
    try:
        # Latin-1 gives each byte a character and back: what the bytes mean is decided field by field.
        pairs = parse_qsl(
            body.decode("latin-1"), keep_blank_values=True, max_num_fields=most_fields, encoding="latin-1"
        )
    except ValueError as error:
        raise InvalidValueError("body", f"The form cannot be read: {error}.") from error
    yield from ((name, value.encode("latin-1")) for name, value in pairs)


def _json(body: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidValueError("body", "The body is not valid JSON.") from error
    if not isinstance(given, dict):
        raise InvalidValueError("body", "The JSON body must be an object.")
    for name, value in given.items():
        _encoded("a field's name", name)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidValueError(name, f"The value of “{name}” must be text or a number.")
        yield name, _encoded(name, str(value))
