"""logs: what the functions of an environment wrote."""

import argparse
import re
import time
from datetime import UTC, datetime

from ops.aws.account import Account
from ops.aws.command import OK, environment_name
from ops.aws.errors import UsageError
from ops.aws.functions import function_name
from ops.aws.stage import FUNCTIONS
from ops.aws.telling import Telling

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = "Such as: ./ops/store logs blue --function scale_fleet --since 2h --find ERROR"
    parser.add_argument("name", type=environment_name)
    parser.add_argument("--function", choices=sorted(FUNCTIONS), action="append", help="all of them by default")
    parser.add_argument("--since", default="15m", help="such as 90s, 15m (default), 2h or 1d")
    parser.add_argument("--find", default="", metavar="WORDS", help="only lines with these words, such as a request id")


def seconds_of(text: str) -> int:
    """Of a span such as 15m. Raises UsageError."""
    found = re.fullmatch(r"([0-9]+)([smhd])", text)
    if found is None:
        raise UsageError(f"“{text}” is no span of time.", next_="--since 15m, or 90s, 2h, 1d")
    return int(found[1]) * _UNITS[found[2]]


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    since = round((time.time() - seconds_of(arguments.since)) * 1000)
    calls, found = account.client("logs"), []
    for function in arguments.function or FUNCTIONS:
        group = f"/aws/lambda/{function_name(arguments.name, function)}"
        try:
            for page in calls.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since):
                found += [(one["timestamp"], function, one["message"].rstrip("\n")) for one in page["events"]]
        except calls.exceptions.ResourceNotFoundException:
            telling.progress(f"{function} has written nothing: there is no {group}")
    found = sorted(one for one in found if arguments.find in one[2])
    telling.result(
        [f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%dT%H:%M:%SZ} {of} {said}" for at, of, said in found],
        {"lines": [{"at": at, "function": of, "said": said} for at, of, said in found]},
    )
    return OK
