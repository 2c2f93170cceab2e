"""The acts of destroying, on enough of AWS to see in which order they come."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from ops.aws import destroying, tagged
from ops.aws.account import Account
from ops.aws.destroying import Destroying
from ops.aws.destruction import Found, destruction
from ops.aws.stack_calls import Stacks
from ops.aws.templates import tags_of

TAGS = [{"Key": key, "Value": value} for key, value in tags_of("blue").items()]
BUCKET, DATABASE = "elastic-images-blue", "blue-database"


class Aws:
    """One bucket and one database, and the stacks of the environment; `done` is what was removed, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.objects = [{"Key": "originals/a", "VersionId": "1"}]
        self.databases = [DATABASE]
        self.instances: dict[str, dict[str, str]] = {}

    def client(self, _service: str) -> Any:
        return self

    poll_seconds = 0.0
    exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def get_paginator(self, name: str) -> Any:
        pages: dict[str, Any] = {
            "describe_db_instances": lambda: {
                "DBInstances": [
                    {"DBInstanceIdentifier": one, "DBInstanceStatus": "available", "TagList": TAGS}
                    for one in self.databases
                ]
            },
            "list_object_versions": self._versions,
        }
        if name == "describe_instances":
            return SimpleNamespace(paginate=lambda Filters: [{"Reservations": [{"Instances": self._found(Filters)}]}])  # noqa: N803
        return SimpleNamespace(paginate=lambda **_words: (page() for page in [pages[name]]))  # asked when they are read

    def modify_db_instance(self, **_words: Any) -> None: ...

    def delete_db_instance(self, **_words: Any) -> None:
        self.done.append("database")
        self.databases = []

    def delete_objects(self, **_words: Any) -> dict[str, Any]:
        self.objects = []
        return {}

    def delete_bucket(self, **_words: Any) -> None:
        if "bucket" in self.done:
            raise ClientError({"Error": {"Code": "NoSuchBucket", "Message": ""}}, "DeleteBucket")
        self.done.append("bucket")

    def terminate_instances(self, InstanceIds: list[str]) -> None:  # noqa: N803
        self.done += InstanceIds
        self.instances = {name: tags for name, tags in self.instances.items() if name not in InstanceIds}

    def _found(self, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """As EC2 does: those that every filter lets through."""
        return [
            {"InstanceId": name, "State": {"Name": "running"}}
            for name, tags in self.instances.items()
            if all(tags.get(one["Name"].removeprefix("tag:")) in one["Values"] for one in filters)
        ]

    def remove(self, part: str) -> None:
        self.done.append(part)

    def _versions(self) -> dict[str, Any]:
        if "bucket" in self.done:
            raise ClientError({"Error": {"Code": "NoSuchBucket", "Message": ""}}, "ListObjectVersions")
        return {"Versions": self.objects}


@pytest.mark.parametrize(
    ("stacks", "order"),
    [
        (("network", "data", "app"), ["app", "data", "database", "bucket", "network"]),
        (("data", "app"), ["app", "data", "database", "bucket"]),  # in a network of the operator's own
    ],
)
def test_data_go_once_and_before_the_network_that_they_live_in(
    monkeypatch: pytest.MonkeyPatch, stacks: tuple[str, ...], order: list[str]
) -> None:
    monkeypatch.setattr(destroying, "Functions", lambda *_parts: SimpleNamespace(remove=list))
    aws = Aws()
    found = Found(dict.fromkeys(stacks, "CREATE_COMPLETE"), bucket=BUCKET, objects=1, databases=(DATABASE,))
    wanted = destruction(found, "blue", ("blue", 1))
    said: list[str] = []
    Destroying(cast(Account, aws), "blue", cast(Stacks, aws), said.append).run(found, wanted)
    assert aws.done == order


def test_only_nodes_are_ended_whoever_else_calls_an_environment_so() -> None:
    aws = Aws()
    aws.instances = {
        "i-node": {"environment": "blue", "role": "cache-node"},
        "i-somebody-elses": {"environment": "blue", "Name": "web server"},
        "i-node-of-green": {"environment": "green", "role": "cache-node"},
    }
    assert list(tagged.nodes(cast(Account, aws), "blue")) == ["i-node"]
    found = Found({}, nodes=("i-node",))
    Destroying(cast(Account, aws), "blue", cast(Stacks, aws), print).run(found, destruction(found, "blue", None))
    assert aws.done == ["i-node"]
