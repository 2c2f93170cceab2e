"""What no function's policy may say, each rule a function from a policy with its places to what it finds wrong."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Policy = Mapping[str, Any]

# What EC2, CloudWatch and Lambda know no narrower resource for.
WITHOUT_RESOURCE = {
    "cloudwatch:GetMetricData",
    "sns:GetSubscriptionAttributes",
    "sns:Unsubscribe",
    "ec2:DescribeInstances",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
}
NEEDS_CONDITION = {
    "ec2:RunInstances": "ec2:LaunchTemplate",
    "ec2:CreateTags": "ec2:CreateAction",
    "ec2:TerminateInstances": "aws:ResourceTag/environment",
    "iam:PassRole": "iam:PassedToService",
    "ses:SendEmail": "ses:FromAddress",
    "sns:Subscribe": "sns:Protocol",
}
# Whose own names end their ARN: an instance's id is not known beforehand, so a condition narrows it.
WIDE = ("instance/*", "network-interface/*", "volume/*", "image/*", "identity/*")


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(policy: Policy) -> set[str]:
    """What it allows."""
    return {one for each in policy["Statement"] if each["Effect"] == "Allow" for one in many(each["Action"])}


def findings(policy: Policy) -> Iterator[str]:
    """All that is wrong with a policy."""
    for statement in policy["Statement"]:
        sid = statement["Sid"]
        if statement["Effect"] == "Deny":
            continue
        for action in many(statement["Action"]):
            if "*" in action:
                yield f"{sid} allows a * action"
            needed = NEEDS_CONDITION.get(action)
            if needed and needed not in json.dumps(statement.get("Condition", {})):
                yield f"{sid} allows {action} without {needed}"
        for resource in many(statement["Resource"]):
            yield from _of_resource(statement, resource)


def _of_resource(statement: Mapping[str, Any], resource: str) -> Iterator[str]:
    sid = statement["Sid"]
    if resource == "*":
        if not set(many(statement["Action"])) <= WITHOUT_RESOURCE:
            yield f"{sid} allows every resource"
        return
    if "${" not in resource:
        yield f"{sid} names what is no environment's own"
    narrow = resource.removesuffix("/*") if resource.startswith("${BucketArn}/") else resource.removesuffix(":*")
    if "*" in narrow and not (resource.endswith(WIDE) and statement.get("Condition")):
        yield f"{sid} reaches other environments"
