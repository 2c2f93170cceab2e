"""A change of the number of nodes by hand: accepted at once, begun within seconds, and followed by the fleet."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.e2e.store_client import StoreClient
from tests.local_cloud import LocalCloud, until

BEGIN_SECONDS = 5
FOLLOW_SECONDS = 90


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreClient]:
    """A store of this test's own with one node, for it is resized."""
    cloud = LocalCloud(tmp_path_factory.mktemp("resized"), fleet_nodes=1)
    cloud.start()
    yield StoreClient(cloud.address)
    cloud.stop()


def launched(store: StoreClient) -> int:
    return len(store("GET", "/api/v1/fleet").json["nodes"])


def test_a_change_by_hand_is_accepted_at_once_and_followed(store: StoreClient) -> None:
    before = store("GET", "/api/v1/fleet").json
    assert (before["target"], before["serving"]) == (1, 1)
    answer = store("POST", "/api/configure_cache?numNodes=3")
    asked_at = time.monotonic()
    assert answer.json["numNodes"] == 3
    assert store("POST", "/api/getNumNodes").json["numNodes"] == 3
    begun = until(lambda: launched(store) > 1, timeout_seconds=30)
    took_seconds = time.monotonic() - asked_at
    assert begun
    assert took_seconds < BEGIN_SECONDS, took_seconds

    def follows() -> bool:
        return bool(store("GET", "/api/v1/fleet").json["serving"] == 3)

    assert until(follows, timeout_seconds=FOLLOW_SECONDS), store("GET", "/api/v1/fleet").json
    assert store("GET", "/api/v1/fleet/notice").json["nodes"] == 3
    fleet = store("GET", "/api/v1/fleet").json
    assert {move["partition"] for move in fleet["moving"]} <= set(range(1, 17))
    assert sorted(p for node in fleet["nodes"] for p in node["partitions"]) == list(range(1, 17))
    newest = next(
        each for each in store("GET", "/api/v1/fleet/decisions").json["decisions"] if each["rule"] == "by-hand"
    )
    assert (newest["before"], newest["target"]) == (1, 3)


def test_settings_reach_the_nodes_and_clearing_empties_them(store: StoreClient) -> None:
    body = json.dumps({"cacheSize": 7}).encode()
    changed = store("PATCH", "/api/v1/fleet/settings", body, {"Content-Type": "application/json"})
    assert changed.status == 200, changed.body
    assert all(told["done"] for told in changed.json["orders"]), changed.json
    nodes = store("GET", "/api/v1/fleet").json["nodes"]
    assert {node["capacity_bytes"] for node in nodes if node["answers"]} == {7 << 20}
    assert all(told["done"] for told in store("POST", "/api/v1/fleet/clear").json["nodes"])
