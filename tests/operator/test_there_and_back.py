"""An environment from nothing to a served image and back, by the operator's command as an operator gives it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ops.local import bootstrap
from tests import hostile_images
from tests.answer import Answer
from tests.e2e.store_client import StoreClient, image_path
from tests.local_cloud import PROJECT, until
from tests.operator.stand_in import StandIn

NAME = "blue"


def store(account: StandIn, *words: str) -> "subprocess.CompletedProcess[str]":
    """Runs the command."""
    return subprocess.run(
        [sys.executable, "-m", "ops.aws", *words],
        cwd=PROJECT,
        env={**os.environ, **account.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def told(account: StandIn, *words: str) -> Any:
    """What the command says as JSON; asserts that it ended well."""
    done = store(account, *words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def killed_while(account: StandIn, said: str, *words: str) -> None:
    """Starts the command and kills it, as kill -9 does, once it has said that; nothing that it started goes on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.aws", *words],
        cwd=PROJECT,
        env={**os.environ, **account.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if said in line:
            break
    else:
        raise AssertionError("".join(lines))
    functions = bootstrap.client("lambda", account.environ["AWS_ENDPOINT_URL"])
    assert until(lambda: functions.list_functions()["Functions"] != [], timeout_seconds=120)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()


class Site(StoreClient):
    """The deployed application by its host name, under the stage's name, as on AWS."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        *_, api_id, stage = address.rstrip("/").split("/")
        self._root, self._named = f"/{stage}", f"{api_id}.execute-api.localhost:{urlsplit(address).port}"

    def __call__(self, method: str, path: str, body: bytes = b"", headers: Any = None) -> Answer:
        usual = {"Host": self._named, "Accept": "*/*"} | ({"Content-Type": "application/octet-stream"} if body else {})
        return super().__call__(method, self._root + path, body, usual | dict(headers or {}))


def test_from_nothing_to_a_served_image_and_back(account: StandIn, tmp_path: Path) -> None:
    create = ("create-env", NAME, "--architecture", "x86", "--yes", *account.words())
    killed_while(account, "functions: deploying", *create)
    began = time.monotonic()
    made = told(account, *create)  # the same command again finishes
    assert time.monotonic() - began < 300
    calls = bootstrap.client("apigateway", account.environ["AWS_ENDPOINT_URL"])
    assert len(calls.get_rest_apis()["items"]) == 1

    site = Site(made["address"])
    assert until(lambda: site("GET", "/api/v1/fleet").json["serving"] == 2, timeout_seconds=60)
    data = hostile_images.good_png(40, 40, 1)
    assert site.put("k1", data).status == 201
    first, second = site("GET", image_path("k1")), site("GET", image_path("k1"))
    assert (first.body, second.body) == (data, data)
    nodes = {node["id"] for node in site("GET", "/api/v1/fleet").json["nodes"]}
    assert second.headers["server-timing"].split(",")[0].removeprefix('source;desc="node ') in nodes  # it was routed

    backup = (NAME, str(tmp_path / "backup"), "--key", str(tmp_path / "key"))
    assert told(account, "backup", *backup, "--new-key")["objects"] >= 1
    used = store(account, "restore", *backup, "--yes")
    assert (used.returncode, "holds 1 images" in used.stderr) == (1, True)
    assert site("DELETE", image_path("k1")).status == 204
    assert site("GET", image_path("k1")).status == 404
    s3 = bootstrap.client("s3", account.environ["AWS_ENDPOINT_URL"])
    (bucket,) = {one["Name"] for one in s3.list_buckets()["Buckets"]} - {bootstrap.BUCKET}
    # The worker is not to remove what the restoration has just found to be there still.
    assert until(lambda: s3.list_objects_v2(Bucket=bucket, Prefix="originals/")["KeyCount"] == 0, timeout_seconds=60)
    assert told(account, "restore", *backup, "--yes")["wrong"] == []
    assert until(lambda: site("GET", image_path("k1")).body == data, timeout_seconds=30), site("GET", image_path("k1"))

    assert told(account, "deploy", NAME)["address"] == made["address"]  # all that is remembered lies in the bucket
    assert until(lambda: site("GET", image_path("k1")).body == data, timeout_seconds=30)
    assert told(account, "doctor")["lacking"] == 0
    assert any("START" in line["said"] for line in told(account, "logs", NAME, "--function", "api_handler")["lines"])

    status = told(account, "status", NAME)
    assert (status["lacking"], set(status["stacks"])) == ([], {"network", "data", "app"})
    assert {one["template"] for one in status["stacks"].values()} == {"as here"}
    plan = store(account, "plan", NAME, *account.words())
    assert (plan.returncode, plan.stdout.splitlines()[0]) == (0, "Nothing would change.")
    assert store(account, "plan", NAME, *account.words(), "--size", "standard").returncode == 3
    refused = store(account, "create-env", NAME, "--yes", "--parameter", "NoSuch=1")
    assert (refused.returncode, "No template has the parameter NoSuch" in refused.stderr) == (2, True)

    listed = told(account, "destroy-env", NAME)
    assert listed["objects"] >= 1
    assert listed["changed"] is False
    assert site("GET", image_path("k1")).body == data
    wrong = store(account, "destroy-env", NAME, "--yes", "--delete-data", f"{NAME}=999999")
    assert (wrong.returncode, site("GET", image_path("k1")).body) == (2, data)

    kept = told(account, "destroy-env", NAME, "--yes")
    assert (kept["left"], told(account, "destroy-env", NAME)["goes"]) == ([], [])
    count = told(account, "destroy-env", NAME)["objects"]
    assert count >= 1  # the data are there still
    gone = told(account, "destroy-env", NAME, "--yes", "--delete-data", f"{NAME}={count}")
    assert gone["left"] == []
    assert told(account, "destroy-env", NAME) == {"goes": [], "stays": [], "objects": 0, "left": None, "changed": False}
    assert left_with_tags(account) == []
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == [bootstrap.BUCKET]  # nobody else's went


def left_with_tags(account: StandIn) -> list[str]:
    """What bears the environment's tags, asked without the command."""
    endpoint = account.environ["AWS_ENDPOINT_URL"]
    found = bootstrap.client("resourcegroupstaggingapi", endpoint).get_resources(
        TagFilters=[{"Key": "environment", "Values": [NAME]}]
    )["ResourceTagMappingList"]
    filters = [{"Name": "tag:environment", "Values": [NAME]}]
    calls = bootstrap.client("ec2", endpoint)
    nodes = bootstrap.client("ec2", account.environ["AWS_ENDPOINT_URL_EC2"]).describe_instances(Filters=filters)
    running = [
        one["InstanceId"]
        for several in nodes["Reservations"]
        for one in several["Instances"]
        if one["State"]["Name"] != "terminated"
    ]
    groups = [one["GroupId"] for one in calls.describe_security_groups(Filters=filters)["SecurityGroups"]]
    return [*(one["ResourceARN"] for one in found), *running, *groups]
