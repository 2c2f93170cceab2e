"""`make run` with a replica: it follows, it answers without the primary, and the folder is as good without it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local.parts import REPLICA
from tests import hostile_images
from tests.e2e.store_client import StoreClient
from tests.local_cloud import ALL, LocalCloud, listening_addresses, until

DATA = hostile_images.good_png(30, 20, 7)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    running = LocalCloud(tmp_path / "state", parts=ALL | {REPLICA})
    yield running
    running.stop()


def kept_by_the_replica(cloud: LocalCloud, key: str) -> bool:
    """With the primary stopped, whether the image is given all the same."""
    primary = cloud.pid("mariadb")
    os.kill(primary, signal.SIGSTOP)
    try:
        answer = StoreClient(cloud.address).get(key)
        return (answer.status, answer.body, answer.headers.get("x-stale")) == (200, DATA, "replica")
    finally:
        os.kill(primary, signal.SIGCONT)


def test_a_replica_follows_through_kills_and_starts(cloud: LocalCloud, tmp_path: Path) -> None:
    cloud.start()
    assert listening_addresses(cloud.pid(REPLICA)) == {"127.0.0.1"}
    assert StoreClient(cloud.address).put("first", DATA).status == 201
    assert until(lambda: kept_by_the_replica(cloud, "first"), timeout_seconds=20)

    os.kill(cloud.pid(REPLICA), signal.SIGKILL)
    assert until(lambda: StoreClient(cloud.address).put("second", DATA).status in (200, 201), timeout_seconds=20)
    assert until(lambda: REPLICA in {one.part for one in cloud.pids()}, timeout_seconds=20)
    assert until(lambda: kept_by_the_replica(cloud, "second"), timeout_seconds=20)

    cloud.kill_everything()
    cloud.start()
    assert StoreClient(cloud.address).put("third", DATA).status == 201
    for key in ("first", "second", "third"):
        assert until(lambda key=key: kept_by_the_replica(cloud, key), timeout_seconds=20), key  # type: ignore[misc]

    cloud.kill_everything()  # what the log alone knew is not lost when the next run wants no replica
    alone = LocalCloud(cloud.state.root).start()
    try:
        assert "DATABASE_READER_HOST" not in alone.environ
        answers = [StoreClient(alone.address).get(key) for key in ("first", "second", "third")]
        assert [(answer.status, answer.body) for answer in answers] == [(200, DATA)] * 3
        assert answers[0].headers.get("x-stale") is None
    finally:
        alone.stop()
