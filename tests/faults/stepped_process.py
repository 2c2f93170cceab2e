"""The application in processes that end themselves by SIGKILL before a chosen step.

    python -m tests.faults.stepped_process

A step is whatever the application asks of the outside: a statement, BEGIN and COMMIT included, a call of S3 or SQS, a
decoding child. Orders come as JSON lines on standard input, one answer goes out for each. An order is
{"do": "request", "handler", "schedule" or "all", "before": the step to die before, from 0, or null, ...}; an answer is
{"status": the process's, "steps": their names, "answer": what the application said, or null}.

Each order is carried out by a forked process that finds the application wired and nothing connected.
"""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import botocore.client
from chalice.local import LambdaContext
from chalice.test import Client

import app as application
from chalicelib.adapters.mysql.connection import Connection
from chalicelib.bootstrap import services
from ops.local.event_shapes import sqs_event

_WITHOUT_EFFECT = ("SET ", "ROLLBACK")


@dataclass
class Steps:
    """Counts the steps of this process, says their names, and ends it before the one that was chosen."""

    report: Callable[[str], None]
    before: int | None
    taken: int = field(default=0)

    def take(self, name: str) -> None:
        if self.taken == self.before:
            os.kill(os.getpid(), signal.SIGKILL)
        self.taken += 1
        self.report(name)

    def watch(self) -> None:
        """From here on every step is taken here first."""
        execute: Any = Connection._execute_command  # type: ignore[attr-defined]
        call: Any = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]
        run: Any = subprocess.run

        def executed(connection: Any, command: int, sql: Any) -> Any:
            text = sql if isinstance(sql, str) else bytes(sql).decode(errors="replace")
            if text and not text.startswith(_WITHOUT_EFFECT):
                self.take(_name_of(text))
            return execute(connection, command, sql)

        def called(client: Any, operation: str, arguments: Any) -> Any:
            self.take(f"{client.meta.service_model.service_name} {operation}")
            return call(client, operation, arguments)

        def ran(*arguments: Any, **options: Any) -> Any:
            self.take("decoding child")
            return run(*arguments, **options)

        Connection._execute_command = executed  # type: ignore[attr-defined]
        botocore.client.BaseClient._make_api_call = called  # type: ignore[attr-defined]
        subprocess.run = ran


def _name_of(sql: str) -> str:
    """Its verb, and the table that it is about."""
    words = sql.split()
    for sign in ("INTO", "FROM", "UPDATE"):
        if sign in words[:-1]:
            return f"{words[0]} {words[words.index(sign) + 1].strip('(),')}"
    return words[0]


def _carry_out(order: dict[str, Any]) -> object:
    match order["do"]:
        case "request":
            body, headers = base64.b64decode(order["body"]), order["headers"]
            with Client(application.app) as client:
                answer = client.http.request(order["method"], order["path"], headers=headers, body=body)
            return [answer.status_code, answer.body.decode(errors="replace")]
        case "handler":
            message = {"MessageId": "1", "ReceiptHandle": "1", "Body": order["message"], "MD5OfBody": ""}
            handler = application.app.handler_map[order["handler"]]
            handler(sqs_event(order["queue"], [message]), LambdaContext(order["handler"], 1024, 60_000))
            return "returned"
        case "all":
            return [_carry_out(one) for one in order["orders"]]
        case _:
            return services().worker.resend()


def _forked(order: dict[str, Any]) -> dict[str, object]:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        with os.fdopen(write, "w") as report:

            def say(what: dict[str, object]) -> None:
                print(json.dumps(what), file=report, flush=True)

            steps = Steps(lambda name: say({"step": name}), order["before"])
            steps.watch()
            answer = _carry_out(order)
            steps.take("answer")
            say({"answer": answer})
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as report:
        said = [json.loads(line) for line in report]
    _, status = os.waitpid(child, 0)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "steps": [one["step"] for one in said if "step" in one],
        "answer": next((one["answer"] for one in said if "answer" in one), None),
    }


def _wire() -> None:
    """Makes the parts that are made at first use, and all that their first calls make, but keeps no connection."""
    parts: Any = services()
    parts.images.objects.get("none")
    parts.images.objects._client.close()
    parts.images.queue._client.get_queue_attributes(QueueUrl=parts.config.job_queue_url)
    parts.images.queue._client.close()


if __name__ == "__main__":
    _wire()
    for line in sys.stdin:
        print(json.dumps(_forked(json.loads(line))), flush=True)
