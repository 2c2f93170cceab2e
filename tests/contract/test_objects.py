"""Objects: the same suite over the fake and over the S3 stand-in."""

import secrets
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config

from chalicelib.adapters.s3_objects import S3Objects
from chalicelib.domain.errors import ObjectsUnavailableError
from chalicelib.domain.jobs import MAX_REMOVALS
from chalicelib.domain.ports import Objects
from ops.local.ports import free_port
from tests.fakes import MemoryObjects

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def fresh_key() -> str:
    return f"originals/{secrets.token_hex(16)}/{secrets.token_hex(16)}"


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> Objects:
    if request.param == "memory":
        return MemoryObjects()
    return S3Objects(request.getfixturevalue("s3_client"), request.getfixturevalue("bucket"))


@pytest.mark.parametrize("data", [b"x", bytes(range(256)) * 300, b"\r\n--boundary\r\n", b"z" * (6 << 20)])
def test_bytes_come_back_as_they_were_put(objects: Objects, data: bytes) -> None:
    key = fresh_key()
    objects.put(key, data, "image/png")
    assert objects.get(key) == data


def test_what_is_not_there_is_none(objects: Objects) -> None:
    assert objects.get(fresh_key()) is None


def test_putting_the_same_again_changes_nothing(objects: Objects) -> None:
    key = fresh_key()
    for _ in range(2):
        objects.put(key, b"data", "image/png")
    assert objects.get(key) == b"data"


def test_removed_objects_are_gone_and_others_stay(objects: Objects) -> None:
    gone, kept = fresh_key(), fresh_key()
    for key in (gone, kept):
        objects.put(key, b"data", "image/png")
    objects.remove([gone, fresh_key()])
    assert objects.get(gone) is None
    assert objects.get(kept) == b"data"
    objects.remove([gone])


def test_a_thousand_objects_are_removed_in_one_call(objects: Objects) -> None:
    keys = [fresh_key() for _ in range(MAX_REMOVALS)]
    for key in (keys[0], keys[-1]):
        objects.put(key, b"data", "image/png")
    objects.remove(keys)
    assert objects.get(keys[0]) is None
    assert objects.get(keys[-1]) is None


def test_a_signed_address_names_the_object_its_type_and_its_time(objects: Objects) -> None:
    key = fresh_key()
    parts = urlsplit(objects.signed_address(key, "image/webp", 300))
    query = parse_qs(parts.query)
    assert parts.path.endswith(key)
    assert query["response-content-type"] == ["image/webp"]
    assert query["X-Amz-Expires"] == ["300"]


def test_a_signed_address_gives_the_bytes_to_whoever_holds_it(s3_client: "S3Client", bucket: str) -> None:
    objects, key = S3Objects(s3_client, bucket), fresh_key()
    objects.put(key, b"data", "image/png")
    with urllib.request.urlopen(objects.signed_address(key, "image/png", 300), timeout=20) as response:  # noqa: S310
        assert response.read() == b"data"
        assert response.headers["Content-Type"] == "image/png"


def test_a_store_that_cannot_be_reached_is_unavailable() -> None:
    client = boto3.session.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1").client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        config=Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1}),
    )
    objects = S3Objects(client, "images")
    calls: list[Callable[[], object]] = [
        lambda: objects.put("a", b"data", "image/png"),
        lambda: objects.get("a"),
        lambda: objects.remove(["a"]),
    ]
    for call in calls:
        with pytest.raises(ObjectsUnavailableError):
            call()


def test_a_bucket_that_is_not_there_is_unavailable_and_not_an_empty_one(s3_client: "S3Client") -> None:
    objects = S3Objects(s3_client, "no-such-bucket")
    with pytest.raises(ObjectsUnavailableError):
        objects.get("a")
    with pytest.raises(ObjectsUnavailableError):
        objects.put("a", b"data", "image/png")
