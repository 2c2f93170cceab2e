"""The event pump: what EventBridge and Lambda's queue poller do for the deployed application.

    python -m ops.local.events          (APP_MODULE names another module than `app`)

Every scheduled function runs at once and then at its own rate, never beside itself; every queue handler is given the
messages of the job queue, one at a time, and a message is deleted only when the handler returned.
"""

import argparse
import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import Chalice, ScheduledEventConfig, SQSEventConfig
from chalice.local import LambdaContext

from ops.local.errors import StopRequestedError
from ops.local.event_shapes import next_start, rate_seconds, scheduled_event, sqs_event
from ops.local.waiting import StopSignals

_POLL_SECONDS = 1  # short, so that a stop is quick
_POLLERS = 2  # of each queue
_RETRY_SECONDS = 1.0
_FINISH_SECONDS = 8.0  # for handlers at work when a stop is asked for
_LAMBDA_TIMEOUT_MS, _LAMBDA_MEMORY_MB = 60_000, 1024
_log = logging.getLogger("events")


class Pump:
    """Calls the handlers of one application until `stopping` is set."""

    def __init__(self, app: Chalice, stopping: threading.Event) -> None:
        self._app = app
        self._stopping = stopping

    def loops(self) -> list[Callable[[], None]]:
        """What has to run, each in a thread of its own. Raises ValueError on a schedule that is not a rate."""
        found: list[Callable[[], None]] = []
        for source in self._app.event_sources:
            if isinstance(source, ScheduledEventConfig):
                found.append(self._schedule_loop(source))
            elif isinstance(source, SQSEventConfig):
                found.extend([self._queue_loop(source)] * _POLLERS)
        return found

    def _schedule_loop(self, source: Any) -> Callable[[], None]:
        expression = source.schedule_expression
        text = expression if isinstance(expression, str) else expression.to_string()
        period_seconds = rate_seconds(text)

        def loop() -> None:
            due = time.monotonic()
            while not self._stopping.wait(max(0.0, due - time.monotonic())):
                self._call(source.name, scheduled_event(source.name, datetime.now(UTC)))
                due = next_start(due, period_seconds, time.monotonic())

        return loop

    def _queue_loop(self, source: Any) -> Callable[[], None]:
        queue = source.queue or source.queue_arn.rsplit(":", 1)[-1]

        def loop() -> None:
            sqs: Any = boto3.session.Session().client(
                "sqs", config=Config(connect_timeout=2, read_timeout=_POLL_SECONDS + 5, retries={"max_attempts": 1})
            )
            while not self._stopping.is_set():
                try:
                    self._poll(sqs, queue, source)
                except (BotoCoreError, ClientError) as error:
                    _log.warning("The queue %s does not answer: %s", queue, error)
                    self._stopping.wait(_RETRY_SECONDS)

        return loop

    def _poll(self, sqs: Any, queue: str, source: Any) -> None:
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        while not self._stopping.is_set():
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(source.batch_size, 10),
                WaitTimeSeconds=_POLL_SECONDS,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            if messages and self._call(source.name, sqs_event(queue, messages)):
                for message in messages:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _call(self, name: str, event: dict[str, object]) -> bool:
        """Whether the handler returned; what it raised is logged, as Lambda would."""
        try:
            self._app.handler_map[name](event, LambdaContext(name, _LAMBDA_MEMORY_MB, _LAMBDA_TIMEOUT_MS))
        except Exception:  # noqa: BLE001  # whatever user code raises: this is the edge where Lambda stands
            _log.exception("%s failed", name)
            return False
        return True


def run(app: Chalice, signals: StopSignals) -> None:
    """Until a stop signal has come and the handlers at work are done, or have had their time."""
    stopping = threading.Event()
    threads = [threading.Thread(target=loop, daemon=True) for loop in Pump(app, stopping).loops()]
    for thread in threads:
        thread.start()
    try:
        signals.wait(None, {})
    except StopRequestedError:
        stopping.set()
    deadline = time.monotonic() + _FINISH_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def main(arguments: Sequence[str]) -> int:
    """The command; its exit status."""
    argparse.ArgumentParser(prog="python -m ops.local.events").parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where it found each setting
    signals = StopSignals()
    run(importlib.import_module(os.environ.get("APP_MODULE", "app")).app, signals)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
