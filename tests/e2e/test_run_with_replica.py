"""`make run` with a replica: it follows, it answers without the primary, and the folder is as good without it."""

import json
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


def test_an_upload_is_listed_at_once_though_the_replica_is_seconds_behind(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path / "state", parts=ALL | {REPLICA}, replica_delay_seconds=3).start()
    try:
        client = StoreClient(cloud.address)

        def listed() -> set[str]:
            answer = client("GET", "/api/v1/images")
            assert (answer.status, answer.headers.get("x-stale")) == (200, None)
            return {image["key"] for image in json.loads(answer.body)["images"]}

        for number in range(10):
            assert client.put(f"k{number}", DATA).status == 201
            assert f"k{number}" in listed()
            assert f"k{number}".encode() in client("GET", "/keys").body
        assert client("DELETE", "/api/v1/image?key=k0").status == 204
        assert listed() == {f"k{number}" for number in range(1, 10)}

        def given_by_the_replica() -> bool:
            listed()
            return float(json.loads(client("GET", "/api/v1/replica").body)["serving_reads"]) > 0

        assert until(given_by_the_replica, timeout_seconds=30)
        assert listed() == {f"k{number}" for number in range(1, 10)}
    finally:
        cloud.stop()
