"""JobQueue: the same suite over the fake and over the SQS stand-in."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from chalicelib.adapters.sqs_queue import SqsQueue, request_id_of
from chalicelib.domain.errors import QueueUnavailableError
from chalicelib.domain.ports import JobQueue
from ops.local.event_shapes import sqs_event
from ops.local.ports import free_port
from tests.fakes import MemoryQueue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class QueueUnderTest:
    """`received` gives the ids of so many messages that were sent."""

    queue: JobQueue
    received: Callable[[int], list[bytes]]


@pytest.fixture(params=["memory", "sqs"])
def under_test(request: pytest.FixtureRequest) -> QueueUnderTest:
    if request.param == "memory":
        fake = MemoryQueue()
        return QueueUnderTest(fake, lambda count: list(fake.messages))
    client: SQSClient = request.getfixturevalue("sqs_client")
    queue_url: str = request.getfixturevalue("queue_url")

    def received(count: int) -> list[bytes]:
        found: list[bytes] = []
        deadline = time.monotonic() + 30
        while len(found) < count:
            assert time.monotonic() < deadline
            answer = client.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
            for message in answer.get("Messages", []):
                found.append(bytes.fromhex(message["Body"]))
                client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return QueueUnderTest(SqsQueue(client, queue_url, lambda: "a-request"), received)


@pytest.mark.parametrize("count", [1, 10, 11, 25])
def test_every_job_that_is_sent_arrives(under_test: QueueUnderTest, count: int) -> None:
    job_ids = [secrets.token_bytes(16) for _ in range(count)]
    under_test.queue.send(job_ids)
    assert sorted(under_test.received(count)) == sorted(job_ids)


def test_sending_nothing_sends_nothing(under_test: QueueUnderTest) -> None:
    under_test.queue.send([])
    under_test.queue.send([b"j" * 16])
    assert under_test.received(1) == [b"j" * 16]


def test_a_queue_that_cannot_be_reached_is_unavailable() -> None:
    client = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1").client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        config=Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1}),
    )
    with pytest.raises(QueueUnavailableError):
        SqsQueue(client, "http://127.0.0.1/queue", lambda: "a-request").send([b"j" * 16])


def test_a_queue_that_is_not_there_is_unavailable(sqs_client: "SQSClient", queue_url: str) -> None:
    with pytest.raises(QueueUnavailableError):
        SqsQueue(sqs_client, queue_url + "-not", lambda: "a-request").send([b"j" * 16])


def test_a_message_carries_the_request_that_it_comes_from(sqs_client: "SQSClient", queue_url: str) -> None:
    SqsQueue(sqs_client, queue_url, lambda: "request-7").send([b"j" * 16])
    answer = sqs_client.receive_message(QueueUrl=queue_url, WaitTimeSeconds=10, MessageAttributeNames=["All"])
    found = answer["Messages"][0]
    sqs_client.delete_message(QueueUrl=queue_url, ReceiptHandle=found["ReceiptHandle"])
    record = sqs_event("jobs", [dict(found)])["Records"][0]  # type: ignore[index]
    assert request_id_of(record) == "request-7"


def test_a_message_that_tells_no_request_has_none() -> None:
    assert request_id_of({"messageAttributes": {}}) is None


def test_a_queue_is_there_or_not(sqs_client: "SQSClient", queue_url: str) -> None:
    SqsQueue(sqs_client, queue_url, lambda: "").check()
    with pytest.raises(QueueUnavailableError):
        SqsQueue(sqs_client, queue_url + "-not", lambda: "").check()
