"""Uploads straight to the object store, in the running store: by its own event alone, and by the page's call."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from chalicelib.domain.uploads import UploadForm
from ops.database import from_environ
from ops.local.bootstrap import DEAD_INCOMING_QUEUE, INCOMING_QUEUE, client
from tests import hostile_images
from tests.answer import Answer
from tests.browser_form import post
from tests.e2e.store_client import StoreClient, image_path
from tests.local_cloud import LocalCloud, until
from tests.web.caller import JSON, MULTIPART, multipart


@pytest.fixture(scope="module")
def store(cloud: LocalCloud) -> StoreClient:
    return StoreClient(cloud.address)


def picture() -> bytes:
    return hostile_images.good_png(40, 30, secrets.randbelow(2**31))


def begin(store: StoreClient, key: str, data: bytes, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps({"key": key, "media_type": "image/png", "size": len(data)}).encode()
    return store("POST", "/api/v1/uploads", body, {**JSON, **(headers or {})})


def posted(cloud: LocalCloud, store: StoreClient, key: str, data: bytes) -> str:
    """The path of an upload whose bytes the object store has taken."""
    begun = begin(store, key, data).json
    answer = post(UploadForm(begun["url"], begun["fields"]), data, {"Origin": cloud.address.rstrip("/")})
    assert answer.status == 204, answer.body
    return f"/api/v1/uploads/{begun['id']}"


def incoming(cloud: LocalCloud) -> set[str]:
    return objects(cloud, "incoming/")


def test_an_upload_becomes_an_image_by_the_event_alone(cloud: LocalCloud, store: StoreClient) -> None:
    key, data = f"by event {secrets.token_hex(4)}", picture()
    path = posted(cloud, store, key, data)
    assert until(lambda: store("GET", path).json["state"] == "done", timeout_seconds=30)
    assert store.get(key).body == data
    assert until(lambda: incoming(cloud) == set(), timeout_seconds=30)


def test_an_upload_becomes_an_image_by_the_page_s_call(cloud: LocalCloud, store: StoreClient) -> None:
    key, data = f"by call {secrets.token_hex(4)}", picture()
    path = posted(cloud, store, key, data)
    answers = [store("POST", f"{path}/complete") for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3
    assert answers[0].json["state"] == "done"
    assert answers[0].json == answers[1].json == answers[2].json
    assert store.get(key).body == data


def test_many_at_once_by_both_doors_are_each_one_image(cloud: LocalCloud, store: StoreClient) -> None:
    run = secrets.token_hex(4)
    pictures = {f"both {run} {number}": picture() for number in range(12)}

    def upload(key: str) -> list[Answer]:
        path = posted(cloud, store, key, pictures[key])
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda _: store("POST", f"{path}/complete"), range(2)))

    with ThreadPoolExecutor(4) as pool:
        for first, second in pool.map(upload, pictures):
            assert (first.status, first.json["state"]) == (200, "done"), first.body
            assert second.json == first.json
    for key, data in pictures.items():
        assert store.get(key).body == data
    assert until(lambda: incoming(cloud) == set(), timeout_seconds=30)
    assert objects_of(cloud, list(pictures)) <= objects(cloud)
    assert until(lambda: neither_named_nor_owed(cloud) == set(), timeout_seconds=30)


def objects_of(cloud: LocalCloud, keys: list[str]) -> set[str]:
    """The object keys that rows name for these keys."""
    found = rows(cloud, "SELECT object_key FROM images WHERE image_key IN %s", (tuple(key.encode() for key in keys),))
    assert len(found) == len(keys)
    return {object_key for (object_key,) in found}


def objects(cloud: LocalCloud, prefix: str = "originals/") -> set[str]:
    s3 = client("s3", cloud.environ["AWS_ENDPOINT_URL"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=cloud.environ["BUCKET"], Prefix=prefix)
    return {entry["Key"] for page in pages for entry in page.get("Contents", [])}


def neither_named_nor_owed(cloud: LocalCloud) -> set[str]:
    """Objects that no row names and no job removes. What the slower of two ingests stored is owed its removal.

    Jobs are asked before rows: one transaction withdraws an announcement and writes its row. Images of other tests may
    lie in the trash.
    """
    there = objects(cloud)
    owed = " ".join(body for (body,) in rows(cloud, "SELECT body FROM jobs"))
    sql = "SELECT object_key FROM images UNION SELECT object_key FROM trashed_images"
    named = {object_key for (object_key,) in rows(cloud, sql)}
    return {object_key for object_key in there - named if object_key not in owed}


def rows(cloud: LocalCloud, sql: str, args: tuple[object, ...] = ()) -> list[Any]:
    with closing(from_environ(cloud.environ).connect()) as connection, connection.cursor() as cursor:
        cursor.execute(sql, args)
        return list(cursor.fetchall())


def test_what_is_no_image_is_refused_in_words_and_removed(cloud: LocalCloud, store: StoreClient) -> None:
    key = f"refused {secrets.token_hex(4)}"
    path = posted(cloud, store, key, hostile_images.good_png(300, 200, 1)[:500])
    assert until(lambda: store("GET", path).json["state"] == "refused", timeout_seconds=30)
    assert store("POST", f"{path}/complete").json["refusal"]
    assert store.get(key).status == 404
    assert until(lambda: incoming(cloud) == set(), timeout_seconds=30)


def test_the_same_bytes_twice_are_named(cloud: LocalCloud, store: StoreClient) -> None:
    run, data = secrets.token_hex(4), picture()
    store.put(f"first {run}", data)
    path = posted(cloud, store, f"second {run}", data)
    assert store("POST", f"{path}/complete").json["duplicate_of"] == f"first {run}"


def test_requests_sent_again_are_done_once(store: StoreClient) -> None:
    name, data = secrets.token_hex(8), picture()
    named = {"Idempotency-Key": name}
    first, again = begin(store, "again", data, named), begin(store, "again", data, named)
    assert (first.status, again.status, first.json["id"]) == (201, 201, again.json["id"])
    assert begin(store, "other", data, named).status == 422
    named = {**MULTIPART, "Idempotency-Key": name + "image"}
    key = f"once {name}"
    with ThreadPoolExecutor(4) as pool:
        body = multipart(key=key, file=data)
        answers = list(pool.map(lambda _: store("POST", "/api/v1/images", body, named), range(4)))
    assert [answer.status for answer in answers] == [201] * 4
    assert len({answer.body for answer in answers}) == 1
    assert store("DELETE", image_path(key)).status == 204
    assert store("POST", "/api/v1/images", body, named).status == 201
    assert store.get(key).status == 404  # it was done once


def test_arrivals_are_told_by_a_queue_that_waits_long_enough_and_gives_up(cloud: LocalCloud) -> None:
    sqs = client("sqs", cloud.environ["AWS_ENDPOINT_URL"])
    url = sqs.get_queue_url(QueueName=INCOMING_QUEUE)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    policy = json.loads(attributes["RedrivePolicy"])
    assert (int(attributes["VisibilityTimeout"]), int(policy["maxReceiveCount"])) == (180, 5)
    assert policy["deadLetterTargetArn"].endswith(":" + DEAD_INCOMING_QUEUE)
