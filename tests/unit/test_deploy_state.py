"""The lock around a deployment, what an interrupted one left, and the package's bytecode."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from ops.aws.account import Account
from ops.aws.bytecode import with_bytecode
from ops.aws.creating import Known, Step, check_cdn, create, steps_to_create
from ops.aws.deploy_state import LOCK, LOCK_SECONDS, Holder, Records, api_id_of, may_take
from ops.aws.errors import OperatorError, UsageError
from ops.aws.functions import CHALICE_SECONDS, Functions, mappings_to_drop, refuse_old_python, with_found_api


class Bucket:
    """Conditional puts, as S3 answers them."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_object(self, Key: str, **_: Any) -> Any:  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")

        class Body:
            read = lambda _self, data=self.objects[Key]: data  # noqa: E731

        return {"Body": Body(), "ETag": self._etag(Key)}

    def put_object(self, Key: str, Body: bytes, IfMatch: str = "", IfNoneMatch: str = "", **_: Any) -> None:  # noqa: N803
        if (IfNoneMatch and Key in self.objects) or (IfMatch and IfMatch != self._etag(Key)):
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": ""}}, "PutObject")
        self.objects[Key] = Body

    def delete_object(self, Key: str, **_: Any) -> None:  # noqa: N803
        self.objects.pop(Key, None)

    def _etag(self, key: str) -> str:
        return hashlib.md5(self.objects.get(key, b""), usedforsecurity=False).hexdigest()


def test_one_deploys_at_a_time_and_the_lock_goes_with_it() -> None:
    bucket = Bucket()
    first, second = Records(bucket, "b"), Records(bucket, "b")
    with first.locked(lambda: 1000.0, print):
        with (
            pytest.raises(OperatorError, match="is deploying this environment since 5 s"),
            second.locked(lambda: 1005.0, print),
        ):
            raise AssertionError
        assert LOCK in bucket.objects
    with second.locked(lambda: 1010.0, print):
        pass
    assert bucket.objects == {}


def test_a_lock_is_taken_over_when_it_is_old_or_its_process_is_gone() -> None:
    held = Holder("here", 7, 1000.0)
    assert not may_take(held, 1001.0, "here", lambda pid: pid == 7)
    assert may_take(held, 1001.0, "here", lambda _pid: False)
    assert not may_take(held, 1001.0, "elsewhere", lambda _pid: False)
    assert may_take(held, 1001.0 + LOCK_SECONDS, "elsewhere", lambda _pid: True)


def test_a_chalice_that_does_not_end_is_told_in_words_before_its_lock_is_anybodys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def hangs(words: list[str], *, timeout: float, **_options: Any) -> None:
        raise subprocess.TimeoutExpired(words, timeout)

    monkeypatch.setattr(subprocess, "run", hangs)
    account = cast(Account, SimpleNamespace(profile=None, poll_seconds=0.1, region="eu-west-1"))
    with pytest.raises(OperatorError, match=r"`chalice deploy` was ended after"):
        Functions(account, "blue", Records(Bucket(), "b"), print)._chalice(tmp_path, "deploy")
    assert LOCK_SECONDS > 2 * CHALICE_SECONDS  # it packages, then deploys


def test_a_record_is_written_only_over_what_was_read() -> None:
    bucket = Bucket()
    records = Records(bucket, "b")
    assert records.read("k") == (None, "")
    assert records.write("k", {"a": 1}, "")
    found, etag = records.read("k")
    assert records.write("k", {"a": 2}, etag)
    assert not records.write("k", {"a": 3}, etag)
    assert not records.write("k", {"a": 3}, "")
    assert (found, json.loads(bucket.objects["k"])) == ({"a": 1}, {"a": 2})


def test_what_an_interrupted_deployment_left_is_taken_up_or_dropped() -> None:
    adopted = with_found_api(None, "abc", "https://abc/")
    assert api_id_of(adopted) == "abc"
    assert with_found_api(adopted, "other", "") == adopted
    assert with_found_api(None, "", "") is None
    known = {"resources": [{"resource_type": "sqs_event", "event_uuid": "1"}]}
    assert mappings_to_drop([{"UUID": "1"}, {"UUID": "2"}], known) == ["2"]
    assert mappings_to_drop([{"UUID": "1"}], None) == ["1"]


def test_an_old_python_packages_for_a_stand_in_only() -> None:
    refuse_old_python((3, 12), is_stand_in=False)
    refuse_old_python((3, 11), is_stand_in=True)
    with pytest.raises(OperatorError, match=r"This is Python 3.11; .*Next: install Python 3.12"):
        refuse_old_python((3, 11), is_stand_in=False)


def test_bytecode_is_used_and_the_same_sources_give_the_same_package(tmp_path: Path) -> None:
    digests = []
    for name in ("a", "b"):
        package = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(package, "w") as zipped:
            zipped.writestr("part/__init__.py", "VALUE = 7\n")
            zipped.writestr("part/broken.py", "not python at all\n")
        with_bytecode(package)
        digests.append(hashlib.sha256(package.read_bytes()).hexdigest())
    assert digests[0] == digests[1]
    with zipfile.ZipFile(tmp_path / "a.zip") as zipped:
        assert [one for one in zipped.namelist() if one.endswith(".pyc")] == [
            f"part/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"
        ]
        zipped.extractall(tmp_path / "out")
    (tmp_path / "out/part/__init__.py").write_text("VALUE = 8\n")  # unchecked: the source is not looked at
    seen = subprocess.run(
        [sys.executable, "-c", "import part; print(part.VALUE)"],
        cwd=tmp_path / "out",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert seen.stdout == "7\n"


class World:
    """Acts that may be interrupted in the middle of any of them, and what they leave."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}
        self.acts = 0
        self.stop_at = 0

    def _act(self, name: str, value: str = "") -> None:
        self.acts += 1
        if self.acts == self.stop_at:
            raise KeyboardInterrupt
        self.made[name] = value
        self.acts += 1
        if self.acts == self.stop_at:
            raise KeyboardInterrupt

    def stack(self, part: str, parameters: Any) -> dict[str, str]:
        self._act(f"stack {part}", parameters.get("SiteOrigins", self.made.get(f"stack {part}", "")))
        return {"network": {"PrivateSubnetIds": "subnet-1"}, "data": {"BucketName": "bucket"}}.get(part, {})

    def artefact(self, bucket: str) -> dict[str, str]:
        self._act(f"artefact in {bucket}")
        return {"NodeArtefactKey": "key", "NodeArtefactSha256": "0"}

    def tables(self, told: Any) -> None:
        assert told["BucketName"]
        self._act("tables")

    def cdn(self, told: Any, parameters: Any, api_id: str) -> dict[str, str]:
        assert (told["BucketName"], api_id) == ("bucket", "api")
        self._act("cdn")
        return {"SiteAddress": "https://site.example.org", "DistributionArn": "arn:aws:cloudfront::1:distribution/E1"}

    def functions(self, told: Any) -> tuple[str, str]:
        assert told["NodeArtefactKey"]
        self._act("functions", told.get("SiteAddress", ""))
        return "api", "https://api.example.org/blue/"

    def smoke(self, address: str) -> None:
        assert "functions" in self.made
        self._act(f"answers at {address}")


def whole(cdn: bool) -> dict[str, str]:
    world = World()
    create(steps_to_create({}, cdn=cdn), Known({}), world, lambda _line: None)
    return world.made


def test_behind_a_cdn_functions_and_bucket_know_the_site_by_its_address() -> None:
    made = whole(cdn=True)
    assert (made["functions"], made["stack data"]) == ("https://site.example.org", "https://site.example.org")
    assert (whole(cdn=False)["functions"], "cdn" in whole(cdn=False)) == ("", False)


@pytest.mark.parametrize("cdn", [False, True])
def test_interrupted_before_or_after_any_step_the_same_again_finishes(cdn: bool) -> None:
    wanted = whole(cdn)
    if not cdn:
        assert wanted["stack data"] == "https://api.example.org"
    for at in range(1, 2 * len(steps_to_create({}, cdn=cdn)) + 1):
        world = World()
        world.stop_at = at
        with pytest.raises(KeyboardInterrupt):
            create(steps_to_create({}, cdn=cdn), Known({}), world, lambda _line: None)
        world.stop_at = 0
        create(steps_to_create({}, cdn=cdn), Known({}), world, lambda _line: None)
        assert world.made == wanted, at


@pytest.mark.parametrize(
    ("given", "cdn", "region", "said"),
    [
        ({"SiteName": "a.test"}, False, "us-east-1", "with a CDN only"),
        ({"SiteName": "a.test"}, True, "us-east-1", "takes a certificate"),
        ({"SiteName": "a.test", "HostedZoneId": "Z1"}, True, "eu-west-1", "in us-east-1"),
        ({"SiteName": "a.test", "HostedZoneId": "Z1"}, True, "us-east-1", None),
        ({"SiteName": "a.test", "CertificateArn": "arn"}, True, "eu-west-1", None),
        ({}, True, "eu-west-1", None),
    ],
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_made(
    given: dict[str, str], cdn: bool, region: str, said: str | None
) -> None:
    if said is None:
        check_cdn(given, cdn, region)
        return
    with pytest.raises(UsageError, match=said):
        check_cdn(given, cdn, region)


def test_an_operators_own_parts_make_steps_needless() -> None:
    left_out = set(Step) - set(
        steps_to_create({"ExistingDatabaseHost": "db", "ExistingNodeLaunchTemplateName": "template"}, cdn=True)
    )
    assert left_out == {Step.ROTATION, Step.ARTEFACT}
