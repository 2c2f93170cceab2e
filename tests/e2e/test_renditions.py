"""Renditions and tags on real parts: from an upload to what is made of it, and to nothing when it is deleted."""

import json
import secrets
from io import BytesIO
from urllib.parse import quote

import boto3
import pytest
from PIL import Image

from tests.e2e.store_client import StoreClient, image_path
from tests.local_cloud import LocalCloud, until
from tests.renderable_images import SECRETS, exif_of, quarters, saved
from tests.web.caller import JSON

SECONDS = 90  # of two shared cores; a second or two alone


@pytest.fixture(scope="module")
def store(cloud: LocalCloud) -> StoreClient:
    return StoreClient(cloud.address)


def _upright_jpeg() -> bytes:
    """A JPEG that lies on its side and says so, and says where and when and with what it was taken."""
    told = exif_of(6, make="Maker", model="Model 7", taken="2024:05:17 08:30:00")
    return saved(quarters(900, 600), "JPEG", quality=95, exif=told)


def _about(store: StoreClient, key: str) -> dict[str, dict[str, object]]:
    metadata = store("GET", f"/api/v1/image/metadata?key={quote(key)}").json
    return {one["kind"]: one for one in metadata["renditions"]}


def _rendition(store: StoreClient, key: str, kind: str) -> bytes:
    answer = store("GET", f"/api/v1/image/rendition?key={quote(key)}&kind={kind}")
    assert (answer.status, answer.headers["content-type"]) == (200, "image/webp")
    return answer.body


def _ready(store: StoreClient, key: str, *kinds: str) -> bool:
    return until(lambda: all(_about(store, key)[kind]["state"] == "ready" for kind in kinds), timeout_seconds=SECONDS)


def test_an_upload_gets_upright_renditions_that_tell_no_place_and_tags(store: StoreClient) -> None:
    key, data = f"beside {secrets.token_hex(4)}", _upright_jpeg()
    assert b"GPS" in data or b"Exif" in data
    assert store.put(key, data).status == 201
    assert _ready(store, key, "thumbnail", "preview", "flipped"), _about(store, key)
    sizes = {kind: (one["width"], one["height"]) for kind, one in _about(store, key).items()}
    assert sizes == {"thumbnail": (213, 320), "preview": (600, 900), "flipped": (600, 900)}
    for kind in sizes:
        made = _rendition(store, key, kind)
        assert [secret for secret in SECRETS if secret in made] == []
        with Image.open(BytesIO(made)) as image:
            assert (image.format, image.size) == ("WEBP", sizes[kind])
            assert dict(image.getexif()) == {}
    tags = store("GET", f"/api/v1/image/metadata?key={quote(key)}").json["tags"]
    found = {one["tag"] for one in tags}
    assert {"jpeg", "portrait", "small", "maker model 7", "2024-05"} <= found
    assert all(one["automatic"] for one in tags)
    assert store.get(key).body == data  # the original stays as it came


def test_an_edit_is_made_on_request_and_shown(store: StoreClient) -> None:
    key = f"edited {secrets.token_hex(4)}"
    assert store.put(key, _upright_jpeg()).status == 201
    body = json.dumps({"key": key, "kind": "greyscale"}).encode()
    assert store("POST", "/api/v1/image/edits", body, JSON).status == 202
    assert _ready(store, key, "greyscale")
    with Image.open(BytesIO(_rendition(store, key, "greyscale"))) as image:
        assert image.size == (600, 900)
    assert "Greyscale · 600 × 900" in store("GET", f"/image?key={quote(key)}").body.decode()


def test_a_rendition_comes_from_the_node_of_its_image(store: StoreClient) -> None:
    key = f"cached {secrets.token_hex(4)}"
    store.put(key, _upright_jpeg())
    assert _ready(store, key, "thumbnail")
    path = f"/api/v1/image/rendition?key={quote(key)}&kind=thumbnail"
    first, second = (store("GET", path).headers["server-timing"] for _ in range(2))
    partition = store("GET", f"/api/v1/image/metadata?key={quote(key)}").json["partition"]
    assert f"origin, partition {partition}" in first
    assert f"partition {partition}" in second
    assert "node " in second


def test_a_deleted_image_leaves_no_rendition_behind(cloud: LocalCloud, store: StoreClient) -> None:
    key = f"passing {secrets.token_hex(4)}"
    before = _objects(cloud)
    store.put(key, _upright_jpeg())
    assert _ready(store, key, "thumbnail", "preview", "flipped")
    own = {made for made in _objects(cloud) - before if made.startswith("renditions/")}
    assert len(own) >= 3
    assert store("DELETE", image_path(key)).status == 204
    assert store("GET", f"/api/v1/image/rendition?key={quote(key)}&kind=thumbnail").status == 404
    originals = {"/".join(["originals", *made.split("/")[1:-1]]) for made in own}
    assert until(lambda: not (_objects(cloud) & (own | originals) - before), timeout_seconds=SECONDS)


def _objects(cloud: LocalCloud) -> set[str]:
    environ = cloud.environ
    client = boto3.client(
        "s3",
        endpoint_url=environ["AWS_ENDPOINT_URL"],
        region_name=environ["AWS_DEFAULT_REGION"],
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
    )
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=environ["BUCKET"])
    return {entry["Key"] for page in pages for entry in page.get("Contents", [])}
