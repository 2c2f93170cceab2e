"""A client that sends each image until it is acknowledged, by one of three doors.

put: through the API. page: a form from the store, the bytes straight to the object store, then the page's own call.
event: the same without the call; the object store's event makes the image. Should the event be lost with the queue, the
page's call is made after all, as a browser does that is still there.
"""

import hashlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote, urlsplit

from chalicelib.domain.uploads import UploadForm
from tests.answer import Answer
from tests.browser_form import post
from tests.hostile_images import good_gif, good_jpeg, good_png, good_webp

DOORS = ("put", "page", "event")
OVERWRITTEN_KEYS = 3  # of each uploader
OVERWRITTEN_SHARE = 0.15  # of what goes through the API; all other uploads take a new key each
REQUEST_SECONDS = 60
REST_SECONDS = 0.2
GIVE_UP_SECONDS = 600.0  # of one upload: far longer than anything is down
_MAKERS: Mapping[str, Callable[[int, int, int], bytes]] = {
    "image/jpeg": good_jpeg,
    "image/png": good_png,
    "image/gif": good_gif,
    "image/webp": good_webp,
}


T = TypeVar("T")


class NotYetError(Exception):
    """The upload is not acknowledged; to be tried again."""


@dataclass
class Waiting:
    """An upload whose bytes the object store has, and whose event is waited for."""

    key: str
    path: str
    data: bytes
    until: float


@dataclass
class Seen:
    """What a thread saw. `sent` gives each acknowledged key the digest of what was acknowledged last."""

    sent: dict[str, str] = field(default_factory=dict)
    acknowledged: Counter[str] = field(default_factory=Counter)
    tried_again: int = 0
    by_call_after_all: int = 0
    wrong: list[str] = field(default_factory=list)


class PersistentUploader(threading.Thread):
    """Uploads until `enough` says so; then it brings to its end what it has begun."""

    def __init__(self, address: str, name: str, seed: int, enough: Callable[[], bool], event_seconds: float) -> None:
        super().__init__(daemon=True)
        self._host = urlsplit(address).netloc
        self._name = name
        self._rng = random.Random(seed)
        self._enough = enough
        self._event_seconds = event_seconds
        self._connection = http.client.HTTPConnection(self._host, timeout=REQUEST_SECONDS)
        self._events: list[Waiting] = []
        self.seen = Seen()

    def run(self) -> None:
        number = 0
        while not self._enough():
            self._upload(number)
            self._look_at_events()
            number += 1
        while self._events:
            time.sleep(REST_SECONDS)  # a client's pace between two questions, as that of a page
            self._look_at_events()
        self._connection.close()

    def _upload(self, number: int) -> None:
        rng = self._rng
        door = rng.choice(DOORS)
        key = f"{self._name} {number}"
        if door == "put" and rng.random() < OVERWRITTEN_SHARE:
            key = f"{self._name}/{rng.randrange(OVERWRITTEN_KEYS)}"
        media_type = rng.choice(list(_MAKERS))
        data = _MAKERS[media_type](rng.randrange(32, 65), rng.randrange(32, 65), rng.randrange(2**31))
        if door == "put":
            self._insist(key, lambda: self._put(key, data))
            self._acknowledged("put", key, data)
            return
        path = self._insist(key, lambda: self._posted(key, media_type, data))
        if door == "page":
            self._ended(key, self._insist(key, lambda: self._state("POST", f"{path}/complete")))
            self._acknowledged("page", key, data)
        else:
            self._events.append(Waiting(key, path, data, time.monotonic() + self._event_seconds))

    def _look_at_events(self) -> None:
        """What has become an image is acknowledged; what is waited for too long is completed by a call."""
        for one in list(self._events):
            try:
                state = self._state("GET", one.path)
                if state == "waiting" and time.monotonic() > one.until:
                    state = self._state("POST", f"{one.path}/complete")
                    self.seen.by_call_after_all += 1
            except NotYetError:
                self.seen.tried_again += 1
                continue
            if state != "waiting":
                self._events.remove(one)
                self._ended(one.key, state)
                self._acknowledged("event", one.key, one.data)

    def _put(self, key: str, data: bytes) -> None:
        self._asked("PUT", f"/api/v1/image?key={quote(key, safe='')}", data)

    def _posted(self, key: str, media_type: str, data: bytes) -> str:
        """The upload's path, once the object store has said that it has the bytes."""
        body = json.dumps({"key": key, "media_type": media_type, "size": len(data)}).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        begun = self._asked("POST", "/api/v1/uploads", body, headers).json
        try:
            answer = post(UploadForm(begun["url"], begun["fields"]), data)
        except (OSError, http.client.HTTPException) as error:
            raise NotYetError from error
        if answer.status != 204:
            raise NotYetError(f"the form was answered with {answer.status}: {answer.body[:200]!r}")
        return f"/api/v1/uploads/{begun['id']}"

    def _state(self, method: str, path: str) -> str:
        return str(self._asked(method, path).json["state"])

    def _ended(self, key: str, state: str) -> None:
        if state != "done":
            self.seen.wrong.append(f"{key}: the upload ended as {state}")

    def _acknowledged(self, door: str, key: str, data: bytes) -> None:
        self.seen.sent[key] = hashlib.sha256(data).hexdigest()
        self.seen.acknowledged[door] += 1

    def _insist(self, key: str, attempt: Callable[[], T]) -> T:
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                return attempt()
            except NotYetError as error:
                self.seen.tried_again += 1
                if time.monotonic() > give_up:
                    self.seen.wrong.append(f"{key} is not acknowledged after {GIVE_UP_SECONDS:g} s: {error}")
                    raise
            time.sleep(REST_SECONDS)  # a client's pace between two tries

    def _asked(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """The answer of the application, a success. Raises NotYetError."""
        try:
            self._connection.request(method, path, body or None, dict(headers or {}))
            answer = self._connection.getresponse()
            found = Answer(answer.status, {}, answer.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NotYetError(repr(error)) from error
        if found.status not in (200, 201):
            if found.status != 503:
                self.seen.wrong.append(f"{method} {path} was answered with {found.status}: {found.body[:200]!r}")
            raise NotYetError(f"{found.status}")
        return found
