"""Kills everything at random moments while images are uploaded: no acknowledged image may be lost or altered.

A client may not know how a write ended whose answer it never saw; both outcomes are right for it then, and only then.
"""

import hashlib
import http.client
import json
import random
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from tests.hostile_images import good_jpeg
from tests.local_cloud import LocalCloud

UPLOADERS = 4
OVERWRITTEN_KEYS = 3  # of each uploader; the other uploads take a new key each
REQUEST_SECONDS = 20


@dataclass
class KeyHistory:
    """What was sent for one key, and what may stand there now: SHA-256 digests."""

    acknowledged: str | None = None
    uncertain: set[str] = field(default_factory=set)

    def sent(self, digest: str) -> None:
        self.uncertain.add(digest)

    def answered(self, digest: str) -> None:
        self.acknowledged = digest
        self.uncertain = set()

    def allows(self, found: str | None) -> bool:
        if found is None:
            return self.acknowledged is None
        return found == self.acknowledged or found in self.uncertain


@dataclass(frozen=True)
class RoundResult:
    """What one round saw."""

    acknowledged: int
    unanswered: int
    lost: list[str]
    wrong_answers: list[str]


def run_round(state_dir: Path, seed: int, say: Callable[[str], None]) -> RoundResult:
    """Uploads, kills everything at a random moment, starts again, and looks at every key.

    What earlier rounds in the same folder found is looked at again: it must have outlived this kill too.
    """
    kept_file = state_dir.with_suffix(".found.json")
    kept: dict[str, str] = json.loads(kept_file.read_text()) if kept_file.exists() else {}
    rng = random.Random(seed)
    cloud = LocalCloud(state_dir)
    histories: dict[str, KeyHistory] = {}
    cloud.start()
    try:
        upload_seconds = rng.uniform(0.5, 6.0)
        uploaders = [_Uploader(cloud.address, f"{seed}-{number}", rng.randrange(2**32)) for number in range(UPLOADERS)]
        for uploader in uploaders:
            uploader.start()
        deadline = time.monotonic() + upload_seconds
        uploaders[0].join(timeout=max(0.0, deadline - time.monotonic()))  # it only ends when the server is gone
        cloud.kill_everything()
        for uploader in uploaders:
            uploader.join(timeout=REQUEST_SECONDS + 5)
            histories.update(uploader.histories)
        say(f"seed {seed}: killed after {upload_seconds:.2f} s, {sum(u.answered for u in uploaders)} acknowledged")
        cloud = LocalCloud(state_dir)
        cloud.start()
        found = {key: _digest_of(cloud.address, key) for key in [*kept, *histories]}
        lost = [key for key, history in histories.items() if not history.allows(found[key])]
        lost += [key for key, digest in kept.items() if found[key] != digest]
        kept.update({key: digest for key in histories if (digest := found[key]) is not None})
        unfinished = kept_file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(kept))
        unfinished.replace(kept_file)
    finally:
        cloud.stop()
    acknowledged = sum(uploader.answered for uploader in uploaders)
    unanswered = sum(uploader.unanswered for uploader in uploaders)
    wrong = [answer for uploader in uploaders for answer in uploader.wrong_answers]
    return RoundResult(acknowledged, unanswered, lost, wrong)


class _Uploader(threading.Thread):
    """Uploads one image after another until the server is gone."""

    def __init__(self, address: str, name: str, seed: int) -> None:
        super().__init__(daemon=True)
        self._address = urlsplit(address).netloc
        self._name = name
        self._rng = random.Random(seed)
        self.histories: dict[str, KeyHistory] = {}
        self.answered = 0
        self.unanswered = 0
        self.wrong_answers: list[str] = []

    def run(self) -> None:
        with closing(http.client.HTTPConnection(self._address, timeout=REQUEST_SECONDS)) as connection:
            for number in range(1_000_000):
                try:
                    self._upload(connection, number)
                except (OSError, http.client.HTTPException):
                    self.unanswered += 1
                    return

    def _upload(self, connection: http.client.HTTPConnection, number: int) -> None:
        overwritten = self._rng.random() < 0.3
        key = f"{self._name}/{self._rng.randrange(OVERWRITTEN_KEYS)}" if overwritten else f"{self._name} {number}"
        data = good_jpeg(self._rng.randrange(16, 200), self._rng.randrange(16, 200), self._rng.randrange(2**31))
        digest = hashlib.sha256(data).hexdigest()
        history = self.histories.setdefault(key, KeyHistory())
        history.sent(digest)
        connection.request("PUT", f"/api/v1/image?key={quote(key, safe='')}", data)
        answer = connection.getresponse()
        answer.read()
        if answer.status in (200, 201):
            history.answered(digest)
            self.answered += 1
        elif answer.status != 503:
            self.wrong_answers.append(f"PUT {key} was answered with {answer.status}")


def _digest_of(address: str, key: str) -> str | None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=REQUEST_SECONDS)
    try:
        connection.request("GET", f"/api/v1/image?key={quote(key, safe='')}")
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise AssertionError(f"GET {key} was answered with {answer.status}: {data[:200]!r}")
    return hashlib.sha256(data).hexdigest()
