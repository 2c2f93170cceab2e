"""The whole application in this process, on real parts, with a fault proxy before each of them."""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import pytest
from chalice.app import Chalice
from chalice.local import LocalChalice
from chalice.test import Client

from chalicelib import bootstrap
from chalicelib.bootstrap import Services
from chalicelib.domain.fleet import Node, with_nodes
from chalicelib.web.application import create_app
from ops.database import Database as DatabaseAt
from ops.local import bootstrap as stand_ins
from ops.local import mariadb
from ops.local.app_environ import app_environ
from ops.local.ports import free_port
from ops.local.state import generated_secrets
from tests import hostile_images
from tests.contract.real_parts import MariaDb, Memcached, Server, ministack_server, state_folder
from tests.faults.fault import PASS
from tests.faults.proxy import FaultProxy
from tests.local_cloud import until

HEAL_SECONDS = 20.0


@dataclass(frozen=True)
class Call:
    """One call to the store, and how long it took."""

    method: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def source(self) -> str:
        """Where the bytes came from, as Server-Timing says it."""
        return self.headers.get("server-timing", "").partition('source;desc="')[2].partition('"')[0]


@dataclass
class Rig:
    """Real parts, their proxies, and the application that reaches them through the proxies only."""

    folder: Path
    patch: pytest.MonkeyPatch  # undone once the rig is closed
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.maria = self._made_maria()
        self.memcached = Memcached(state_folder(self.folder / "memcached"), item_bytes=8 << 20)
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self.stack: Server = ministack_server(state_folder(self.folder / "stack"), self._prepare_stack, port)
        self.stack.start()
        node = self.memcached.node
        self.proxies = {
            "memcached": FaultProxy(node.address, node.port),
            "MariaDB": FaultProxy("127.0.0.1", self.maria.port),
            "S3": FaultProxy("127.0.0.1", port),
        }
        self.s3 = stand_ins.client("s3", self.endpoint)
        self.services = self._services()
        self.app: Chalice = create_app(lambda: self.services)
        # Called by many threads at once, as the local server calls it; Lambda calls it by one.
        self.app.__class__ = type("ThreadedApp", (LocalChalice, type(self.app)), {})
        current = self.services.maps.current()
        self.node = Node("node-behind-a-proxy", "127.0.0.1", self.proxies["memcached"].port)
        assert self.services.maps.publish(with_nodes(current, [self.node]))

    def close(self) -> None:
        """Ends what was started, in order."""
        close_services(self.services)
        for proxy in self.proxies.values():
            proxy.close()
        self.s3.close()
        for server in (self.memcached.server, self.stack, self.maria.server):
            server.kill()

    def call(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Call:
        """As API Gateway calls."""
        started = time.monotonic()
        with Client(self.app) as client:
            answer = client.http.request(method, path, headers=dict(headers or {}), body=body)
        seconds = time.monotonic() - started
        lowered = {name.lower(): value for name, value in answer.headers.items()}
        made = Call(method, answer.status_code, lowered, answer.body, seconds)
        self.calls.append(made)
        return made

    def get(self, key: str) -> Call:
        return self.call("GET", _image(key))

    def put(self, key: str, data: bytes) -> Call:
        return self.call("PUT", _image(key), data)

    def delete(self, key: str) -> Call:
        return self.call("DELETE", _image(key))

    def list_all(self) -> Call:
        return self.call("GET", "/api/v1/images?limit=500")

    def mend(self) -> float:
        """Ends every fault; how many seconds it took until get, put and list succeed and a node serves."""
        for proxy in self.proxies.values():
            proxy.fault = PASS
        started = time.monotonic()
        data = hostile_images.good_png(16, 16, 99)
        assert until(lambda: self.put("mended", data).status in (200, 201), timeout_seconds=HEAL_SECONDS)
        assert until(lambda: self.list_all().status == 200, timeout_seconds=HEAL_SECONDS)
        assert until(lambda: self.get("mended").source.startswith("node "), timeout_seconds=HEAL_SECONDS)
        return time.monotonic() - started

    def keys(self) -> set[str]:
        return {image["key"] for image in json.loads(self.list_all().body)["images"]}

    def untrue(self) -> list[str]:
        """What does not agree: a row without its object, an object that neither a row nor a job names."""
        rows = {
            str(object_key): digest
            for object_key, digest in self.maria.execute(
                "SELECT object_key, sha256 FROM images UNION ALL "
                "SELECT object_key, sha256 FROM renditions WHERE state = 'ready'"
            )
        }
        jobs = b"".join(
            body if isinstance(body, bytes) else str(body).encode()
            for (body,) in self.maria.execute("SELECT body FROM jobs")
        )
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=stand_ins.BUCKET)
        objects = {entry["Key"] for page in pages for entry in page.get("Contents", [])}
        wrong = [f"row without object: {key}" for key in rows.keys() - objects]
        wrong += [f"object without row or job: {key}" for key in objects - rows.keys() if key.encode() not in jobs]
        for key in objects & rows.keys():
            data = self.s3.get_object(Bucket=stand_ins.BUCKET, Key=key)["Body"].read()
            if sha256(data).digest() != rows[key]:
                wrong.append(f"other bytes than the row says: {key}")
        return wrong

    @contextmanager
    def without_nodes(self) -> Iterator[None]:
        """While the fleet map is empty."""
        maps = self.services.maps
        assert maps.publish(with_nodes(maps.current(), []))
        try:
            yield
        finally:
            assert maps.publish(with_nodes(maps.current(), [self.node]))

    def _services(self) -> Services:
        secrets = generated_secrets(self.maria.state)
        database = DatabaseAt(
            host="127.0.0.1",
            port=self._database_port(),
            user=mariadb.APPLICATION_USER,
            password=secrets["application_password"],
            name=mariadb.DATABASE,
            tls=False,
        )
        environ = app_environ(
            database,
            stand_ins.Endpoints(default=self.endpoint, ec2=self.endpoint),
            self.queue_urls,
            ["subnet-1"],
            1,
            "manual",
            "a secret of the tests' own, and long enough",
            "50",
            "everything",
        )
        environ |= self._reader_environ()
        environ["AWS_ENDPOINT_URL_S3"] = f"http://127.0.0.1:{self.proxies['S3'].port}"
        # boto3's clients are made at first use, from the environment as it is then.
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            self.patch.delenv(name)
        for name, value in environ.items():
            self.patch.setenv(name, value)
        return bootstrap.services_from(environ)

    def _made_maria(self) -> MariaDb:
        return MariaDb(state_folder(self.folder / "mariadb"))

    def _database_port(self) -> int:
        return self.proxies["MariaDB"].port

    def _reader_environ(self) -> dict[str, str]:
        return {}

    def _prepare_stack(self) -> None:
        stand_ins.make_bucket(self.endpoint)
        self.queue_urls = stand_ins.make_queues(self.endpoint)


def close_services(services: Services) -> None:
    """Closes every kept connection. The application itself has no use for it: it ends with its process."""
    services.maps._database.close()  # type: ignore[attr-defined]
    services.fleet.maps._reads.close()  # type: ignore[attr-defined]
    services.images.objects._client.close()  # type: ignore[attr-defined]
    services.images.queue._client.close()  # type: ignore[attr-defined]
    for node in services.images.read_through._caches._nodes.values():  # type: ignore[attr-defined]
        node.close()


def median_seconds(question: Callable[[], Call], times: int = 15) -> float:
    return statistics.median(question().seconds for _ in range(times))


def _image(key: str) -> str:
    return f"/api/v1/image?key={quote(key, safe='')}"
