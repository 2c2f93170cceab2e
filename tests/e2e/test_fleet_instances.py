"""The scaler's hands on the stand-in for EC2, and its probe on real nodes."""

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest

from chalicelib.adapters.memcached_admin import MemcachedNodeAdmins
from chalicelib.domain.fleet import Node
from ops.local.ports import free_port
from scaler.ec2 import Ec2Instances
from scaler.probe import NodeProber
from tests.local_cloud import LocalCloud, until

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

PROBER = NodeProber(MemcachedNodeAdmins())


@pytest.fixture
def client(cloud: LocalCloud) -> "Iterator[EC2Client]":
    environ = cloud.environ
    made = boto3.session.Session(
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
        region_name=environ["AWS_DEFAULT_REGION"],
    ).client("ec2", endpoint_url=environ["AWS_ENDPOINT_URL_EC2"])
    yield made
    made.close()


def _instances(client: "EC2Client", cloud: LocalCloud, environment: str) -> Ec2Instances:
    environ = cloud.environ
    return Ec2Instances(client, environment, environ["NODE_LAUNCH_TEMPLATE"], tuple(environ["NODE_SUBNETS"].split(",")))


def test_instances_are_spread_found_by_tag_and_nobody_else_s_are_ended(client: "EC2Client", cloud: LocalCloud) -> None:
    ours, stores = _instances(client, cloud, "another"), _instances(client, cloud, "local")
    serving = {one.id for one in stores.live()}
    assert ours.live() == []
    intents = [secrets.token_bytes(16) for _ in range(3)]
    ids = [ours.launch(intent, number) for number, intent in enumerate(intents)]
    launched = ours.live()
    try:
        assert {one.id: one.intent for one in launched} == dict(zip(ids, intents, strict=True))
        assert [one.launched_at for one in launched] == sorted(one.launched_at for one in launched)
        subnets = [one.address.rsplit(".", 1)[0] for one in launched]
        assert sorted(subnets.count(subnet) for subnet in set(subnets)) == [1, 2]
        assert {one.id for one in stores.live()} == serving
        port = int(cloud.environ["NODE_PORT"])
        nodes = {Node(one.id, one.address, port) for one in launched}
        assert until(lambda: PROBER.ready(nodes) == nodes, timeout_seconds=30)
        impostors = {Node(f"{node.id}-of-the-past", node.address, port) for node in nodes}
        assert PROBER.answering(impostors) == impostors
        assert PROBER.ready(impostors) == set()
        ours.terminate([*serving, launched[0].id])
        assert {one.id for one in ours.live()} == {one.id for one in launched[1:]}
        assert {one.id for one in stores.live()} == serving
    finally:
        ours.terminate([one.id for one in ours.live()])
    assert ours.live() == []


def test_where_nothing_listens_nothing_answers() -> None:
    assert PROBER.answering([Node("i-0", "127.0.0.1", free_port())]) == set()
