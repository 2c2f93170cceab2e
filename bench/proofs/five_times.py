"""Every S3 event and every job's message five times, shuffled and late: each image is made once, poison is shown.

The real event pump takes them from the real queues. It stands still while files are posted straight to the object
store; then each of the store's own events is put back five times, in any order, and so is each job's message as soon as
its row is there, with delays. Among them are messages that mean nothing, files that are no images, and an image whose
stored bytes were damaged. Queues give a message up after five tries, as ever; only how long a message that failed
rests is set here, lest the proof take a quarter of an hour.
"""

import hashlib
import json
import os
import random
import secrets
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.proofs import both_sides
from chalicelib.domain.uploads import UploadForm
from ops.local.bootstrap import DEAD_INCOMING_QUEUE, DEAD_JOB_QUEUE, INCOMING_QUEUE, JOB_QUEUE, client
from tests.browser_form import post
from tests.e2e.store_client import StoreClient
from tests.hostile_images import good_png
from tests.local_cloud import LocalCloud, until

TIMES = 5
POSTERS = 4
MOST_DELAY_SECONDS = 8
POLL_SECONDS = 2.0  # longer than the pump's polls, which end by themselves
LIMIT_SECONDS = 1800.0
DAMAGED = "damaged"
POISON = ("no JSON", "{}", '{"Records": [{}]}')
POISON_JOBS = ("no number", "zz" * 16)
JSON_TYPE = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Size:
    """Images, files that are none, and for how long a message that failed rests."""

    images: int
    refused: int
    rest_seconds: int


FULL = Size(images=1000, refused=20, rest_seconds=20)
SMALL = Size(images=20, refused=3, rest_seconds=1)


@dataclass
class RoundResult:
    """What was seen."""

    images: int = 0
    renditions: int = 0
    refused: int = 0
    events_sent: int = 0
    jobs_sent: int = 0
    dead: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def run_round(state_dir: Path, seed: int, say: Callable[[str], None], size: Size = FULL) -> RoundResult:
    """The whole proof, in a store of its own."""
    cloud, result, began = LocalCloud(state_dir), RoundResult(), time.monotonic()
    cloud.start()
    try:
        _Messages(cloud, random.Random(seed), size, result, say).run()
    finally:
        cloud.stop()
    result.seconds = time.monotonic() - began
    return result


class _Messages:
    def __init__(
        self, cloud: LocalCloud, rng: random.Random, size: Size, result: RoundResult, say: Callable[[str], None]
    ) -> None:
        self._environ = cloud.environ
        self._cloud, self._rng, self._size, self._result, self._say = cloud, rng, size, result, say
        self._store = StoreClient(cloud.address)
        self._sqs = client("sqs", self._environ["AWS_ENDPOINT_URL"])
        self._s3 = client("s3", self._environ["AWS_ENDPOINT_URL"])
        names = (INCOMING_QUEUE, JOB_QUEUE, DEAD_INCOMING_QUEUE, DEAD_JOB_QUEUE)
        self._urls = {name: self._sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in names}

    def run(self) -> None:
        for name in (INCOMING_QUEUE, JOB_QUEUE):
            attributes = {"VisibilityTimeout": str(self._size.rest_seconds)}
            self._sqs.set_queue_attributes(QueueUrl=self._urls[name], Attributes=attributes)
        images = {
            f"image {number}": good_png(32, 24, self._rng.randrange(2**31)) for number in range(self._size.images)
        }
        others = {f"none {number}": secrets.token_bytes(200) for number in range(self._size.refused)}
        pump = self._cloud.pid("events")
        os.kill(pump, signal.SIGSTOP)
        time.sleep(POLL_SECONDS)  # a poll under way would hide for minutes what it takes, and nothing tells of it
        damaged = self._damaged()
        with ThreadPoolExecutor(POSTERS) as pool:
            list(pool.map(lambda one: self._post(*one), (images | others).items()))
        events = self._taken(INCOMING_QUEUE, len(images) + len(others))
        copies = [*(events * TIMES), *POISON]
        self._rng.shuffle(copies)
        self._send(INCOMING_QUEUE, copies)
        self._send(JOB_QUEUE, list(POISON_JOBS))
        self._result.events_sent = len(copies)
        os.kill(pump, signal.SIGCONT)
        self._say(f"{len(images) + len(others)} files posted, {len(copies)} events sent")
        self._repeat_jobs()
        self._look(images, others)
        self._mend(damaged)

    def _post(self, key: str, data: bytes) -> None:
        body = json.dumps({"key": key, "media_type": "image/png", "size": len(data)}).encode()
        begun = self._store("POST", "/api/v1/uploads", body, JSON_TYPE).json
        if post(UploadForm(begun["url"], begun["fields"]), data).status != 204:
            self._result.wrong.append(f"{key} was not posted")

    def _damaged(self) -> Mapping[str, Any]:
        """An image that was acknowledged, and whose object holds other bytes now; what mends it."""
        data = good_png(32, 24, self._rng.randrange(2**31))
        if self._store.put(DAMAGED, data).status != 201:
            raise AssertionError("the image to be damaged was not stored")
        ((object_key,),) = self._rows("SELECT object_key FROM images")
        self._s3.put_object(Bucket=self._environ["BUCKET"], Key=object_key, Body=data[:-1] + b"x")
        return {"Bucket": self._environ["BUCKET"], "Key": object_key, "Body": data}

    def _mend(self, right: Mapping[str, Any]) -> None:
        """What failed is shown as failed; with the right bytes back, it can be tried again."""
        states = "SELECT state, COUNT(*), COUNT(why) FROM renditions WHERE image_key = 'damaged' GROUP BY state"
        if self._rows(states) != [("failed", 3, 3)]:
            self._result.wrong.append(f"the damaged image is shown as {self._rows(states)}")
        self._s3.put_object(**right)
        self._store("POST", "/api/v1/image/retry", json.dumps({"key": DAMAGED}).encode(), JSON_TYPE)
        if not until(lambda: self._rows(states) == [("ready", 3, 0)], timeout_seconds=LIMIT_SECONDS):
            self._result.wrong.append(f"after Retry the damaged image is shown as {self._rows(states)}")

    def _taken(self, queue: str, count: int) -> list[str]:
        """That many different messages, taken off the queue."""
        taken: list[str] = []

        def take() -> bool:
            answer = self._sqs.receive_message(QueueUrl=self._urls[queue], MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                self._sqs.delete_message(QueueUrl=self._urls[queue], ReceiptHandle=message["ReceiptHandle"])
                taken.extend([message["Body"]] if "s3:TestEvent" not in message["Body"] else [])
            return len(set(taken)) >= count

        if not until(take, timeout_seconds=LIMIT_SECONDS):
            raise AssertionError(f"{len(set(taken))} events came of {count}")
        return sorted(set(taken))

    def _send(self, queue: str, bodies: list[str], most_delay_seconds: int = 0) -> None:
        for start in range(0, len(bodies), 10):
            entries = [
                {"Id": str(at), "MessageBody": body, "DelaySeconds": self._rng.randint(0, most_delay_seconds)}
                for at, body in enumerate(bodies[start : start + 10])
            ]
            self._sqs.send_message_batch(QueueUrl=self._urls[queue], Entries=entries)

    def _repeat_jobs(self) -> None:
        """Sends each job's message over and over, until all uploads have ended and nothing is due."""
        known: set[bytes] = set()

        def done() -> bool:
            due = {job for (job,) in self._rows("SELECT id FROM jobs WHERE due_at <= UTC_TIMESTAMP(6)")}
            copies = [job.hex() for job in due - known] * (TIMES - 1)  # the store sends one itself
            known.update(due)
            self._rng.shuffle(copies)
            self._send(JOB_QUEUE, copies, MOST_DELAY_SECONDS)
            self._result.jobs_sent += len(copies)
            waiting = self._rows("SELECT COUNT(*) FROM uploads WHERE state = 'waiting'")
            return not due and waiting == [(0,)]

        if not until(done, timeout_seconds=LIMIT_SECONDS):
            raise AssertionError("uploads or jobs are not done")

    def _look(self, images: Mapping[str, bytes], others: Mapping[str, bytes]) -> None:
        poison = sorted([*POISON, *POISON_JOBS])
        dead: list[str] = []

        def all_dead() -> bool:
            for name in (DEAD_INCOMING_QUEUE, DEAD_JOB_QUEUE):
                answer = self._sqs.receive_message(QueueUrl=self._urls[name], MaxNumberOfMessages=10)
                dead.extend(message["Body"] for message in answer.get("Messages", []))
            return set(poison) <= set(dead)

        if not until(all_dead, timeout_seconds=LIMIT_SECONDS):
            self._result.wrong.append(f"not in the dead-letter queues: {sorted(set(poison) - set(dead))}")
        self._result.dead = len(set(poison) & set(dead))
        until(
            lambda: self._rows("SELECT COUNT(*) FROM jobs WHERE due_at <= UTC_TIMESTAMP(6)") == [(0,)],
            timeout_seconds=LIMIT_SECONDS,
        )
        sides = both_sides.look(self._environ)
        self._result.wrong += both_sides.dangling(sides)
        found = {key.decode(): digest for _, key, digest, _ in sides.images.values() if key != DAMAGED.encode()}
        if found != {key: hashlib.sha256(data).digest() for key, data in images.items()}:
            self._result.wrong.append(f"{len(found)} images of {len(images)}, or others than were sent")
        states = [row[3] for row in sides.renditions if row[1] != DAMAGED.encode()]
        if states != ["ready"] * (3 * len(images)):
            self._result.wrong.append(f"{len(states)} renditions, {states.count('ready')} of them ready")
        # What came of a put that was given up waits for its removal, an hour later; `dangling` saw that it is owed.
        kept = [key for key in sides.objects if key not in sides.owed]
        if len(kept) != 4 * len(images) + 1:
            self._result.wrong.append(f"{len(kept)} objects for {len(images)} images and a damaged one")
        refused = self._rows("SELECT image_key, refusal FROM uploads WHERE state = 'refused'")
        if {key.decode() for key, why in refused if why} != set(others):
            self._result.wrong.append(f"{len(refused)} uploads are shown as refused")
        self._result.images, self._result.renditions = len(found), states.count("ready")
        self._result.refused = len(refused)

    def _rows(self, sql: str) -> list[Any]:
        return both_sides.rows(self._environ, sql)


def verdict(results: Sequence[RoundResult]) -> tuple[bool, str]:
    """Whether the rounds together hold, and a line about them."""
    wrong = [one for each in results for one in each.wrong]
    return not wrong and all(each.images for each in results), "; ".join(
        f"{each.images} images and {each.renditions} renditions out of {each.events_sent} S3 events and "
        f"{each.jobs_sent} further messages of jobs, shuffled and late; {each.refused} files refused in words, "
        f"{each.dead} poison messages in the dead-letter queues, a damaged image "
        f"shown as failed and mended by Retry, {len(each.wrong)} wrong"
        for each in results
    ) + "".join(f"<br>{one}" for one in wrong[:20])
