"""The fleet under load that misses, and then without any, in minutes that are real ones: a program of its own.

    python -m tests.e2e.growing_fleet FOLDER

It takes three minutes and mostly waits, so the tests start it first and look at its outcome last.
"""

import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import boto3

from bench.proofs.fleet_follows import FleetLog, Load, fleet_log
from chalicelib.adapters.sqs_queue import SqsScalerWaker
from chalicelib.domain.decisions import Decision, minute_of
from tests.e2e.store_client import StoreClient
from tests.local_cloud import LocalCloud, until

PUBLISHED_SECONDS = 60  # for the agents to publish a closed minute, and a run to decide it
SERVING_SECONDS = 60


def grow_and_hold(folder: Path) -> None:
    """Raises AssertionError."""
    seed = secrets.randbelow(1_000_000)
    print(f"seed {seed}", flush=True)
    cloud = LocalCloud(folder / "cloud", fleet_nodes=1, fleet_mode="auto")
    cloud.start()
    try:
        with fleet_log(cloud) as log, _waker(cloud) as waker:
            assert until(lambda: log.serving() == 1, timeout_seconds=SERVING_SECONDS)
            minute = minute_of(datetime.now(UTC)) + 1  # the first that the node serves throughout
            with Load(StoreClient(cloud.address), seed, misses=True) as load:
                _sleep_until(minute * 60 + 30)
            assert load.wrong == []
            grown = _decided(log, waker, minute)
            assert (grown.rule, grown.before, grown.target) == ("above-maximum", 1, 2), grown
            requests = sum(one.requests for one in grown.samples)
            assert 0 < requests <= load.reads
            assert f"{requests:,} requests is above the maximum of 80 %: 1 × 2 = 2 nodes" in grown.reason
            assert until(lambda: log.serving() == 2, timeout_seconds=SERVING_SECONDS)
            held = _decided(log, waker, minute + 1)
            assert (held.rule, held.before, held.target) == ("no-traffic", 2, 2), held
            assert log.serving() == 2
    finally:
        cloud.stop()


def _decided(log: FleetLog, waker: SqsScalerWaker, minute: int) -> Decision:
    """The decision on the minute. The scaler is woken in place of waiting for its schedule's next minute."""

    def is_decided() -> bool:
        waker.wake()
        return until(lambda: bool(log.since(minute)), timeout_seconds=2)

    _sleep_until((minute + 1) * 60 + 3)
    assert until(is_decided, timeout_seconds=PUBLISHED_SECONDS), log.since(0)
    return log.since(minute)[0]


@contextmanager
def _waker(cloud: LocalCloud) -> Iterator[SqsScalerWaker]:
    environ = cloud.environ
    client = boto3.session.Session(
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        region_name=environ["AWS_DEFAULT_REGION"],
    ).client("sqs", endpoint_url=environ["AWS_ENDPOINT_URL"])
    with closing(client):
        yield SqsScalerWaker(client, environ["FLEET_QUEUE_URL"])


def _sleep_until(unix_seconds: float) -> None:
    """The one thing here that nothing but the clock can say."""
    time.sleep(max(0.0, unix_seconds - time.time()))


if __name__ == "__main__":
    grow_and_hold(Path(sys.argv[1]))
