"""What the code calls and what policies allow are the same, both ways: an action too many is seen as one too few is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.aws.policies import functions, template_of
from ops.aws.templates import PROJECT
from tests.infrastructure.policy_rules import actions

SOURCES = {
    "s3": ["chalicelib/adapters/s3_objects.py"],
    "sqs": ["chalicelib/adapters/sqs_queue.py"],
    "ses": ["chalicelib/adapters/ses_mail.py"],
    "sns": ["chalicelib/adapters/sns_notices.py"],
    "rekognition": ["chalicelib/adapters/rekognition_labels.py"],
    "secretsmanager": ["chalicelib/adapters/secrets_manager.py"],
    "ec2": ["scaler/ec2.py"],
    "cloudwatch": ["scaler/cloudwatch.py"],
}
# Where a call is not allowed by an action of its own name.
ALLOWED_BY = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:HeadObject": "s3:GetObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:GeneratePresignedPost": "s3:PutObject",
    "s3:GeneratePresignedUrl": "s3:GetObject",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
# What no line of ours calls, and why it is allowed.
WITHOUT_A_CALL = {
    "s3:GetObjectVersion",  # of the source of a copy
    "s3:DeleteObjectVersion",  # DeleteObjects with versions
    "ec2:CreateTags",  # of an instance at its launch
    "iam:PassRole",  # the nodes', at their launch
    *(f"sqs:{action}" for action in ("ReceiveMessage", "DeleteMessage")),  # Lambda's poller
    *(f"logs:{action}" for action in ("CreateLogStream", "PutLogEvents")),  # Lambda's
    *(
        f"ec2:{action}"  # Lambda's, and denied to the code
        for action in (
            *("CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets"),
            *("AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"),
        )
    ),
}
_NO_CALLS = {"get_paginator", "exceptions", "close"}


def calls_in(tree: ast.AST) -> Iterator[str]:
    """The names of boto3 calls on something called client, and of what is paginated."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            on = node.value
            name = on.attr if isinstance(on, ast.Attribute) else on.id if isinstance(on, ast.Name) else ""
            if name in ("client", "_client") and node.attr not in _NO_CALLS:
                yield node.attr
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get_paginator":
            (paged,) = node.args
            assert isinstance(paged, ast.Constant)
            yield str(paged.value)


def action_of(service: str, call: str) -> str:
    named = f"{service}:{''.join(word.capitalize() for word in call.split('_'))}"
    return ALLOWED_BY.get(named, named)


def called() -> set[str]:
    return {
        action_of(service, call)
        for service, sources in SOURCES.items()
        for source in sources
        for call in calls_in(ast.parse((PROJECT / source).read_text(encoding="utf-8")))
    }


def test_all_that_is_called_is_allowed_to_some_function_and_no_more() -> None:
    allowed = set().union(*(actions(template_of(name)) for name in functions()))
    assert called() - allowed == set()
    assert allowed - called() == WITHOUT_A_CALL


def test_no_other_file_of_the_application_talks_to_aws() -> None:
    known = {source for sources in SOURCES.values() for source in sources} | {"chalicelib/adapters/aws_clients.py"}
    files = [path for folder in ("chalicelib", "scaler") for path in (PROJECT / folder).rglob("*.py")]
    talking = {
        str(path.relative_to(PROJECT))
        for path in [*files, PROJECT / "app.py"]
        if re.search(r"^\s*(import|from) (boto3|botocore)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert talking == known


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("self._client.get_object(Bucket=b)", "s3:GetObject"),
        ("client.upload_part()", "s3:PutObject"),
        ("self._client.get_paginator('list_objects_v2').paginate()", "s3:ListBucket"),
    ],
)
def test_a_call_is_found(code: str, found: str) -> None:
    assert {action_of("s3", call) for call in calls_in(ast.parse(code))} == {found}


def test_the_nodes_agent_calls_what_its_role_allows() -> None:
    text = Path(PROJECT / "nodes" / "agent" / "publishing.py").read_text(encoding="utf-8")
    assert set(calls_in(ast.parse(text))) == {"put_metric_data"}
