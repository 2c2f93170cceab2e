"""Everything that bears an environment's two tags, as the account's tagging service and its services tell it."""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from ops.aws.account import Account
from ops.aws.functions import function_name
from ops.aws.stage import FUNCTIONS
from ops.aws.templates import tags_of
from scaler.ec2 import ROLE

_ENDED = frozenset({"terminated", "shutting-down"})


def tagged(account: Account, environment: str) -> list[str]:
    """ARNs, sorted. The tagging service goes on naming what has just gone; ask it again after some minutes."""
    calls = account.client("resourcegroupstaggingapi")
    wanted = [{"Key": key, "Values": [value]} for key, value in tags_of(environment).items()]
    pages = calls.get_paginator("get_resources").paginate(TagFilters=wanted)
    return sorted({one["ResourceARN"] for page in pages for one in page["ResourceTagMappingList"]})


def nodes(account: Account, environment: str) -> dict[str, str]:
    """The addresses, by id, of the instances that the scaler launched and that are not ended.

    Others may call an environment of theirs the same: nodes are told by their role too, as the scaler tells them.
    """
    filters = [{"Name": "tag:environment", "Values": [environment]}, {"Name": "tag:role", "Values": [ROLE]}]
    pages = account.client("ec2").get_paginator("describe_instances").paginate(Filters=filters)
    every = [one for page in pages for several in page["Reservations"] for one in several["Instances"]]
    return {one["InstanceId"]: one.get("PrivateIpAddress", "") for one in every if one["State"]["Name"] not in _ENDED}


def functions(account: Account, environment: str) -> list[str]:
    """Names of those that are there."""
    calls = account.client("lambda")
    found = []
    for function in FUNCTIONS:
        name = function_name(environment, function)
        try:
            calls.get_function_configuration(FunctionName=name)
        except calls.exceptions.ResourceNotFoundException:
            continue
        found.append(name)
    return found


def objects_in(account: Account, bucket: str) -> list[dict[str, str]]:
    """Key and VersionId of every version and every mark of a deletion; none if there is no such bucket."""
    pages = account.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
    try:
        return [
            {"Key": one["Key"], "VersionId": one["VersionId"]}
            for page in pages
            for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchBucket", "404"}:
            return []
        raise


def has_tags(tags: Iterable[dict[str, Any]], environment: str) -> bool:
    """Whether a resource is the environment's own. Nothing else is ever removed."""
    found = {one["Key"]: one["Value"] for one in tags}
    return tags_of(environment).items() <= found.items()
