"""The scaler's samples, read from the real stand-in for CloudWatch."""

import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from chalicelib.adapters import aws_clients
from chalicelib.domain.decisions import Sample, minute_of
from chalicelib.domain.errors import UnavailableError
from ops.local.ports import free_port
from scaler.cloudwatch import METRICS, MOST_QUERIES, NAMESPACE, CloudWatchSamples
from tests.contract.real_parts import Server

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

ALL = {
    "Requests": 1200,
    "Hits": 1000,
    "Misses": 200,
    "Copies": 12,
    "Oversize": 3,
    "Evictions": 45,
    "Items": 20_000,
    "Bytes": 60_000_000,
    "CapacityBytes": 67_108_864,
    "Connections": 17,
}


@pytest.fixture
def client(stack: Server) -> "Iterator[CloudWatchClient]":
    made = aws_clients.cloudwatch()
    yield made
    made.close()


@pytest.fixture
def environment() -> str:
    """One of the test's own: the stand-in keeps what other tests published."""
    return f"test-{secrets.token_hex(4)}"


@pytest.fixture
def now_minute() -> int:
    return minute_of(datetime.now(UTC))


def publish(
    client: "CloudWatchClient", environment: str, node_id: str, minute: int, values: Mapping[str, float] = ALL
) -> None:
    """As a node's agent does."""
    client.put_metric_data(
        Namespace=NAMESPACE,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": "environment", "Value": environment}, {"Name": "node", "Value": node_id}],
                "Timestamp": datetime.fromtimestamp(minute * 60, UTC),
                "Value": value,
            }
            for name, value in values.items()
        ],
    )


def test_what_was_published_is_read_back_once_even_if_published_twice(
    client: "CloudWatchClient", environment: str, now_minute: int
) -> None:
    minute = now_minute - 2
    publish(client, environment, "i-1", minute)
    publish(client, environment, "i-1", minute)
    expected = Sample("i-1", minute, 1200, 1000, 200, 12, 3, 45, 20_000, 60_000_000, 67_108_864, 17)
    assert CloudWatchSamples(client, environment).read(["i-1"], range(now_minute - 3, now_minute)) == [expected]


def test_a_minute_that_was_not_published_is_no_sample_and_a_reported_zero_is_one(
    client: "CloudWatchClient", environment: str, now_minute: int
) -> None:
    zeros = dict.fromkeys(ALL, 0)
    publish(client, environment, "i-1", now_minute - 3)
    publish(client, environment, "i-1", now_minute - 1, zeros)
    found = CloudWatchSamples(client, environment).read(["i-1", "i-2"], range(now_minute - 3, now_minute))
    assert sorted((one.minute, one.requests) for one in found) == [(now_minute - 3, 1200), (now_minute - 1, 0)]


@pytest.mark.parametrize("lacking", ["Requests", "Hits", "Misses", "Copies"])
def test_a_minute_without_one_of_its_counts_is_no_sample(
    client: "CloudWatchClient", environment: str, now_minute: int, lacking: str
) -> None:
    publish(client, environment, "i-1", now_minute - 1, {name: ALL[name] for name in ALL if name != lacking})
    publish(client, environment, "i-2", now_minute - 1, {"Requests": 5, "Hits": 4, "Misses": 1, "Copies": 0})
    found = CloudWatchSamples(client, environment).read(["i-1", "i-2"], [now_minute - 1])
    assert found == [Sample("i-2", now_minute - 1, 5, 4, 1)]


def test_other_environments_nodes_and_minutes_are_not_read(
    client: "CloudWatchClient", environment: str, now_minute: int
) -> None:
    publish(client, f"{environment}-other", "i-1", now_minute - 2)
    publish(client, environment, "i-2", now_minute - 2)
    publish(client, environment, "i-1", now_minute - 3)
    publish(client, environment, "i-1", now_minute - 1)
    assert CloudWatchSamples(client, environment).read(["i-1"], [now_minute - 2]) == []


def test_64_nodes_take_no_more_calls_than_their_series_need(
    client: "CloudWatchClient", environment: str, now_minute: int
) -> None:
    node_ids = [f"i-{number:017x}" for number in range(64)]
    for number, node_id in enumerate(node_ids):
        publish(client, environment, node_id, now_minute - 1, {**ALL, "Requests": number})
    calls: list[int] = []

    def count(params: Any, **_: object) -> None:
        calls.append(len(params["MetricDataQueries"]))

    client.meta.events.register("provide-client-params.cloudwatch.GetMetricData", count)
    samples = CloudWatchSamples(client, environment)
    found = samples.read(node_ids, range(now_minute - 3, now_minute))
    assert sorted((one.node_id, one.requests) for one in found) == [(one, n) for n, one in enumerate(node_ids)]
    assert calls == [MOST_QUERIES, 64 * len(METRICS) - MOST_QUERIES]
    calls.clear()
    samples.read(node_ids[:8], range(now_minute - 3, now_minute))
    assert len(calls) == 1


def test_of_no_node_nothing_is_asked(client: "CloudWatchClient", environment: str) -> None:
    def refuse(**_: object) -> None:
        raise AssertionError("CloudWatch was called")

    client.meta.events.register("before-call.cloudwatch.*", refuse)
    assert CloudWatchSamples(client, environment).read([], range(1, 4)) == []
    assert CloudWatchSamples(client, environment).read(["i-1"], []) == []


def test_a_cloudwatch_that_does_not_answer_is_unavailable(stack: Server, environment: str, now_minute: int) -> None:
    gone = boto3.session.Session().client(
        "cloudwatch",
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        config=Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1}),
    )
    try:
        with pytest.raises(UnavailableError, match="CloudWatch"):
            CloudWatchSamples(gone, environment).read(["i-1"], [now_minute - 1])
    finally:
        gone.close()
