"""The nodes' samples in CloudWatch, by boto3: as their agents published them, minute by minute."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.decisions import MINUTE_SECONDS, Sample
from chalicelib.domain.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

NAMESPACE = "ElasticImages"
METRICS = {
    "Requests": "requests",
    "Hits": "hits",
    "Misses": "misses",
    "Copies": "copies",
    "Oversize": "oversize",
    "Evictions": "evictions",
    "Items": "items",
    "Bytes": "bytes",
    "CapacityBytes": "capacity_bytes",
    "Connections": "connections",
}
NEEDED = {"requests", "hits", "misses", "copies"}  # without these a minute was not measured
MOST_QUERIES = 500  # of one GetMetricData


class MetricsUnavailableError(UnavailableError):
    """CloudWatch does not answer."""


class CloudWatchSamples:
    """Samples of one environment's nodes. The client must have timeouts."""

    def __init__(self, client: "CloudWatchClient", environment: str) -> None:
        self._client = client
        self._environment = environment

    def read(self, node_ids: Sequence[str], minutes: Sequence[int]) -> list[Sample]:
        """The samples that there are. Published twice, a minute counts once: the maximum is asked for, not the sum."""
        if not node_ids or not minutes:
            return []
        asked = {f"m{number}": name for number, name in enumerate(self._names(node_ids))}
        values: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
        for start in range(0, len(asked), MOST_QUERIES):
            some = dict(list(asked.items())[start : start + MOST_QUERIES])
            for query_id, moment, value in self._series(some, min(minutes), max(minutes)):
                node_id, metric = asked[query_id]
                values[node_id, int(moment.timestamp()) // MINUTE_SECONDS][METRICS[metric]] = int(value)
        return [
            Sample(node_id=node_id, minute=minute, **counts)
            for (node_id, minute), counts in sorted(values.items())
            if counts.keys() >= NEEDED and minute in minutes
        ]

    def _names(self, node_ids: Sequence[str]) -> list[tuple[str, str]]:
        return [(node_id, metric) for node_id in node_ids for metric in METRICS]

    def _series(
        self, asked: dict[str, tuple[str, str]], first: int, last: int
    ) -> Iterator[tuple[str, datetime, float]]:
        queries = [self._query(query_id, *name) for query_id, name in asked.items()]
        with _unavailable():
            pages = self._client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries,
                StartTime=datetime.fromtimestamp(first * MINUTE_SECONDS, UTC),
                EndTime=datetime.fromtimestamp((last + 1) * MINUTE_SECONDS, UTC),
            )
            for page in pages:
                for series in page["MetricDataResults"]:
                    for moment, value in zip(series["Timestamps"], series["Values"], strict=True):
                        yield series["Id"], moment, value

    def _query(self, query_id: str, node_id: str, metric: str) -> "MetricDataQueryTypeDef":
        return {
            "Id": query_id,
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": metric,
                    "Dimensions": [
                        {"Name": "environment", "Value": self._environment},
                        {"Name": "node", "Value": node_id},
                    ],
                },
                "Period": MINUTE_SECONDS,
                "Stat": "Maximum",
            },
        }


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise MetricsUnavailableError(f"CloudWatch does not answer: {error}") from error
