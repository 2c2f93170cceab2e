"""The real parts that the contract suites hold the adapters to, each started once for the suites that ask for it."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import botocore.session
import pytest

from chalicelib.adapters import aws_clients
from chalicelib.adapters.memcached import MemcachedNode, NodePolicy
from chalicelib.adapters.mysql.database import Database
from chalicelib.domain.fleet import Node
from ops.local import bootstrap
from ops.local.ports import free_port
from tests.contract.real_parts import MariaDb, Memcached, Server, ministack_server, state_folder

CacheOf = Callable[[Node, NodePolicy], MemcachedNode]

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


@pytest.fixture(scope="session", autouse=True)
def descriptions_read_once() -> Iterator[None]:
    """What botocore knows of a service, some of it megabytes of JSON, is read once and not for each test's client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lru_cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session")
def one_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    maria = MariaDb(state_folder(tmp_path_factory.mktemp("mariadb")))
    yield maria
    maria.server.kill()


@pytest.fixture
def maria(one_mariadb: MariaDb) -> Iterator[MariaDb]:
    """The running MariaDB with its tables as after the migrations; it may be killed or paused."""
    one_mariadb.empty()
    yield one_mariadb
    while one_mariadb.databases:
        one_mariadb.databases.pop().close()
    one_mariadb.server.resume()
    if one_mariadb.server.process is None or one_mariadb.server.process.poll() is not None:
        one_mariadb.server.start()


@pytest.fixture
def database(maria: MariaDb) -> Database:
    """A Database on a migrated, emptied schema."""
    return maria.database()


@pytest.fixture
def memcached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memcached]:
    """A memcached that has just started; it may be killed or paused."""
    started = Memcached(state_folder(tmp_path_factory.mktemp("memcached")))
    yield started
    started.server.resume()
    started.server.kill()


@pytest.fixture
def memcached_node(memcached: Memcached) -> Node:
    return memcached.node


@pytest.fixture
def cache_of() -> Iterator[CacheOf]:
    """Makes the application's cache of a node; its connections are closed after the test."""
    made: list[MemcachedNode] = []

    def make(node: Node, policy: NodePolicy) -> MemcachedNode:
        made.append(MemcachedNode(node, policy))
        return made[-1]

    yield make
    for cache in made:
        cache._pool.clear()  # those too that are held by leases which were never ended


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The stand-in for S3 and SQS, and the environment variables that lead there."""
    endpoint = f"http://127.0.0.1:{(port := free_port())}"
    server = ministack_server(
        state_folder(tmp_path_factory.mktemp("stack")), lambda: bootstrap.make_bucket(endpoint), port
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", bootstrap.ACCESS_KEY_ID)
        patch.setenv("AWS_SECRET_ACCESS_KEY", bootstrap.SECRET_ACCESS_KEY)
        patch.setenv("AWS_DEFAULT_REGION", bootstrap.REGION)
        server.start()
        yield server
        server.kill()


@pytest.fixture
def s3_client(stack: Server) -> Iterator["S3Client"]:
    client = aws_clients.s3()
    yield client
    client.close()


@pytest.fixture
def bucket(stack: Server) -> str:
    return bootstrap.BUCKET


@pytest.fixture
def sqs_client(stack: Server) -> Iterator["SQSClient"]:
    client = aws_clients.sqs()
    yield client
    client.close()


@pytest.fixture
def queue_url(sqs_client: "SQSClient") -> Iterator[str]:
    """A queue of the test's own, without messages."""
    url = sqs_client.create_queue(QueueName=f"jobs-{free_port()}")["QueueUrl"]
    yield url
    sqs_client.delete_queue(QueueUrl=url)
