"""A running store for the benchmarks, as `make run` starts it, and the same application once more in this process."""

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote

import pymysql
from chalice.app import Chalice
from pymysql.cursors import Cursor

from chalicelib.adapters.json_logs import log_as_json
from chalicelib.bootstrap import Services, services_from
from chalicelib.domain import wire
from chalicelib.domain.accounts import Principal
from chalicelib.domain.fleet import Node
from chalicelib.services.tracing import current_request_id
from chalicelib.web.application import create_app
from chalicelib.web.timing import RequestTimer
from tests.faults.rig import close_services
from tests.hostile_images import good_jpeg
from tests.local_cloud import LocalCloud

Event = dict[str, Any]


class NotAsExpectedError(Exception):
    """Something that is to be measured does not do what it should."""


def expect(holds: bool, what: str) -> None:
    """Raises NotAsExpectedError unless it holds: a wrong answer's speed is of no interest."""
    if not holds:
        raise NotAsExpectedError(f"not so: {what}")


@dataclass(frozen=True)
class Store:
    """The parts are real; `app` is called with an event as Lambda calls it. `address` is the HTTP server's."""

    environ: Mapping[str, str]
    address: str
    services: Services
    app: Chalice

    def put(self, key: str, data: bytes) -> None:
        """Stores an image and reads it once, so that its node has it."""
        expect(self.app(event("PUT", key, data), None)["statusCode"] in (200, 201), "an image is taken")
        expect(self.app(event("GET", key), None)["statusCode"] == 200, "the image is there")

    def node_of(self, key: str) -> Node:
        """The node that serves the key."""
        _, node, _ = self.services.maps.current().route(key.encode())
        if node is None:
            raise NotAsExpectedError("the fleet is not empty")
        return node

    def wire_key(self, key: str) -> bytes:
        """The key under which the image's bytes lie in its node."""
        principal = Principal(self.environ["SIGNED_IN_AS"])
        image = self.services.images.find(principal, key.encode(), RequestTimer())
        return wire.wire_key(image.object_key)

    def connect(self) -> "pymysql.Connection[Cursor]":
        """PyMySQL as it comes, for handlers that are to be compared with."""
        return pymysql.connect(
            host=self.environ["DATABASE_HOST"],
            port=int(self.environ["DATABASE_PORT"]),
            user=self.environ["DATABASE_USER"],
            password=self.environ["DATABASE_PASSWORD"],
            database=self.environ["DATABASE_NAME"],
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=5,
            read_timeout=5,
            write_timeout=5,
        )


@contextmanager
def running() -> Iterator[Store]:
    """A store in a temporary folder, for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        cloud = LocalCloud(Path(folder))
        try:
            cloud.start()
            with store_of(cloud) as store:
                yield store
        finally:
            cloud.stop()


@contextmanager
def store_of(cloud: LocalCloud) -> Iterator[Store]:
    """The store that a local cloud runs, with the application in this process as well."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with mock.patch.dict(os.environ, {**others, **cloud.environ}, clear=True):  # boto3 finds its endpoints there
        services = services_from(cloud.environ)
        try:
            with _logging():
                yield Store(cloud.environ, cloud.address, services, create_app(lambda: services))
        finally:
            close_services(services)


@contextmanager
def _logging() -> Iterator[None]:
    """Each request writes its line, as in a function of Lambda's; the lines go nowhere."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123  # it is no path of ours
        root.handlers[:] = [logging.StreamHandler(nowhere)]
        try:
            log_as_json(current_request_id)
            yield
        finally:
            root.handlers[:] = before
            root.setLevel(level)


def event(method: str, key: str, body: bytes | None = None) -> Event:
    """A new event of API Gateway's for /api/v1/images/{key}."""
    path = f"/api/v1/images/{quote(key, safe='')}"
    headers = {"accept": "image/avif,image/webp,*/*;q=0.8", "host": "images.test", "user-agent": "bench"}
    return {
        "resource": "/api/v1/images/{key}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"key": quote(key, safe="")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/api/v1/images/{key}",
            "httpMethod": method,
            "path": path,
            "stage": "bench",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def jpeg_of(size: int, width: int = 16, height: int = 16) -> bytes:
    """A JPEG of exactly so many bytes: after its end comes what decoders do not look at."""
    image = good_jpeg(width, height)
    return image + os.urandom(size - len(image))
