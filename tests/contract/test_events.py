"""The event pump over the real stand-in for SQS, with a small application."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local.bootstrap import client
from tests.local_cloud import PROJECT, LocalCloud, until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    running = LocalCloud(tmp_path_factory.mktemp("events") / "state", parts=frozenset({"ministack"})).start()
    yield running
    running.stop()


def test_schedules_run_at_once_and_jobs_are_deleted_when_done_and_only_then(cloud: LocalCloud, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.touch()
    sqs = client("sqs", cloud.environ["AWS_ENDPOINT_URL"])
    queue_url = cloud.environ["JOB_QUEUE_URL"]
    for body in ("good", "bad", "good again"):
        sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    with (tmp_path / "log").open("wb") as log:
        pump = subprocess.Popen(
            [sys.executable, "-m", "ops.local.events"],
            cwd=PROJECT,
            env={
                **os.environ,
                **cloud.environ,
                "APP_MODULE": "tests.sample_events_app",
                "SAMPLE_EVENTS": str(notes),
            },
            stdout=log,
            stderr=log,
        )
    try:
        expected = {"scheduled", "fails", "job good", "job bad", "job good again"}
        assert until(lambda: set(notes.read_text().splitlines()) == expected, timeout_seconds=30)

        def left() -> tuple[str, str]:
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
            found = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
            return found[names[0]], found[names[1]]

        assert until(lambda: left() == ("0", "1"), timeout_seconds=10)  # the bad one waits to be seen again
    finally:
        pump.send_signal(signal.SIGTERM)
        assert pump.wait(20) == 0
    said = (tmp_path / "log").read_text()
    assert "always_fails failed" in said
    assert "ValueError: a bad job" in said
    assert sorted(notes.read_text().splitlines()) == sorted(expected)  # each of them once
