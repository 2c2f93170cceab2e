"""Schedules and events in the shape Lambda hands them over. Pure."""

import math
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ops.local.bootstrap import REGION
from ops.local.ministack import ACCOUNT_ID

_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_RATE = re.compile(r"rate\(\s*([1-9][0-9]*)\s+(minute|hour|day)s?\s*\)")


def rate_seconds(expression: str) -> int:
    """The period of `rate(5 minutes)`. Raises ValueError on anything else: the local cloud has no cron schedules."""
    match = _RATE.fullmatch(expression.strip())
    if match is None:
        raise ValueError(f"The schedule {expression!r} is not a rate: the local cloud runs rates only.")
    return int(match[1]) * _UNIT_SECONDS[match[2]]


def next_start(due: float, period_seconds: float, now: float) -> float:
    """The first moment of the grid due + k * period that is to come; those that a slow run missed are left out."""
    return due + period_seconds * max(1, math.ceil((now - due) / period_seconds))


def scheduled_event(name: str, now: datetime) -> dict[str, object]:
    """What EventBridge sends for a schedule."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{name}"],
        "detail": {},
    }


def sqs_event(queue: str, messages: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    """What Lambda makes of received messages, which are as boto3's receive_message gives them."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {
                    name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
                    for name, value in message.get("MessageAttributes", {}).items()
                },
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{queue}",
                "awsRegion": REGION,
            }
            for message in messages
        ]
    }
