"""What runs beside requests in the deployed application, and what its functions are held to."""

import json
import os
import re
import secrets
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.jobs import Removal, removal_job
from ops.database import from_environ
from ops.local import processes
from ops.local.bootstrap import client
from tests import hostile_images
from tests.deployed.deployment import STAGE, Deployed, Deployment, deploy
from tests.deployed.gateway_client import GatewayClient
from tests.e2e.store_client import image_path
from tests.local_cloud import until

JSON = {"Content-Type": "application/json"}
FUNCTION = f"elastic-images-{STAGE}"
IN_LAMBDA_BESIDE_BOTO3 = {"botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3"}


@pytest.fixture
def bucket(deployed: Deployed) -> Any:
    """Calls of S3, and the bucket's name."""
    return client("s3", deployed.environ["AWS_ENDPOINT_URL"]), deployed.environ["BUCKET"]


def object_keys(bucket: Any) -> set[str]:
    """The objects of images as they were put; renditions come when they are made."""
    s3, name = bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=name, Prefix="originals/")
    return {entry["Key"] for page in pages for entry in page.get("Contents", [])}


def workers(deployment: Deployment) -> dict[int, list[str]]:
    """The functions' processes: pid and command line."""
    found = {}
    for one in processes.marked((deployment.folder / "emulator").resolve()):
        command = Path(f"/proc/{one.pid}/cmdline").read_bytes().decode().split("\0")
        if len(command) > 1 and command[1].endswith("_worker.py"):
            found[one.pid] = command
    return found


def test_every_function_is_deployed(deployed: Deployed) -> None:
    assert set(deployed.functions) == {
        "api_handler",
        "change_fleet",
        "ingest_images",
        "perform_job",
        "resend_jobs",
        "scale_fleet",
        "sweep",
    }


def test_the_queue_removes_the_bytes_of_a_deleted_image(gateway: GatewayClient, bucket: Any) -> None:
    before = object_keys(bucket)
    gateway.put("passing", hostile_images.good_png(30, 30, secrets.randbelow(2**31)))
    assert len(object_keys(bucket) - before) == 1
    assert gateway("DELETE", image_path("passing")).status == 204
    assert until(lambda: object_keys(bucket) <= before, timeout_seconds=30)


def test_the_schedule_sends_a_lost_job_again(deployed: Deployed, bucket: Any) -> None:
    s3, name = bucket
    key, owner = f"originals/lost/{secrets.token_hex(16)}", secrets.token_bytes(16)
    s3.put_object(Bucket=name, Key=key, Body=b"bytes that no row names")
    job = removal_job(secrets.token_bytes(16), [Removal(owner, key, 1)])
    with closing(from_environ(deployed.environ).connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO jobs (id, kind, body, created_at, due_at) VALUES (%s, %s, %s, UTC_TIMESTAMP(6), "
            "UTC_TIMESTAMP(6))",
            (job.id, job.kind, job.body),
        )
        connection.commit()
    assert until(lambda: key not in object_keys(bucket), timeout_seconds=30)


def test_the_schedule_replaces_a_dead_node(deployment: Deployment, gateway: GatewayClient) -> None:
    data = hostile_images.good_png(40, 40, 1)
    gateway.put("kept", data)
    before = {node["id"] for node in gateway("GET", "/api/v1/fleet").json["nodes"]}
    victim = next(
        one
        for one in processes.marked((deployment.folder / "cloud").resolve())
        if one.part.removeprefix("node ") in before
    )
    os.kill(victim.pid, signal.SIGKILL)

    def replaced() -> bool:
        assert gateway.get("kept").body == data  # all the while, nobody notices
        nodes = {node["id"] for node in gateway("GET", "/api/v1/fleet").json["nodes"]}
        return len(nodes) == 2 and nodes != before

    assert until(replaced, timeout_seconds=60)


def test_a_change_by_hand_is_followed_at_once_by_way_of_the_queue(gateway: GatewayClient) -> None:
    def serving() -> int:
        return int(gateway("GET", "/api/v1/fleet").json["serving"])

    assert until(lambda: serving() == 2, timeout_seconds=60)
    for nodes in (3, 2):
        answer = gateway("POST", "/api/v1/fleet/size", json.dumps({"nodes": nodes}).encode(), JSON)
        assert answer.status == 200, answer.body
        assert gateway("GET", "/api/v1/fleet").json["target"] == nodes
        assert until(lambda nodes=nodes: serving() == nodes, timeout_seconds=30)  # type: ignore[misc]


def test_functions_see_boto3_and_what_they_brought_and_nothing_else(deployment: Deployment) -> None:
    python = deployment.folder / "emulator" / "runtime" / "bin" / "python"
    listing = "import importlib.metadata, json; print(json.dumps([d.name for d in importlib.metadata.distributions()]))"
    done = subprocess.run([python, "-c", listing], capture_output=True, check=True, timeout=30)
    assert set(json.loads(done.stdout)) == {"boto3"} | IN_LAMBDA_BESIDE_BOTO3


@pytest.mark.usefixtures("gateway")
def test_functions_run_in_that_environment_and_are_frozen_between_requests(deployment: Deployment) -> None:
    found = workers(deployment)
    assert found
    python = str((deployment.folder / "emulator").resolve() / "runtime" / "bin" / "python")
    assert {command[0] for command in found.values()} == {python}

    def frozen(pid: int) -> bool:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    for pid in found:  # each is seen so between two runs of the schedule
        assert until(lambda pid=pid: frozen(pid), timeout_seconds=20)  # type: ignore[misc]


def test_functions_leave_nothing_beside_their_code(deployment: Deployment, gateway: GatewayClient) -> None:
    gateway.put("written", hostile_images.good_png(20, 20, 1))
    folders = {Path(command[1]).parent for command in workers(deployment).values()}
    assert folders
    for folder in folders:
        with zipfile.ZipFile(folder / "code.zip") as code:
            brought = set(code.namelist())
        found = [path.relative_to(folder / "code") for path in (folder / "code").rglob("*") if path.is_file()]
        # The child that decodes images is a Python of its own, without the limits, and keeps what it compiled.
        assert {str(path) for path in found if "__pycache__" not in path.parts} == brought


@contextmanager
def without(deployed: Deployed, sid: str) -> Iterator[None]:
    """The requests' function without a statement of its policy, for as long as the block runs."""
    iam = client("iam", deployed.environ["AWS_ENDPOINT_URL"])
    role = f"{FUNCTION}-api_handler"
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    whole = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    less = [one for one in whole["Statement"] if one["Sid"] != sid]
    assert len(less) == len(whole["Statement"]) - 1
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps({**whole, "Statement": less}))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(whole))


def test_functions_may_do_no_more_than_their_policy_says(deployed: Deployed, gateway: GatewayClient) -> None:
    with without(deployed, "StoresImagesAndSignsUploads"):
        answer = gateway.put("forbidden", hostile_images.good_png(20, 20, 1))
        assert (answer.status, answer.json["type"]) == (503, "urn:elastic-images:problem:unavailable")
    assert gateway.put("forbidden", hostile_images.good_png(20, 20, 1)).status == 201
    with without(deployed, "ReadsImagesAndWhatArrived"):
        assert gateway.get("forbidden").status == 503
    assert gateway.get("forbidden").status == 200


@pytest.mark.parametrize(
    ("sid", "part"), [("OwesJobsAndAsksForTheirQueue", "queue"), ("MissingObjectsAreToldFromForbiddenOnes", "bucket")]
)
def test_what_a_function_may_not_ask_is_told_as_not_ready(
    deployed: Deployed, gateway: GatewayClient, sid: str, part: str
) -> None:
    def state() -> str:
        return str(gateway("GET", "/readyz").json["parts"][part]["state"])

    with without(deployed, sid):
        assert until(lambda: state() == "refuses", timeout_seconds=20)
    assert until(lambda: state() == "answers", timeout_seconds=20)


def test_a_request_that_lambda_would_not_take_is_refused(gateway: GatewayClient) -> None:
    answer = gateway("PUT", image_path("too much"), bytes(4_800_000))
    assert answer.status >= 400
    assert gateway.get("too much").status == 404


def test_a_stage_that_signs_nobody_in_answers_health_and_nothing_of_an_owner(
    deployed: Deployed, gateway: GatewayClient
) -> None:
    functions = client("lambda", deployed.environ["AWS_ENDPOINT_URL"])
    whole = functions.get_function_configuration(FunctionName=FUNCTION)["Environment"]["Variables"]
    without = {name: value for name, value in whole.items() if name != "SIGNED_IN_AS"}
    gateway.put("private", hostile_images.good_png(20, 20, 1))
    functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": without})
    try:
        assert gateway("GET", "/health").status == 200
        refused = [gateway.get("private"), gateway("GET", "/"), gateway("POST", "/api/list_keys")]
        refused += [gateway("POST", "/api/delete_all"), gateway("GET", "/api/v1/fleet")]
        assert [answer.status for answer in refused] == [401] * len(refused)
    finally:
        functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": whole})
    assert gateway.get("private").status == 200


def test_deploying_again_keeps_address_and_images(
    deployment: Deployment, deployed: Deployed, gateway: GatewayClient
) -> None:
    data = hostile_images.good_png(20, 20, secrets.randbelow(2**31))
    gateway.put("kept through a deploy", data)
    (style,) = (deployment.folder / "project" / "static").glob("style.css")
    style.write_text(style.read_text() + "/* deployed again */\n")
    api_id, functions = deploy(deployment.folder / "project", deployed.environ["AWS_ENDPOINT_URL"], deployed.environ)
    assert (f"/{api_id}/" in deployed.address, functions) == (True, deployed.functions)
    assert gateway("GET", "/static/style.css").body == style.read_bytes()
    assert gateway.get("kept through a deploy").body == data


def test_no_function_broke_down(deployed: Deployed, gateway: GatewayClient) -> None:
    logs = client("logs", deployed.environ["AWS_ENDPOINT_URL"])
    gateway("GET", "/health")
    said = ""
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{FUNCTION}")["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            said += "\n".join(event["message"] for event in page["events"])
    assert "START RequestId" in said
    assert [trace[-1500:] for trace in re.findall(r"Traceback.*?(?=END RequestId|\Z)", said, re.DOTALL)] == []
    assert "Only the temporary folder can be written" not in said
    assert "Task timed out" not in said
