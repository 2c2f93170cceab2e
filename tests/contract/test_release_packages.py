"""Packages of releases in a bucket, and snapshots of a database: what an upgrade needs for the way back."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ops.aws import snapshots
from ops.aws.deploy_state import RELEASES, Records
from ops.aws.errors import OperatorError
from ops.aws.release_packages import PACKAGES, ReleasePackages, release_of
from ops.aws.releases import Release, Releases, as_document, from_document
from ops.local import bootstrap
from tests.contract.real_parts import Server
from tests.deployed.project_copy import copy_project

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def contents(folder: Path) -> dict[str, bytes | str]:
    """Of every file, and where every link leads."""
    return {
        path.relative_to(folder).as_posix(): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_a_package_comes_back_as_it_was_kept_until_nothing_leads_to_it(
    s3_client: "S3Client", bucket: str, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    (project / ".chalice" / "deployments").mkdir(parents=True)
    (project / "vendor").mkdir()
    (project / "scaler").mkdir()
    (project / "scaler" / "run.py").write_text("1")
    (project / ".chalice" / "deployments" / "a.zip").write_bytes(b"zip" * 1000)
    (project / "vendor" / "scaler").symlink_to("../scaler")
    packages = ReleasePackages(s3_client, bucket)
    for name in ("1-aa", "2-bb"):
        packages.keep(name, project)
    packages.fetch("1-aa", tmp_path / "fetched")
    assert contents(tmp_path / "fetched") == contents(project)
    packages.forget_all_but({"2-bb"})
    assert [one["Key"] for one in s3_client.list_objects_v2(Bucket=bucket, Prefix=PACKAGES)["Contents"]] == [
        f"{PACKAGES}2-bb.tar.gz"
    ]
    with pytest.raises(OperatorError, match="The package of 1-aa is not in"):
        packages.fetch("1-aa", tmp_path / "none")


def test_releases_are_written_down_by_one_at_a_time(s3_client: "S3Client", bucket: str) -> None:
    records = Records(s3_client, bucket)
    assert records.read(RELEASES) == (None, "")
    releases = Releases(Release("1-aa", ("0001_a",), (), 5.0)).switched(Release("2-bb", ("0001_a",)), 6.0)
    assert records.write(RELEASES, as_document(releases), "")
    found, etag = records.read(RELEASES)
    assert from_document(found) == releases
    assert records.write(RELEASES, as_document(releases.contracted()), etag)
    assert not records.write(RELEASES, as_document(releases), etag)  # somebody read it before that
    records.remove(RELEASES)


def test_the_same_code_is_the_same_release_wherever_it_lies(tmp_path: Path) -> None:
    here, there = copy_project(tmp_path / "here"), copy_project(tmp_path / "a" / "there")
    assert release_of(here) == release_of(there)
    (there / "docs" / "more.md").write_text("nothing that is deployed")
    assert release_of(here) == release_of(there)
    before = release_of(here)
    (here / "migrations" / "9001_contract_t.sql").write_text("ALTER TABLE t DROP a;")
    after = release_of(here)
    assert after.name != before.name
    assert (after.migrations, after.contracts) == ((*before.migrations, "9001_contract_t"), ("9001_contract_t",))
    (there / "templates" / "more.html").write_text("more")  # by a link in vendor/
    assert release_of(there).name != before.name


@pytest.fixture
def rds(stack: Server) -> Iterator[Any]:
    """The stand-in's, with a database."""
    calls = bootstrap.client("rds", os.environ["AWS_ENDPOINT_URL"])
    calls.create_db_instance(
        DBInstanceIdentifier="elastic-images-blue",
        DBInstanceClass="db.t4g.micro",
        Engine="mariadb",
        MasterUsername="operator",
        MasterUserPassword="not a secret",
        AllocatedStorage=20,
    )
    yield calls
    for name in snapshots.of_environment(calls, "blue"):
        calls.delete_db_snapshot(DBSnapshotIdentifier=name)
    calls.delete_db_instance(DBInstanceIdentifier="elastic-images-blue", SkipFinalSnapshot=True)


def test_a_snapshot_is_taken_once_and_bears_the_environments_tags(rds: Any) -> None:
    said: list[str] = []
    name = snapshots.snapshot_name("blue", "0.1.0-3f9a2b1c44de", 1_750_000_000.0)
    assert name == "elastic-images-blue-20250615-150640-before-0-1-0-3f9a2b1c44de"
    for _ in range(2):  # the second time as after a kill
        snapshots.take(rds, "elastic-images-blue", name, "blue", said.append, 0.01)
    assert said[-1] == f"snapshot {name} is whole"
    assert f"snapshot {name} was begun already" in said
    rds.create_db_snapshot(DBSnapshotIdentifier="another", DBInstanceIdentifier="elastic-images-blue")
    assert snapshots.of_environment(rds, "blue") == [name]
    assert snapshots.of_environment(rds, "green") == []
    rds.delete_db_snapshot(DBSnapshotIdentifier="another")
