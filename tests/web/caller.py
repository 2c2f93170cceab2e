"""Calls the application as API Gateway would, on fakes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from chalice.app import Chalice
from chalice.test import Client

from chalicelib.bootstrap import Services
from chalicelib.web.application import create_app
from chalicelib.web.form_token import token_of
from tests.answer import Answer
from tests.fakes import MemoryParts, memory_app
from tests.fakes.parts import ENVIRON

BOUNDARY = "a-boundary-that-no-part-holds"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
VISITOR = "0123456789abcdef0123456789abcdef"
JSON = {"Content-Type": "application/json"}


@dataclass
class Caller:
    """The application on fakes, and a way to call it."""

    parts: MemoryParts = field(default_factory=MemoryParts)
    visitor: str | None = None  # as the last Set-Cookie named it

    def __post_init__(self) -> None:
        self.app = memory_app(self.parts.services())

    def __call__(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        kept = {} if self.visitor is None else {"Cookie": f"visitor={self.visitor}"}
        with Client(self.app) as client:
            answer = client.http.request(method, path, headers={**kept, **(headers or {})}, body=body)
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        if given := re.match(r"visitor=(\w+);", lowered.get("set-cookie", "")):
            self.visitor = given[1]
        return Answer(answer.status_code, lowered, answer.body)

    def submit(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Sends a form as the browser does that it was given to: with its cookie and its token, which go first."""
        visitor = self.visitor or VISITOR
        token = token_of(visitor, ENVIRON["SECRET_KEY"])
        first = multipart(form_token=token)[: -len(f"--{BOUNDARY}--\r\n")]
        if not headers.get("Content-Type", "").startswith("multipart"):
            first = f"form_token={token}&".encode()
        return self("POST", path, {"Cookie": f"visitor={visitor}", **headers}, first + body)


class QuickCaller(Caller):
    """A Caller whose application is the one of all QuickCallers and serves the last of them that was made.

    For tests by the thousand: making an application of two hundred routes takes longer than most requests.
    """

    def __post_init__(self) -> None:
        self.app = _application()
        self.serve(self.parts.services())

    def serve(self, services: Services) -> None:
        """These from now on."""
        _SERVED[:] = [services]


_SERVED: list[Services] = []


@cache
def _application() -> Chalice:
    return create_app(lambda: _SERVED[0])


def multipart(**parts: bytes | str) -> bytes:
    """The body of a multipart form; a part called `file` has a file name."""
    lines = []
    for name, value in parts.items():
        file_name = '; filename="a.png"' if name == "file" else ""
        lines.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file_name}\r\n\r\n'.encode())
        lines.append((value.encode() if isinstance(value, str) else value) + b"\r\n")
    return b"".join(lines) + f"--{BOUNDARY}--\r\n".encode()
