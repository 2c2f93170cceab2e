"""An environment from nothing to a served image and back, by the operator's command as an operator gives it."""

import hashlib
import time
from pathlib import Path

import pytest

from ops.local import bootstrap
from tests import hostile_images
from tests.e2e.store_client import image_path
from tests.local_cloud import until
from tests.operator.operating import Person, Site, joined, killed_while, left_with_tags, store, told
from tests.operator.stand_in import StandIn

NAME, NEW, KEPT = "blue", "green", "kept-by-the-operator"
CLOSED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@pytest.mark.timeout(900)  # four deployments, on a machine that does more than that
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

    joined(account, "ann@example.org")
    ann = Person(site, "ann@example.org")
    assert ann.sign_in() == 303
    others = {f"k{number}": hostile_images.good_png(30, 30, number) for number in range(5)}
    assert [ann.put(key, one) for key, one in others.items()] == [201] * len(others)
    file, key = str(tmp_path / "backup"), str(tmp_path / "key")
    backed_up = told(account, "backup", NAME, file, "--key", key, "--new-key")
    assert backed_up["objects"] >= 1 + len(others)
    s3 = bootstrap.client("s3", account.environ["AWS_ENDPOINT_URL"])
    s3.create_bucket(Bucket=KEPT)
    to = ("--objects-to", KEPT, "--objects-prefix", NAME)
    open_one = store(account, "backup", NAME, file, "--key", key, *to)
    assert (open_one.returncode, "can be opened to the public" in open_one.stderr) == (1, True)
    s3.put_public_access_block(Bucket=KEPT, PublicAccessBlockConfiguration=dict.fromkeys(CLOSED, True))
    with_bytes = told(account, "backup", NAME, file, "--key", key, *to)
    assert with_bytes["objects_copied"]["copied"] == with_bytes["objects"] >= backed_up["objects"]
    again = told(account, "backup", NAME, file, "--key", key, *to)
    assert again["objects_copied"]["copied"] <= again["objects"] - 1 - len(others)  # renditions that were made since
    used = store(account, "restore", NAME, file, "--key", key, "--yes")
    assert (used.returncode, "holds 6 images" in used.stderr) == (1, True)
    assert ann("DELETE", image_path("k0")).status == 204  # in the bucket it is a version still
    assert_restored_elsewhere(account.elsewhere(), file, key, others, data)

    assert told(account, "deploy", NAME)["address"] == made["address"]  # all that is remembered lies in the bucket
    assert until(lambda: site("GET", image_path("k1")).body == data, timeout_seconds=30)
    assert told(account, "doctor")["lacking"] == 0
    assert any("START" in line["said"] for line in told(account, "logs", NAME, "--function", "api_handler")["lines"])

    status = told(account, "status", NAME)
    assert (status["lacking"], set(status["stacks"])) == ([], {"network", "data", "app"})
    assert {one["template"] for one in status["stacks"].values()} == {"as here"}
    assert (status["fleet"]["drift"], len(status["nodes"])) == ("none", 2)
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
    assert left_with_tags(account, NAME) == []
    assert {one["Name"] for one in s3.list_buckets()["Buckets"]} == {bootstrap.BUCKET, KEPT}  # nobody else's went


def assert_restored_elsewhere(account: StandIn, file: str, key: str, anns: dict[str, bytes], demos_k1: bytes) -> None:
    """Into a new environment with a database and a bucket of its own, where an old user signs in; then it goes."""
    made = told(account, "create-env", NEW, "--architecture", "x86", "--cdn", "--yes", *account.words())
    assert made["site"].startswith("https://")
    kept = ("--objects-from", KEPT, "--objects-prefix", NAME)
    restored = told(account, "restore", NEW, file, "--key", key, "--yes", *kept)
    assert restored["wrong"] == []
    assert restored["seconds"] > 0
    site = Site(made["address"])
    ann = Person(site, "ann@example.org")
    assert ann.sign_in() == 303
    assert {name: ann.sha256_of(name) for name in anns} == {
        name: hashlib.sha256(one).hexdigest() for name, one in anns.items()
    }
    assert until(lambda: site("GET", image_path("k1")).body == demos_k1, timeout_seconds=30)
    link = told(account, "first-admin", NEW)["address"].rpartition("=")[2]
    assert Person(site, "admin@example.org").become_first_admin(link) == 303
    again = store(account, "first-admin", NEW)
    assert (again.returncode, "There is an admin already" in again.stderr) == (1, True)
    count = told(account, "destroy-env", NEW)["objects"]
    assert told(account, "destroy-env", NEW, "--yes", "--delete-data", f"{NEW}={count}")["left"] == []
    assert left_with_tags(account, NEW) == []
