"""Closed minutes to CloudWatch, by boto3."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from nodes.agent.minutes import MINUTE_SECONDS

NAMESPACE = "ElasticImages"


class PublishingError(Exception):
    """CloudWatch did not take it."""


class CloudWatch:
    """Tells one node's minutes. A minute may be told again: readers take the maximum."""

    def __init__(self, environment: str, instance_id: str) -> None:
        self._dimensions = [{"Name": "environment", "Value": environment}, {"Name": "node", "Value": instance_id}]
        self._client: Any = boto3.client(
            "cloudwatch",
            config=Config(
                connect_timeout=2,
                read_timeout=5,
                retries={"total_max_attempts": 2, "mode": "standard"},
                max_pool_connections=1,
            ),
        )

    def publish(self, minute: int, metrics: Mapping[str, int]) -> None:
        """In one call. Raises PublishingError, after at most two tries."""
        moment = datetime.fromtimestamp(minute * MINUTE_SECONDS, UTC)
        data = [
            {
                "MetricName": name,
                "Dimensions": self._dimensions,
                "Timestamp": moment,
                "Value": float(value),
                "Unit": "Bytes" if name in ("Bytes", "CapacityBytes") else "Count",
                "StorageResolution": MINUTE_SECONDS,
            }
            for name, value in metrics.items()
        ]
        try:
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=data)
        except (BotoCoreError, ClientError) as error:
            raise PublishingError(f"CloudWatch: {error}") from error

    def close(self) -> None:
        self._client.close()
