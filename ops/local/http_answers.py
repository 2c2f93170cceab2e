"""Answers as plain values, and their bytes on the wire. No I/O."""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

# (status, message in words, path of the request, its cookies; "" for what could not be read) -> (headers, body)
GatewayAnswer = Callable[[int, str, str, str], tuple[Mapping[str, str], bytes]]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# The server alone knows how the body travels.
_SET_BY_SERVER = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive", "date"})
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True)
class Answer:
    """`content_length` is what a HEAD handler without a body says its GET would send; None: the body's own."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    content_length: int | None = None

    @property
    def may_have_body(self) -> bool:
        return self.status not in (204, 205, 304)


def answer_from_lambda(response: Mapping[str, Any]) -> Answer:
    """What the application returned to API Gateway, as an answer.

    Raises ValueError for a status outside 200..599 and for a header that would not survive the wire (line breaks,
    characters beyond Latin-1): sent as it is, it could end the headers early.
    """
    status = int(response["statusCode"])
    if not 200 <= status <= 599:
        raise ValueError(f"status {status} is not a final HTTP status")
    raw_body = response["body"]
    if raw_body is None:
        raw_body = b""
    if response.get("isBase64Encoded"):
        body = base64.b64decode(raw_body)
    else:
        body = raw_body if isinstance(raw_body, bytes) else str(raw_body).encode("utf-8")
    given = {**(response.get("headers") or {}), **(response.get("multiValueHeaders") or {})}
    headers: list[tuple[str, str]] = []
    content_length: int | None = None
    for name, value in given.items():
        for one in value if isinstance(value, list) else [value]:
            _check_header(name, str(one))
            if name.lower() == "content-length":
                content_length = int(one)
            if name.lower() not in _SET_BY_SERVER:
                headers.append((name, str(one)))
    answer = Answer(status, tuple(headers), body, content_length)
    if answer.may_have_body and not any(name.lower() == "content-type" for name, _ in headers):
        return Answer(status, (*answer.headers, ("Content-Type", "application/json")), body, content_length)
    return answer


def _check_header(name: str, value: str) -> None:
    if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
        raise ValueError(f"header {name!r} cannot be sent with the value {value!r}")


def json_gateway_answer(status: int, message: str, path: str, cookies: str) -> tuple[Mapping[str, str], bytes]:
    """API Gateway's own small form, the same for every path."""
    return {"Content-Type": "application/json"}, json.dumps({"message": message}).encode("ascii")


def answer_from_gateway(
    status: int, message: str, path: str, cookies: str, headers: Sequence[tuple[str, str]], render: GatewayAnswer
) -> Answer:
    """An answer of the server itself. Raises what `render` raises, and ValueError for a header not fit to send."""
    rendered, body = render(status, message, path, cookies)
    own = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", **rendered}
    for name, value in (*own.items(), *headers):
        _check_header(name, value)
    return Answer(status, (*own.items(), *headers), body)


def wire_parts(answer: Answer, *, method: str, minor: int, keep_alive: bool, date: str) -> tuple[bytes, bytes]:
    """Head and body to send in answer to `method` over HTTP/1.`minor`; the body is empty where HTTP forbids one."""
    body = answer.body if answer.may_have_body and method != "HEAD" else b""
    lines = [f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, '')}", f"Date: {date}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if answer.status == 205:
        lines.append("Content-Length: 0")
    elif answer.may_have_body:
        length_bytes = len(answer.body)
        if method == "HEAD" and not answer.body and answer.content_length is not None:
            length_bytes = answer.content_length
        lines.append(f"Content-Length: {length_bytes}")
    if not keep_alive:
        lines.append("Connection: close")
    elif minor == 0:
        lines.append("Connection: keep-alive")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), body
