"""ministack, which stands in for S3, SQS, CloudWatch and SES. Objects stay on disk; queues and metrics do not."""

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from ops.local.bootstrap import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from ops.local.parts import Part
from ops.local.state import StateFolder

ACCOUNT_ID = "000000000000"


def part(
    state: StateFolder, port: int, environments: Path, environ: Mapping[str, str], prepare: Callable[[], None]
) -> Part:
    """`prepare` makes the bucket and the queues."""
    return Part(
        name="ministack",
        title="S3, SQS and CloudWatch (ministack)",
        command=(str(environments / "ministack" / "bin" / "ministack"),),
        environ={
            **environ,
            "BIND_HOST": "127.0.0.1",  # it would listen on every address
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            # Presigned addresses are checked against these.
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "IOT_MTLS_ENABLED": "0",
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(state.objects),
            "PERSIST_STATE": "0",  # with 1, a kill brings back messages that were processed
            "LOG_LEVEL": "WARNING",
        },
        is_ready=lambda: answers(f"http://127.0.0.1:{port}/_ministack/health"),
        prepare=prepare,
        ready_seconds=30,
        stop_seconds=6,
    )


def answers(url: str) -> bool:
    """Whether the URL answers 200 within two seconds."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  # our own http address
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
