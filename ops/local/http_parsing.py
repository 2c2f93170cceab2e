"""What the bytes of an HTTP/1.x request mean, read as strictly as RFC 9112 allows. No I/O.

Two readers of one request must never disagree on where it ends, so whatever is ambiguous is refused, not guessed.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

MAX_REQUEST_LINE_BYTES = 8 * 1024
MAX_HEAD_BYTES = 32 * 1024
MAX_FIELDS = 100

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([\x21\x22\x24-\x7e\x80-\xff]+) HTTP/([0-9])\.([0-9])")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)")
_ABSOLUTE_FORM = re.compile(r"(?i:https?)://[^/?]+")
_TOKEN_BYTES = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_HOST = re.compile(r"(?:([0-9A-Za-z.-]+)|\[([0-9A-Fa-f:.]+)\])(?::[0-9]{0,5})?")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")

# More digits than any length this server could accept; int() of a longer text would itself be work.
_MAX_LENGTH_DIGITS = 18

Fields = list[tuple[str, str]]


class RequestRefusedError(Exception):
    """The server answers `status` and `message` (words for the sender) itself; the application is not called."""

    def __init__(self, status: int, message: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = tuple(headers)


@dataclass(frozen=True)
class RequestLine:
    """`target` is origin-form (path and query) in ASCII: bytes above 0x7f stand percent-encoded. HTTP/1.`minor`."""

    method: str
    target: str
    minor: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Framing:
    """How the body travels and what happens to the connection afterwards."""

    length_bytes: int
    expects_continue: bool
    keep_alive: bool


@dataclass
class HeadSearch:
    """Looks for the end of a request's head in a growing buffer."""

    max_head_bytes: int = MAX_HEAD_BYTES
    _scanned: int = field(default=0, init=False)

    def end(self, buffer: bytes | bytearray) -> int | None:
        """Offset just after the blank line, or None while more bytes are needed.

        Raises RequestRefusedError as soon as the bytes can no longer become an acceptable head, so that a sender
        speaking something else (TLS, bare line feeds) need not wait for the timeout to be told.
        """
        if buffer and buffer[0] not in _TOKEN_BYTES:
            raise RequestRefusedError(400, "This is not an HTTP request.")
        from_offset = max(0, self._scanned - 3)
        at = buffer.find(b"\r\n\r\n", from_offset)
        searched_to = len(buffer) if at < 0 else at
        bare = _BARE_LINE_FEED.search(buffer, from_offset, searched_to)
        if bare:
            raise RequestRefusedError(400, "Lines must end in carriage return and line feed.")
        line_end = buffer.find(b"\r\n", 0, MAX_REQUEST_LINE_BYTES + 2)
        if line_end < 0 and len(buffer) > MAX_REQUEST_LINE_BYTES:
            raise RequestRefusedError(414, f"The request line is longer than {MAX_REQUEST_LINE_BYTES} bytes.")
        if searched_to > self.max_head_bytes:
            raise RequestRefusedError(431, f"The headers are longer than {self.max_head_bytes} bytes.")
        self._scanned = len(buffer)
        return None if at < 0 else at + 4


def parse_request_line(line: bytes) -> RequestLine:
    """The first line, without its line end. Raises RequestRefusedError (400 malformed, 505 version)."""
    match = _REQUEST_LINE.fullmatch(line)
    if not match:
        raise RequestRefusedError(400, "The request line is malformed.")
    method, raw_target, major, minor = match.groups()
    if major != b"1":
        raise RequestRefusedError(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
    target = "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw_target)
    return RequestLine(method.decode("ascii"), _origin_form(target), int(minor))


def _origin_form(target: str) -> str:
    absolute = _ABSOLUTE_FORM.match(target)
    if absolute:
        target = target[absolute.end() :]
        if not target.startswith("/"):
            target = "/" + target
    if target == "*":
        return target
    if not target.startswith("/"):
        raise RequestRefusedError(400, "The request target must be a path that starts with a slash.")
    # "//host" would read as an address of another site wherever it is echoed in a redirect.
    path, mark, query = ("/" + target.lstrip("/")).partition("?")
    try:
        unquote_to_bytes(query).decode("utf-8")
    except UnicodeDecodeError:  # further on it would silently become other text, and with it another key
        raise RequestRefusedError(400, "The query is not valid UTF-8.") from None
    # Chalice's router cuts a path at its last ";" (urlparse's "params"), API Gateway does not.
    return path.replace(";", "%3B") + mark + query


def parse_fields(lines: Sequence[bytes]) -> Fields:
    """Header lines without their line ends, as (lower-case name, value) in order of arrival.

    Raises RequestRefusedError: 400 for a line that is no field (no colon, space before it, folded, control
    characters), 431 for more than MAX_FIELDS.
    """
    if len(lines) > MAX_FIELDS:
        raise RequestRefusedError(431, f"There are more than {MAX_FIELDS} headers.")
    fields: Fields = []
    for line in lines:
        match = _FIELD.fullmatch(line)
        if not match:
            raise RequestRefusedError(400, "A header line is malformed.")
        name, value = match.groups()
        fields.append((name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")))
    return fields


def parse_framing(fields: Fields, minor: int, max_body_bytes: int) -> Framing:
    """Raises RequestRefusedError: 400, 411, 413 or 417. `minor` is that of HTTP/1.`minor`."""
    hosts = _values(fields, "host")
    if len(hosts) > 1 or (minor >= 1 and not hosts):
        raise RequestRefusedError(400, "Exactly one Host header is needed.")
    if _values(fields, "transfer-encoding"):
        raise RequestRefusedError(411, "Send a Content-Length; a Transfer-Encoding is not accepted here.")
    length_bytes = _body_length(_values(fields, "content-length"), max_body_bytes)
    expectations = [value.lower() for value in _values(fields, "expect")] if minor >= 1 else []
    if any(expectation != "100-continue" for expectation in expectations):
        raise RequestRefusedError(417, "The only expectation met here is 100-continue.")
    options = {word.strip().lower() for value in _values(fields, "connection") for word in value.split(",")}
    keep_alive = "close" not in options and (minor >= 1 or "keep-alive" in options)
    return Framing(length_bytes, bool(expectations), keep_alive)


def check_host(fields: Fields, names: frozenset[str] | None) -> None:
    """Raises RequestRefusedError 403 if a Host is given that is none of the names, whatever its port; None: any is."""
    for host in _values(fields, "host"):
        if names is not None and _host_name(host) not in names:
            raise RequestRefusedError(403, "This server answers to the names of this machine's loopback only.")


def _host_name(host: str) -> str | None:
    """The name in a Host header, which is a name and perhaps a port; `a\\@b` or `a/b` would lead elsewhere."""
    match = _HOST.fullmatch(host)
    return None if match is None else (match[1] or match[2]).lower()


def _values(fields: Fields, name: str) -> list[str]:
    return [value for field_name, value in fields if field_name == name]


def _body_length(values: Sequence[str], max_body_bytes: int) -> int:
    if not values:
        return 0
    if len(set(values)) > 1:
        raise RequestRefusedError(400, "Content-Length is given twice with different values.")
    text = values[0]
    # str.isdigit alone also accepts digits of other scripts.
    if not (text.isascii() and text.isdigit()):
        raise RequestRefusedError(400, "Content-Length is not a whole number of bytes.")
    if len(text.lstrip("0")) > _MAX_LENGTH_DIGITS or int(text) > max_body_bytes:
        raise RequestRefusedError(413, f"The body is larger than {max_body_bytes} bytes.")
    return int(text)
