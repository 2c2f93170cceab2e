"""A store on real parts of its own whose application runs in processes that die before a chosen step."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from bench.proofs import both_sides
from chalicelib.domain.uploads import UploadForm
from ops.database import Database
from ops.local import bootstrap, mariadb
from ops.local.app_environ import app_environ
from ops.local.ports import free_port
from ops.local.state import generated_secrets
from tests.browser_form import post
from tests.contract.real_parts import PROJECT, MariaDb, ministack_server, state_folder

JSON = {"Content-Type": "application/json"}
KILLED = -9


@dataclass(frozen=True)
class Run:
    """How a process ended, the names of the steps it took, and what the application said, if it came to that."""

    status: int
    steps: list[str]
    answer: Any


@dataclass(frozen=True)
class Order:
    """What a process is to do, as stepped_process takes it."""

    what: Mapping[str, object]

    @classmethod
    def request(cls, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> "Order":
        encoded = base64.b64encode(body).decode()
        return cls({"do": "request", "method": method, "path": path, "body": encoded, "headers": dict(headers or {})})

    @classmethod
    def put(cls, key: str, data: bytes) -> "Order":
        return cls.request("PUT", f"/api/v1/image?key={quote(key, safe='')}", data)

    @classmethod
    def delete_all(cls) -> "Order":
        return cls.request("DELETE", "/api/v1/images?all=true")

    @classmethod
    def begin(cls, key: str, data: bytes) -> "Order":
        body = json.dumps({"key": key, "media_type": "image/png", "size": len(data)}).encode()
        return cls.request("POST", "/api/v1/uploads", body, {**JSON, "Idempotency-Key": key})

    @classmethod
    def complete(cls, upload_id: str) -> "Order":
        return cls.request("POST", f"/api/v1/uploads/{upload_id}/complete")

    @classmethod
    def event(cls, incoming_key: str) -> "Order":
        message = json.dumps({"Records": [{"s3": {"object": {"key": quote(incoming_key)}}}]})
        return cls({"do": "handler", "handler": "ingest_images", "queue": "incoming-images", "message": message})

    @classmethod
    def job(cls, job_id: bytes) -> "Order":
        return cls({"do": "handler", "handler": "perform_job", "queue": "image-jobs", "message": job_id.hex()})


class SteppedStore:
    """MariaDB, the stand-in for S3 and SQS, and the process that forks; ended with the block."""

    def __init__(self, folder: Path) -> None:
        self._maria = MariaDb(state_folder(folder / "mariadb"))
        port = free_port()
        endpoint = f"http://127.0.0.1:{port}"
        self._queue_urls = ("", "")

        def prepare() -> None:
            bootstrap.make_bucket(endpoint)
            self._queue_urls = bootstrap.make_queues(endpoint)

        self._stack = ministack_server(state_folder(folder / "stack"), prepare, port)
        self._stack.start()
        self.environ = self._environ(endpoint)
        self._sqs = bootstrap.client("sqs", endpoint)
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self._forking = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.stepped_process"],
            cwd=PROJECT,
            env={**own, **self.environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._forking.kill()
        self._forking.communicate()
        self._stack.kill()
        self._maria.server.kill()

    def run(self, order: Order, before: int | None = None) -> Run:
        """A process of its own for the order, killed before that step, counted from 0."""
        assert self._forking.stdin is not None
        assert self._forking.stdout is not None
        print(json.dumps({**order.what, "before": before}), file=self._forking.stdin, flush=True)
        return Run(**json.loads(self._forking.stdout.readline()))

    def run_all(self, orders: Sequence[Order]) -> list[Any]:
        """What the application said to each, in one process that nobody kills."""
        done = self.run(Order({"do": "all", "orders": [order.what for order in orders]}))
        assert done.status == 0
        return list(done.answer)

    def posted(self, files: Mapping[str, bytes]) -> list[str]:
        """The ids of uploads of these files, by key, whose bytes the object store has."""
        ids = []
        answers = self.run_all([Order.begin(key, data) for key, data in files.items()])
        for (status, body), data in zip(answers, files.values(), strict=True):
            assert status == 201, body
            begun = json.loads(body)
            assert post(UploadForm(begun["url"], begun["fields"]), data).status == 204
            ids.append(str(begun["id"]))
        return ids

    def upload(self, upload_id: str) -> tuple[str, str]:
        """The incoming key and the state of an upload."""
        ((key, state),) = self.rows("SELECT incoming_key, state FROM uploads WHERE id = %s", bytes.fromhex(upload_id))
        return str(key), str(state)

    def shown(self, key: str) -> str | None:
        """The SHA-256 of the image under the key, as its row tells it."""
        found = self.rows("SELECT sha256 FROM images WHERE image_key = %s", key.encode())
        return bytes(found[0][0]).hex() if found else None

    def due(self, kind: str) -> list[bytes]:
        found = self.rows("SELECT id FROM jobs WHERE kind = %s AND due_at <= UTC_TIMESTAMP(6)", kind)
        return [job_id for (job_id,) in found]

    def settle(self) -> None:
        """The schedule sends what is due and lost, the queue's handler performs it, until nothing is due."""
        for _ in range(20):
            self.rows("UPDATE jobs SET sent_at = NULL")  # as when every pause is over
            self.run(Order({"do": "schedule"}))
            while messages := self._received():
                answers = self.run_all([Order.job(bytes.fromhex(message["Body"])) for message in messages])
                assert set(answers) == {"returned"}
            if self.rows("SELECT COUNT(*) FROM jobs WHERE due_at <= UTC_TIMESTAMP(6)") == [(0,)]:
                return
        raise AssertionError("jobs stay due")

    def an_hour_passes(self) -> None:
        """For what was announced: its removal falls due."""
        self.rows("UPDATE jobs SET due_at = UTC_TIMESTAMP(6)")

    def dangling(self) -> list[str]:
        return both_sides.dangling(both_sides.look(self.environ))

    def unfinished(self) -> list[str]:
        return both_sides.unfinished(both_sides.look(self.environ))

    def rows(self, sql: str, *args: object) -> list[Any]:
        return both_sides.rows(self.environ, sql, args)

    def _received(self) -> Sequence[Any]:
        sqs = self._sqs
        received = sqs.receive_message(QueueUrl=self._queue_urls[0], MaxNumberOfMessages=10).get("Messages", [])
        for message in received:
            sqs.delete_message(QueueUrl=self._queue_urls[0], ReceiptHandle=message["ReceiptHandle"])
        return list(received)

    def _environ(self, endpoint: str) -> dict[str, str]:
        secrets = generated_secrets(self._maria.state)
        database = Database(
            host="127.0.0.1",
            port=self._maria.port,
            user=mariadb.APPLICATION_USER,
            password=secrets["application_password"],
            name=mariadb.DATABASE,
            tls=False,
        )
        return app_environ(
            database,
            bootstrap.Endpoints(default=endpoint, ec2=endpoint),
            self._queue_urls,
            ["subnet-1"],
            1,
            "manual",
            "a secret of the tests' own, and long enough",
            "50",
            "everything",
        )
