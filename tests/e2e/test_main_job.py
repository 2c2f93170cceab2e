"""The main job on real parts: the store as `make run` starts it, over real HTTP."""

import base64
import os
import random
import secrets
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from urllib.parse import quote, urlencode

import boto3
import pytest
from PIL import Image

from tests import hostile_images
from tests.e2e.store_client import StoreClient, image_path
from tests.local_cloud import LocalCloud, until
from tests.web.caller import MULTIPART, URLENCODED, multipart

ODD_KEYS = {
    "slashes": "a/b//c",
    "dot segments": "../../etc/passwd",
    "a percent sign": "100%",
    "percent-encoded": "%2e%2e%2fa%00",
    "right to left": "שלום-عالم",
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "spaces around": "  a  ",
    "one space": " ",
    "quotes and tags": "<script>alert('\"')</script>",
    "SQL": "'; DROP TABLE images; --",
    "emoji": "👩‍🚀🏳️‍🌈",
    "255 of four bytes each": "🙂" * 255,
    "a protocol line": "get x set y 0 0 1",
}


@pytest.fixture(scope="module")
def store(cloud: LocalCloud) -> StoreClient:
    return StoreClient(cloud.address)


def _object_keys(cloud: LocalCloud) -> set[str]:
    """The objects of images as they were put."""
    client = boto3.client(
        "s3",
        endpoint_url=cloud.environ["AWS_ENDPOINT_URL"],
        region_name=cloud.environ["AWS_DEFAULT_REGION"],
        aws_access_key_id=cloud.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud.environ["AWS_SECRET_ACCESS_KEY"],
    )
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=cloud.environ["BUCKET"])
    found = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
    return {key for key in found if key.startswith("originals/")}  # renditions come when they are made


@pytest.mark.parametrize("name", ODD_KEYS)
def test_odd_keys_through_every_face(store: StoreClient, name: str) -> None:
    key = ODD_KEYS[name]
    data = hostile_images.good_png(20, 10, secrets.randbelow(2**31))
    assert store("POST", "/api/upload", multipart(key=key, file=data), MULTIPART).json == {
        "success": "true",
        "key": key,
    }
    assert store.get(key).body == data
    by_form = store("POST", "/api/key", urlencode({"key": key}).encode(), URLENCODED)
    assert base64.b64decode(by_form.json["content"]) == data
    assert key in store("POST", "/api/list_keys").json["keys"]
    assert store("GET", f"/content?key={quote(key, safe='')}").body == data
    assert store("GET", f"/image?key={quote(key, safe='')}").status == 200
    assert store("DELETE", image_path(key)).status == 204
    assert store.get(key).status == 404


def test_twins_that_look_alike_are_two_keys(store: StoreClient) -> None:
    pictures = {key: hostile_images.good_png(9, 9, seed) for seed, key in enumerate(["é", "e\u0301", "e ", "e", "E"])}
    for key, data in pictures.items():
        assert store.put(key, data).status == 201
    for key, data in pictures.items():
        assert store.get(key).body == data


@pytest.mark.parametrize("key", ["", "a" * 256, "a\0b", "a\nb", "\x7f", "\x85"])
def test_what_is_no_key_is_refused_and_leaves_nothing(cloud: LocalCloud, store: StoreClient, key: str) -> None:
    before = _object_keys(cloud)
    data = hostile_images.good_png(20, 10, 1)
    assert store("POST", "/api/upload", multipart(key=key, file=data), MULTIPART).status == 400
    assert store.put(key, data).status == 400
    assert _object_keys(cloud) <= before


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 415),
        (b"just text", 415),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415),
        (hostile_images.good_jpeg(300, 200, 1)[:-100], 422),
        (hostile_images.good_png(300, 200, 1)[:500], 422),
    ],
)
def test_what_is_no_image_is_refused_and_leaves_nothing(
    cloud: LocalCloud, store: StoreClient, data: bytes, status: int
) -> None:
    before = _object_keys(cloud)
    answer = store.put("refused", data)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json["detail"]
    assert store.get("refused").status == 404
    assert _object_keys(cloud) <= before


def test_a_large_image_comes_back_by_a_signed_address(store: StoreClient) -> None:
    noise = Image.frombytes("RGB", (1300, 1300), random.Random(7).randbytes(1300 * 1300 * 3))
    noise.save(written := BytesIO(), "PNG")
    data = written.getvalue()
    assert len(data) > 4 * 1024 * 1024
    assert store.put("large", data).status in (200, 201)
    answer = store.get("large")
    assert answer.status == 302
    signed = answer.headers["location"]
    fetched = StoreClient(signed)("GET", signed[signed.index("/", len("http://")) :])
    assert (fetched.status, fetched.headers["content-type"], fetched.body) == (200, "image/png", data)


def test_a_body_over_the_limit_is_refused_before_it_is_read(store: StoreClient) -> None:
    answer = store("PUT", image_path("huge"), headers={"Content-Length": str(65 * 1024 * 1024)})
    assert (answer.status, answer.headers["content-type"]) == (413, "application/problem+json")


def test_the_second_read_comes_from_the_partition_s_node(store: StoreClient) -> None:
    assert store.put("k1", hostile_images.good_jpeg(64, 64, 1)).json["partition"] == 12
    first, second = store.get("k1"), store.get("k1")
    assert "origin, partition 12" in first.headers["server-timing"]
    nodes = {node["id"]: node["partitions"] for node in store("GET", "/api/v1/fleet").json["nodes"]}
    (serving,) = [node for node, partitions in nodes.items() if 12 in partitions]
    assert f"node {serving}, partition 12" in second.headers["server-timing"]


def test_a_crowd_costs_one_origin_read(store: StoreClient) -> None:
    data = hostile_images.good_png(400, 400, 3)
    key = f"crowd {secrets.token_hex(4)}"
    store.put(key, data)
    crowd = 24
    gate = threading.Barrier(crowd)

    def read(_: int) -> tuple[bytes, str]:
        gate.wait(timeout=10)
        answer = store.get(key)
        return answer.body, answer.headers["server-timing"]

    with ThreadPoolExecutor(crowd) as pool:
        answers = list(pool.map(read, range(crowd)))
    assert {body for body, _ in answers} == {data}
    from_origin = [timing for _, timing in answers if "origin, partition" in timing]
    assert len(from_origin) == 1


def test_replaced_and_deleted_bytes_are_removed_by_the_queue(cloud: LocalCloud, store: StoreClient) -> None:
    before = _object_keys(cloud)
    store.put("passing", hostile_images.good_png(30, 30, 1))
    store.put("passing", hostile_images.good_png(30, 30, 2))
    assert store("DELETE", image_path("passing")).status == 204
    assert until(lambda: _object_keys(cloud) <= before, timeout_seconds=60)


def test_a_dead_node_is_not_noticed_and_is_replaced(cloud: LocalCloud, store: StoreClient) -> None:
    pictures = {f"kept {number}": hostile_images.good_png(40, 40, number) for number in range(12)}
    for key, data in pictures.items():
        store.put(key, data)
        assert store.get(key).body == data
    before = store("GET", "/api/v1/fleet").json
    dead = before["nodes"][0]["id"]
    (pid,) = [process.pid for process in cloud.pids() if process.part == f"node {dead}"]
    os.kill(pid, signal.SIGKILL)

    def replaced() -> bool:
        for key, data in pictures.items():  # all the while, nobody notices
            assert store.get(key).body == data
        fleet = store("GET", "/api/v1/fleet").json
        return len(fleet["nodes"]) == 2 and dead not in {node["id"] for node in fleet["nodes"]}

    assert until(replaced, timeout_seconds=120)
    after = store("GET", "/api/v1/fleet").json
    assert after["nodes"][1]["id"] == before["nodes"][1]["id"]  # the other node keeps its partitions


def test_settings_and_images_outlive_an_orderly_restart_and_a_kill(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("survivor")
    data = hostile_images.good_jpeg(320, 200, 5)
    for end in (LocalCloud.stop, LocalCloud.kill_everything):
        cloud = LocalCloud(folder).start()
        try:
            store = StoreClient(cloud.address)
            if end is LocalCloud.stop:
                store.put("kept", data)
                store("POST", "/api/configure_cache?cacheSize=3&policy=RR")
            end(cloud)
            cloud = LocalCloud(folder).start()
            store = StoreClient(cloud.address)
            assert store.get("kept").body == data
            assert store("POST", "/api/configure_cache").json["cacheSize"] == 3
        finally:
            cloud.stop()
