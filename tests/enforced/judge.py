"""An account whose stand-in judges every call by the caller's policy, and the one caller that has a function's."""

import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops.aws.policies import filled, template_of
from ops.aws.stage import Choices, policy_values
from ops.local import bootstrap, ministack
from ops.local.parts import base_environ
from ops.local.ports import free_port
from ops.local.state import StateFolder, prepare
from tests.contract.real_parts import Server
from tests.deployed.project_copy import PROJECT

ENVIRONMENT = "judged"
CALLER, POLICY = "function", "its-own"
_REFUSALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"}
_SERVICES = {"Secrets Manager": "secretsmanager"}  # as policies name them


@dataclasses.dataclass
class Calls:
    """What was asked of AWS by clients that are listened to, and what of it was refused."""

    made: set[str] = dataclasses.field(default_factory=set)
    refused: list[str] = dataclasses.field(default_factory=list)

    def note(self, model: Any, parsed: Mapping[str, Any], **_: Any) -> None:
        """Hears of a call of boto3's."""
        service = str(model.service_model.service_id)
        name = f"{_SERVICES.get(service, service.lower())}:{model.name}"
        self.made.add(name)
        errors = [parsed.get("Error", {}), *parsed.get("Errors", [])]
        if any(one.get("Code") in _REFUSALS for one in errors):
            self.refused.append(name)


class Account:
    """Bucket with versions, queues, secrets, topic, mail sender and launch template, as an environment has them."""

    def __init__(self, folder: Path) -> None:
        self._admins: dict[str, Any] = {}
        state = StateFolder(folder)
        prepare(state)
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        part = ministack.part(state, port, PROJECT / ".venvs", base_environ(state, os.environ), lambda: None)
        python = str(PROJECT / ".venvs" / "ministack" / "bin" / "python")
        script = str(PROJECT / "tests" / "deployed" / "emulator.py")
        mended = dataclasses.replace(
            part, command=(python, script, python), environ={**part.environ, "AUTH": "true"}
        )  # no function of Lambda runs here
        self.server = Server(mended, state)

    def admin(self, service: str) -> Any:
        """A client that may do everything."""
        if service not in self._admins:
            self._admins[service] = bootstrap.client(service, self.endpoint)
        return self._admins[service]

    def furnish(self) -> None:
        """Makes everything, and the caller, who may do nothing yet."""
        endpoint = self.endpoint
        bootstrap.make_bucket(endpoint)
        self.admin("s3").put_bucket_versioning(Bucket=bootstrap.BUCKET, VersioningConfiguration={"Status": "Enabled"})
        self.job_queue_url, self.fleet_queue_url = bootstrap.make_queues(endpoint)
        sqs = self.admin("sqs")
        self.incoming_queue_url = sqs.get_queue_url(QueueName=bootstrap.INCOMING_QUEUE)["QueueUrl"]
        bootstrap.make_mail_sender(endpoint)
        topic_arn = self.admin("sns").create_topic(Name="edit-notices")["TopicArn"]
        secrets = self.admin("secretsmanager")
        arns = {
            name: secrets.create_secret(Name=f"elastic-images/{ENVIRONMENT}/{name}", SecretString=text)["ARN"]
            for name, text in (("database", "{}"), ("forms", "f" * 40), ("addresses", "{}"))
        }
        ec2 = self.admin("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        self.subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
        template = ec2.create_launch_template(
            LaunchTemplateName="cache-node",
            LaunchTemplateData={"ImageId": "ami-12345678", "InstanceType": "t3.micro", "SecurityGroupIds": [group]},
        )["LaunchTemplate"]["LaunchTemplateId"]
        where = f"{bootstrap.REGION}:{ministack.ACCOUNT_ID}"
        self.outputs = {
            "BucketArn": f"arn:aws:s3:::{bootstrap.BUCKET}",
            "JobQueueArn": f"arn:aws:sqs:{where}:{bootstrap.JOB_QUEUE}",
            "FleetQueueArn": f"arn:aws:sqs:{where}:{bootstrap.FLEET_QUEUE}",
            "IncomingQueueArn": f"arn:aws:sqs:{where}:{bootstrap.INCOMING_QUEUE}",
            "DatabaseSecretArn": arns["database"],
            "FormSecretArn": arns["forms"],
            "ImageSigningSecretArn": arns["addresses"],
            "NodeLaunchTemplateId": template,
            "NodeSecurityGroupId": group,
            "NodeRoleArn": f"arn:aws:iam::{ministack.ACCOUNT_ID}:role/node",
            "PrivateSubnetIds": self.subnet,
            "MailSender": bootstrap.MAIL_SENDER,
            "NoticeTopicArn": topic_arn,
        }
        iam = self.admin("iam")
        iam.create_user(UserName=CALLER)
        self._keys = iam.create_access_key(UserName=CALLER)["AccessKey"]

    def policy(self, function: str) -> dict[str, Any]:
        """The function's own, with this account's names.

        The stand-in judges no instance's template and tags and nothing of mails, so conditions on them, and whose mail
        it is, are left out: they are looked at as text (tests/infrastructure/test_policies.py).
        """
        choices = Choices(
            ENVIRONMENT, ministack.ACCOUNT_ID, bootstrap.REGION, settings={"LABELS": "rekognition"}, architecture="x86"
        )
        policy = filled(template_of(function), policy_values(self.outputs, choices))
        # What is denied is Lambda's own, and denied to the code by a condition.
        statements = [_as_judged(one) for one in policy["Statement"] if one["Effect"] == "Allow"]
        return {**policy, "Statement": statements}

    def allow(self, policy: Mapping[str, Any]) -> None:
        """The caller may do this from now on, and no more."""
        self.admin("iam").put_user_policy(UserName=CALLER, PolicyName=POLICY, PolicyDocument=json.dumps(policy))

    @contextmanager
    def as_caller(self) -> Iterator[None]:
        """Clients that are made meanwhile are the caller's, as a function's are those of its role."""
        given = {
            "AWS_ACCESS_KEY_ID": self._keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self._keys["SecretAccessKey"],
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": bootstrap.REGION,
        }
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def empty(self) -> None:
        """Nothing is left in the bucket, in any version."""
        s3 = self.admin("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bootstrap.BUCKET):
            named = [
                {"Key": one["Key"], "VersionId": one["VersionId"]}
                for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            ]
            if named:
                s3.delete_objects(Bucket=bootstrap.BUCKET, Delete={"Objects": named, "Quiet": True})


def pieces(policy: Mapping[str, Any], judged: Callable[[str], bool]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each action on each resource that the policy allows, by name, with the policy that lacks it and nothing else."""
    for number, statement in enumerate(policy["Statement"]):
        if statement["Effect"] != "Allow":
            continue
        actions, resources = _many(statement["Action"]), _many(statement["Resource"])
        for action in filter(judged, actions):
            for resource in resources:
                others = [one for one in resources if one != resource]
                left = [{**statement, "Action": [one for one in actions if one != action]}]
                left.append({**statement, "Sid": f"{statement['Sid']}Elsewhere", "Action": action, "Resource": others})
                kept = [one for one in left if one["Action"] and one["Resource"]]
                before, after = policy["Statement"][:number], policy["Statement"][number + 1 :]
                yield (
                    f"{statement['Sid']}: {action} on {resource.rpartition(':')[2]}",
                    {**policy, "Statement": [*before, *kept, *after]},
                )


def _as_judged(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    actions = _many(statement["Action"])
    if not all(one.startswith(("ec2:", "iam:", "ses:", "sns:")) for one in actions):
        return statement
    bare = {part: value for part, value in statement.items() if part != "Condition"}
    return {**bare, "Resource": "*"} if actions == ["ses:SendEmail"] else bare


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
