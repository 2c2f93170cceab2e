"""Finds what there is of an environment, and removes what is to go. Every act may be repeated."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from ops.aws import snapshots, tagged
from ops.aws.account import Account
from ops.aws.deploy_state import Records
from ops.aws.destruction import Destruction, Found
from ops.aws.errors import OperatorError
from ops.aws.functions import Functions
from ops.aws.stack_calls import Stacks
from ops.aws.templates import DATA, NETWORK, PARTS, PROJECT_TAG, stack_name

NODES_SECONDS = DATABASE_SECONDS = 1800
_BATCH = 1000  # S3 deletes no more at once
_OURS = ("operator/", "artefacts/")  # what the commands keep in the bucket for themselves


def find(account: Account, environment: str, stacks: Stacks) -> Found:
    """What there is now."""
    there = {part: status for part in PARTS if (status := stacks.status(part))}
    own = stacks.parameters(DATA).get("ExistingBucketName", "") if DATA in there else ""
    bucket = _bucket(account, environment)
    listed = tagged.objects_in(account, bucket or own) if bucket or own else []
    objects = [one for one in listed if not one["Key"].startswith(_OURS)]
    return Found(
        stacks=there,
        functions=tuple(tagged.functions(account, environment)),
        nodes=tuple(tagged.nodes(account, environment)),
        bucket=bucket,
        own_bucket=own,
        objects=len(objects),
        databases=tuple(one["DBInstanceIdentifier"] for one in _databases(account, environment)),
        secrets=tuple(_secrets(account, environment)),
        settings=tuple(_settings(account, environment)),
        snapshots=tuple(snapshots.of_environment(account.client("rds"), environment)),
    )


class Destroying:
    """The acts, in the order in which `run` does them."""

    def __init__(self, account: Account, environment: str, stacks: Stacks, say: Callable[[str], None]) -> None:
        self._account, self._environment, self._stacks, self._say = account, environment, stacks, say

    def run(self, found: Found, wanted: Destruction) -> None:
        """Functions first, so that no scaler launches what was just ended. Raises OperatorError."""
        bucket = found.bucket or found.own_bucket
        if bucket:
            records = Records(self._account.client("s3"), bucket)
            for name in Functions(self._account, self._environment, records, self._say).remove():
                self._say(f"function {name} is gone")
        self._end_nodes()
        for part in wanted.stacks:
            if part == NETWORK and wanted.with_data:
                self._remove_data(found)  # it lives in the network
            self._stacks.remove(part)
            self._say(f"stack {part} is gone")
        if NETWORK in wanted.stacks:
            return
        if wanted.with_data:
            self._remove_data(found)
        elif NETWORK in found.stacks and _makes_nat(self._stacks.parameters(NETWORK)):
            self._stacks.ensure(NETWORK, {"NatGateways": "none"})

    def left(self, wanted: Destruction) -> list[str]:
        """What still bears the environment's tags, or its name, and was to go."""
        found = find(self._account, self._environment, self._stacks)
        kept = set() if wanted.with_data else {found.bucket, *_data_of(found)}
        parts = {part for part in found.stacks if part not in wanted.stacks and not wanted.with_data}
        staying = {one["PhysicalResourceId"] for part in parts for one in self._stacks.resources(part)}
        arns = [
            arn
            for arn in tagged.tagged(self._account, self._environment)
            if arn not in kept and not any(_is_of(arn, one) for one in kept | staying if one)
        ]
        data = [*_data_of(found), *([found.bucket] if found.bucket else [])] if wanted.with_data else []
        stacks = [stack_name(self._environment, part) for part in found.stacks if part not in parts]
        return sorted({*arns, *found.functions, *found.nodes, *stacks, *data})

    def _end_nodes(self) -> None:
        calls = self._account.client("ec2")
        ids = list(tagged.nodes(self._account, self._environment))
        if ids:
            calls.terminate_instances(InstanceIds=ids)
        self._until(lambda: not tagged.nodes(self._account, self._environment), NODES_SECONDS, "nodes end")

    def _remove_data(self, found: Found) -> None:
        self._remove_databases(found)
        if found.bucket:
            self._remove_bucket(found.bucket)
        calls = self._account.client("secretsmanager")
        for arn in found.secrets:
            try:
                if tagged.has_tags(calls.describe_secret(SecretId=arn).get("Tags", []), self._environment):
                    calls.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
                    self._say(f"secret {arn} is gone")
            except calls.exceptions.ResourceNotFoundException:
                continue

    def _remove_databases(self, found: Found) -> None:
        calls = self._account.client("rds")
        for one in sorted(
            _databases(self._account, self._environment),
            key=lambda one: not one.get("ReadReplicaSourceDBInstanceIdentifier"),
        ):
            name = one["DBInstanceIdentifier"]
            if one["DBInstanceStatus"] != "deleting":
                calls.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
                calls.delete_db_instance(
                    DBInstanceIdentifier=name,
                    SkipFinalSnapshot=True,
                    **({} if one.get("ReadReplicaSourceDBInstanceIdentifier") else {"DeleteAutomatedBackups": True}),
                )
            self._until(partial(self._has_no_database, name), DATABASE_SECONDS, f"database {name} goes")
        for name in found.snapshots:
            try:
                calls.delete_db_snapshot(DBSnapshotIdentifier=name)
                self._say(f"snapshot {name} is gone")
            except calls.exceptions.DBSnapshotNotFoundFault:
                continue
        for name in found.settings:
            for act, words in (
                (calls.delete_db_subnet_group, {"DBSubnetGroupName": name}),
                (calls.delete_db_parameter_group, {"DBParameterGroupName": name}),
            ):
                try:
                    act(**words)
                except ClientError as error:
                    if "NotFound" not in error.response["Error"]["Code"]:
                        raise

    def _has_no_database(self, name: str) -> bool:
        return name not in {each["DBInstanceIdentifier"] for each in _databases(self._account, self._environment)}

    def _remove_bucket(self, bucket: str) -> None:
        calls = self._account.client("s3")
        objects = tagged.objects_in(self._account, bucket)
        for start in range(0, len(objects), _BATCH):
            done = calls.delete_objects(
                Bucket=bucket, Delete={"Objects": objects[start : start + _BATCH], "Quiet": True}
            )
            if done.get("Errors"):
                raise OperatorError(
                    f"Objects of {bucket} could not be deleted.", str(done["Errors"][0]), "the same command again"
                )
            self._say(f"bucket {bucket}: {min(start + _BATCH, len(objects))} of {len(objects)} versions are gone")
        calls.delete_bucket(Bucket=bucket)
        self._say(f"bucket {bucket} is gone")

    def _until(self, condition: Callable[[], bool], seconds: float, words: str) -> None:
        deadline = time.monotonic() + seconds
        if not condition():
            self._say(f"waiting: {words}")
        while not condition():
            if time.monotonic() > deadline:
                raise OperatorError(f"Waited {seconds:.0f} s: {words}.", next_="the same command again: it goes on")
            time.sleep(self._account.poll_seconds)


def _data_of(found: Found) -> tuple[str, ...]:
    """But its bucket."""
    return (*found.databases, *found.settings, *found.secrets, *found.snapshots)


def _databases(account: Account, environment: str) -> list[dict[str, Any]]:
    pages = account.client("rds").get_paginator("describe_db_instances").paginate()
    every = [one for page in pages for one in page["DBInstances"]]
    return [one for one in every if tagged.has_tags(one.get("TagList", []), environment)]


def _bucket(account: Account, environment: str) -> str:
    """The one that the data's template makes, by its name, which holds the account's id; empty if there is none."""
    name = f"{PROJECT_TAG}-{environment}-{account.id}-{account.region}"
    try:
        account.client("s3").head_bucket(Bucket=name, ExpectedBucketOwner=account.id)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket"}:
            return ""
        raise
    return name


def _secrets(account: Account, environment: str) -> list[str]:
    """ARNs."""
    pages = account.client("secretsmanager").get_paginator("list_secrets").paginate()
    every = [one for page in pages for one in page["SecretList"]]
    return [one["ARN"] for one in every if tagged.has_tags(one.get("Tags", []), environment)]


def _settings(account: Account, environment: str) -> list[str]:
    """Names of the database's parameter groups and subnet groups."""
    calls = account.client("rds")
    groups = [
        (one["DBSubnetGroupName"], one["DBSubnetGroupArn"])
        for page in calls.get_paginator("describe_db_subnet_groups").paginate()
        for one in page["DBSubnetGroups"]
    ] + [
        (one["DBParameterGroupName"], one["DBParameterGroupArn"])
        for page in calls.get_paginator("describe_db_parameter_groups").paginate()
        for one in page["DBParameterGroups"]
        if not one["DBParameterGroupName"].startswith("default.")
    ]
    return [
        name
        for name, arn in groups
        if tagged.has_tags(calls.list_tags_for_resource(ResourceName=arn)["TagList"], environment)
    ]


def _is_of(arn: str, physical_id: str) -> bool:
    return arn == physical_id or arn.rpartition(":")[2] == physical_id.rpartition("/")[2]


def _makes_nat(parameters: Mapping[str, str]) -> bool:
    return not parameters.get("ExistingVpcId") and parameters.get("NatGateways") != "none"
