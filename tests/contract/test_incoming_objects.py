"""Uploads by browsers, held to the stand-in for S3: what a form lets through, and what the bucket tells of it.

The stand-in is one that checks signatures and keeps to the bucket's CORS rules, which it does only when it is told to.
"""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from chalicelib.adapters.s3_events import incoming_keys
from chalicelib.adapters.s3_objects import S3Objects
from chalicelib.domain.errors import ObjectsUnavailableError, TooLargeError
from chalicelib.domain.uploads import UploadForm, incoming_key_of
from ops.local import bootstrap, ministack
from ops.local.parts import base_environ
from ops.local.ports import free_port
from tests.browser_form import post
from tests.contract.real_parts import Server, state_folder
from tests.local_cloud import PROJECT, until

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ORIGIN = "http://store.test:8000"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Takes the place of the stand-in that other suites share; its address."""
    state, port = state_folder(tmp_path_factory.mktemp("guarded-stack")), free_port()
    endpoint = f"http://127.0.0.1:{port}"
    part = ministack.part(
        state, port, PROJECT / ".venvs", base_environ(state, os.environ), lambda: bootstrap.make_bucket(endpoint)
    )
    server = Server(replace(part, environ={**part.environ, "AUTH": "true"}), state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", bootstrap.ACCESS_KEY_ID)
        patch.setenv("AWS_SECRET_ACCESS_KEY", bootstrap.SECRET_ACCESS_KEY)
        patch.setenv("AWS_DEFAULT_REGION", bootstrap.REGION)
        server.start()
        yield endpoint
        server.kill()


@pytest.fixture
def objects(s3_client: "S3Client", bucket: str) -> S3Objects:
    return S3Objects(s3_client, bucket)


@pytest.fixture
def key() -> str:
    return incoming_key_of(secrets.token_bytes(16), secrets.token_bytes(16))


def form_of(objects: S3Objects, key: str, most_bytes: int = 100, seconds: int = 300) -> UploadForm:
    return objects.form(key, "image/png", most_bytes, seconds)


def test_a_form_stores_what_it_is_for(objects: S3Objects, key: str) -> None:
    answer = post(form_of(objects, key), b"x" * 100)
    assert answer.status == 204, answer.body
    assert objects.fetch(key, 100) == b"x" * 100


def test_a_form_leads_on_to_the_address_it_was_made_for_and_to_no_other(objects: S3Objects, key: str) -> None:
    back = f"{ORIGIN}/upload/sent?id=1"
    form = objects.form(key, "image/png", 100, 300, back)
    answer = post(form, b"x")
    assert (answer.status, answer.headers["location"].startswith(f"{back}&bucket=")) == (303, True)
    assert objects.fetch(key, 100) == b"x"
    elsewhere = UploadForm(form.url, {**form.fields, "success_action_redirect": "https://evil.test/"})
    assert post(elsewhere, b"y").status == 403
    assert objects.fetch(key, 100) == b"x"


def test_a_form_may_be_used_again(objects: S3Objects, key: str) -> None:
    form = form_of(objects, key)
    for data in (b"first", b"second"):
        assert post(form, data).status == 204
    assert objects.fetch(key, 100) == b"second"


@pytest.mark.parametrize(
    ("changed", "data"),
    [
        ({"Content-Type": "text/html"}, b"data"),
        ({"Content-Type": "image/jpeg"}, b"data"),
        ({"key": "originals/owned"}, b"data"),
        ({"key": "incoming/" + "0" * 32 + "/" + "0" * 32}, b"data"),
        ({"acl": "public-read"}, b"data"),
        ({}, b"x" * 101),
        ({}, b""),
        ({"policy": ""}, b"data"),
        ({"x-amz-signature": "0" * 64}, b"data"),
    ],
    ids=[
        "HTML",
        "another type",
        "an original",
        "another upload",
        "public",
        "too large",
        "empty",
        "no policy",
        "forged",
    ],
)
def test_a_form_stores_nothing_else(objects: S3Objects, key: str, changed: dict[str, str], data: bytes) -> None:
    form = form_of(objects, key)
    answer = post(UploadForm(form.url, {**form.fields, **changed}), data)
    assert answer.status in (400, 403), answer.body
    assert objects.fetch(key, 1000) is None
    assert objects.fetch(changed.get("key", key), 1000) is None


def test_a_form_without_its_type_stores_nothing(objects: S3Objects, key: str) -> None:
    form = form_of(objects, key)
    fields = {name: value for name, value in form.fields.items() if name != "Content-Type"}
    assert post(UploadForm(form.url, fields), b"data").status in (400, 403)
    assert objects.fetch(key, 100) is None


def test_a_form_ends(objects: S3Objects, key: str) -> None:
    assert post(form_of(objects, key, seconds=-1), b"data").status in (400, 403)
    assert objects.fetch(key, 100) is None


def test_bytes_over_the_limit_are_refused(objects: S3Objects, key: str) -> None:
    post(form_of(objects, key), b"x" * 50)
    with pytest.raises(TooLargeError):
        objects.fetch(key, 49)
    assert objects.fetch(key, 50) == b"x" * 50


def test_bytes_over_the_limit_are_not_read() -> None:
    sent = 0
    done = threading.Event()

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal sent
            self.send_response(200)
            self.send_header("Content-Length", str(1 << 30))
            self.end_headers()
            try:
                while sent < 1 << 30:
                    sent += self.wfile.write(bytes(1 << 16))
            except OSError:
                done.set()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        client = boto3.session.Session(
            aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
        ).client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        with pytest.raises(TooLargeError):
            S3Objects(client, "images").fetch("a", 1000)
        client.close()
        assert done.wait(20)
        assert sent < 64 << 20  # what sockets hold, not a gigabyte
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_bytes_that_never_came_are_none(objects: S3Objects, key: str) -> None:
    assert objects.fetch(key, 100) is None


def test_a_bucket_that_is_not_there_is_unavailable(s3_client: "S3Client", key: str) -> None:
    with pytest.raises(ObjectsUnavailableError):
        S3Objects(s3_client, "no-such-bucket").fetch(key, 100)


@pytest.fixture
def endpoint(stack: str) -> Iterator[str]:
    """A stand-in whose bucket takes uploads from ORIGIN and tells of them."""
    address = stack
    bootstrap.make_queues(address)
    for _ in range(2):  # as after each start
        bootstrap.open_to_browsers(address, [ORIGIN])
    yield address
    sqs = bootstrap.client("sqs", address)
    for name in (bootstrap.INCOMING_QUEUE, bootstrap.DEAD_INCOMING_QUEUE):
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])
    bootstrap.client("s3", address).put_bucket_notification_configuration(
        Bucket=bootstrap.BUCKET, NotificationConfiguration={}
    )


def told(endpoint: str, patience: Callable[[], bool]) -> list[str]:
    """The keys that the bucket told of, until `patience` is over or one came."""
    sqs = bootstrap.client("sqs", endpoint)
    url = sqs.get_queue_url(QueueName=bootstrap.INCOMING_QUEUE)["QueueUrl"]
    keys: list[str] = []

    def came() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            keys.extend(incoming_keys(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bool(keys) or patience()

    until(came, timeout_seconds=20)
    return keys


def test_the_bucket_tells_of_arrivals_and_of_nothing_else(endpoint: str, objects: S3Objects, key: str) -> None:
    objects.put("originals/" + secrets.token_hex(16), b"data", "image/png")
    post(form_of(objects, key), b"data")
    assert told(endpoint, patience=lambda: False) == [key]


def test_the_bucket_answers_pages_of_the_store_and_of_no_other_site(
    endpoint: str, objects: S3Objects, key: str
) -> None:
    form = form_of(objects, key)
    assert post(form, b"data", {"Origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in post(form, b"data", {"Origin": "https://evil.test"}).headers
    asking = {"Access-Control-Request-Method": "POST"}
    assert post(form, b"", {"Origin": ORIGIN, **asking}, method="OPTIONS").status == 200
    assert post(form, b"", {"Origin": "https://evil.test", **asking}, method="OPTIONS").status == 403


def test_what_was_never_completed_goes_by_itself(endpoint: str) -> None:
    rules = bootstrap.client("s3", endpoint).get_bucket_lifecycle_configuration(Bucket=bootstrap.BUCKET)["Rules"]
    assert [(rule["Filter"]["Prefix"], rule["Expiration"]["Days"], rule["Status"]) for rule in rules] == [
        ("incoming/", 1, "Enabled"),
        ("downloads/", 2, "Enabled"),
    ]


def test_poison_goes_to_the_dead_letter_queue_after_five_tries(endpoint: str) -> None:
    sqs = bootstrap.client("sqs", endpoint)
    url = sqs.get_queue_url(QueueName=bootstrap.INCOMING_QUEUE)["QueueUrl"]
    told(endpoint, patience=lambda: True)  # the test of the way is out of it
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert int(attributes["VisibilityTimeout"]) >= 6 * 29
    sqs.send_message(QueueUrl=url, MessageBody="poison")
    bodies: list[str] = []

    def received() -> bool:
        found = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0, MaxNumberOfMessages=1).get("Messages", [])
        bodies.extend(message["Body"] for message in found if message["Body"] == "poison")
        return len(dead()) == 1

    def dead() -> list[Any]:
        dead_url = sqs.get_queue_url(QueueName=bootstrap.DEAD_INCOMING_QUEUE)["QueueUrl"]
        found = sqs.receive_message(QueueUrl=dead_url, VisibilityTimeout=0).get("Messages", [])
        return [message["Body"] for message in found]

    assert until(received, timeout_seconds=20)
    assert bodies == ["poison"] * 5
