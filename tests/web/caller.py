"""Calls the application as API Gateway would, on fakes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalice.test import Client

from tests.fakes import MemoryParts, memory_app

BOUNDARY = "a-boundary-that-no-part-holds"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Caller:
    """The application on fakes, and a way to call it."""

    parts: MemoryParts = field(default_factory=MemoryParts)

    def __post_init__(self) -> None:
        self.app = memory_app(self.parts.services())

    def __call__(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        with Client(self.app) as client:
            answer = client.http.request(method, path, headers=dict(headers or {}), body=body)
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, lowered, answer.body)


def multipart(**parts: bytes | str) -> bytes:
    """The body of a multipart form; a part called `file` has a file name."""
    lines = []
    for name, value in parts.items():
        file_name = '; filename="a.png"' if name == "file" else ""
        lines.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n'.encode())
        lines.append((value.encode() if isinstance(value, str) else value) + b"\r\n")
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()
