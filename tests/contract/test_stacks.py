"""The stacks' templates made, changed and removed in the stand-in for CloudFormation.

It knows all that is in them but NAT gateways, rotation and AWS's own list of machine images; of a bucket it makes
versions, notification and policy, and leaves lifecycle, CORS and encryption out. What it makes is a model of AWS, not
AWS: see docs/operations.md.
"""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.aws.stage import FUNCTIONS, Choices, policies, stage
from ops.aws.templates import capabilities_of, parameters_for, stack_name, tags_of, text_of
from ops.local import bootstrap
from tests.contract.real_parts import Server

ENVIRONMENT = "blue"
NETWORK = {"NatGateways": "none"}
NODES = {
    "NodeImageId": "ami-0123456789abcdef0",
    "NodeArtefactKey": f"artefacts/nodes/{'a' * 64}.sh",
    "NodeArtefactSha256": "a" * 64,
}


class Stacks:
    """Stacks of one environment."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._calls: Any = self.client("cloudformation")
        self.made: list[str] = []

    def client(self, service: str) -> Any:
        return bootstrap.client(service, self.endpoint)

    def make(self, part: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Its outputs. Raises ClientError if it is refused at once."""
        self._calls.create_stack(
            **self._asked(part, parameters), Tags=[{"Key": key, "Value": value} for key, value in _TAGS.items()]
        )
        self.made.append(part)
        return self._outputs(part, "CREATE_COMPLETE")

    def change(self, part: str, parameters: Mapping[str, str]) -> dict[str, str]:
        self._calls.update_stack(**self._asked(part, parameters))
        return self._outputs(part, "UPDATE_COMPLETE")

    def remove(self, part: str) -> None:
        name = stack_name(ENVIRONMENT, part)
        id_ = self._calls.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        self._calls.delete_stack(StackName=name)
        self.made.remove(part)
        assert self._ended(id_)["StackStatus"] == "DELETE_COMPLETE"

    def resources(self, part: str) -> dict[str, str]:
        """Logical name: physical one."""
        listed = self._calls.describe_stack_resources(StackName=stack_name(ENVIRONMENT, part))["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed}

    def _asked(self, part: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        given = {"Environment": ENVIRONMENT, **parameters}
        return {
            "StackName": stack_name(ENVIRONMENT, part),
            "TemplateBody": text_of(part),
            "Capabilities": capabilities_of(part),
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        }

    def _outputs(self, part: str, wanted: str) -> dict[str, str]:
        stack = self._ended(stack_name(ENVIRONMENT, part))
        assert stack["StackStatus"] == wanted, self._failures(stack["StackId"])
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def _failures(self, id_: str) -> list[str]:
        events = self._calls.describe_stack_events(StackName=id_)["StackEvents"]
        failed = [one for one in events if "FAILED" in one["ResourceStatus"]]
        return [f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason')}" for one in failed]

    def _ended(self, name: str) -> Any:
        deadline = time.monotonic() + 30
        while True:
            (stack,) = self._calls.describe_stacks(StackName=name)["Stacks"]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                return stack
            assert time.monotonic() < deadline, stack
            time.sleep(0.05)


_TAGS = tags_of(ENVIRONMENT)


@pytest.fixture
def stacks(stack: Server) -> Iterator[Stacks]:
    """What a test makes is removed after it; what its stacks keep too."""
    port = stack.part.environ["GATEWAY_PORT"]
    made = Stacks(f"http://127.0.0.1:{port}")
    yield made
    for part in reversed(list(made.made)):
        made.remove(part)
    s3, rds, kept = made.client("s3"), made.client("rds"), made.client("secretsmanager")
    for bucket in [one["Name"] for one in s3.list_buckets()["Buckets"] if "-blue-" in one["Name"]]:
        for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        s3.delete_bucket(Bucket=bucket)
    for database in rds.describe_db_instances()["DBInstances"]:
        rds.modify_db_instance(DBInstanceIdentifier=database["DBInstanceIdentifier"], DeletionProtection=False)
        rds.delete_db_instance(DBInstanceIdentifier=database["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    for group in rds.describe_db_subnet_groups()["DBSubnetGroups"]:
        rds.delete_db_subnet_group(DBSubnetGroupName=group["DBSubnetGroupName"])
    for settings in rds.describe_db_parameter_groups()["DBParameterGroups"]:
        if settings["DBParameterGroupName"].startswith("elastic-images"):
            rds.delete_db_parameter_group(DBParameterGroupName=settings["DBParameterGroupName"])
    for secret in kept.list_secrets()["SecretList"]:
        kept.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)


def refused(stacks: Stacks, part: str, parameters: Mapping[str, str]) -> str:
    with pytest.raises(ClientError) as error:
        stacks.make(part, parameters)
    return str(error.value)


def test_a_network_is_made_grows_by_a_zone_and_goes(stacks: Stacks) -> None:
    ec2 = stacks.client("ec2")
    told = stacks.make("network", NETWORK)
    assert len(told["PrivateSubnetIds"].split(",")) == 2
    (vpc,) = ec2.describe_vpcs(VpcIds=[told["VpcId"]])["Vpcs"]
    assert {tag["Key"]: tag["Value"] for tag in vpc["Tags"]}.items() >= _TAGS.items()
    grown = stacks.change("network", {**NETWORK, "Zones": "3"})
    subnets = grown["PrivateSubnetIds"].split(",")
    assert subnets[:2] == told["PrivateSubnetIds"].split(",")
    zones = {one["AvailabilityZone"] for one in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
    assert len(zones) == 3
    stacks.remove("network")
    assert told["VpcId"] not in {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]}


def test_with_a_vpc_of_the_operators_only_security_groups_are_made(stacks: Stacks) -> None:
    ec2 = stacks.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    told = stacks.make(
        "network", {"ExistingVpcId": vpc, "ExistingPrivateSubnetIds": "subnet-0a,subnet-0b", "VpcCidr": "10.9.0.0/16"}
    )
    assert (told["VpcId"], told["PrivateSubnetIds"]) == (vpc, "subnet-0a,subnet-0b")
    assert set(stacks.resources("network")) == {
        "AppSecurityGroup",
        "ScalerSecurityGroup",
        "RotationSecurityGroup",
        "NodeSecurityGroup",
        "DatabaseSecurityGroup",
    }
    stacks.remove("network")
    ec2.delete_vpc(VpcId=vpc)


def test_halves_of_a_network_are_refused(stacks: Stacks) -> None:
    assert "ExistingPrivateSubnetIds" in refused(stacks, "network", {**NETWORK, "ExistingVpcId": "vpc-0a"})
    halves = refused(stacks, "network", {**NETWORK, "ExistingPrivateSubnetIds": "subnet-0a,subnet-0b"})
    assert "also give ExistingVpcId" in halves
    assert "Two subnets" in refused(stacks, "network", {**NETWORK, "ExistingPrivateSubnetIds": "subnet-0a"})
    assert "small letters" in refused(stacks, "network", {**NETWORK, "Environment": "Blue Sky"})


def test_data_are_made_and_stay_when_their_stack_goes(stacks: Stacks) -> None:
    s3, rds, kept = stacks.client("s3"), stacks.client("rds"), stacks.client("secretsmanager")
    network = stacks.make("network", NETWORK)
    told = stacks.make("data", parameters_for("data", network))
    bucket = told["BucketName"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (database,) = rds.describe_db_instances(DBInstanceIdentifier=told["DatabaseId"])["DBInstances"]
    assert (database["Engine"], database["StorageEncrypted"], database["PubliclyAccessible"]) == (
        "mariadb",
        True,
        False,
    )
    secret = json.loads(kept.get_secret_value(SecretId=told["DatabaseSecretArn"])["SecretString"])
    assert (secret["username"], len(secret["password"])) == ("application", 40)
    assert len(kept.get_secret_value(SecretId=told["FormSecretArn"])["SecretString"]) == 64
    s3.put_object(Bucket=bucket, Key="originals/kept", Body=b"bytes")
    stacks.remove("data")
    assert s3.get_object(Bucket=bucket, Key="originals/kept")["Body"].read() == b"bytes"
    assert rds.describe_db_instances(DBInstanceIdentifier=told["DatabaseId"])["DBInstances"]
    assert kept.get_secret_value(SecretId=told["DatabaseSecretArn"])["SecretString"]
    assert kept.get_secret_value(SecretId=told["FormSecretArn"])["SecretString"]


def test_what_was_kept_is_taken_up_again(stacks: Stacks) -> None:
    network = stacks.make("network", NETWORK)
    first = stacks.make("data", parameters_for("data", network))
    stacks.remove("data")
    again = stacks.make(
        "data",
        {
            "ExistingBucketName": first["BucketName"],
            "ExistingDatabaseHost": first["DatabaseHost"],
            "ExistingDatabaseSecretArn": first["DatabaseSecretArn"],
        },
    )
    for name in ("BucketName", "BucketArn", "DatabaseHost", "DatabasePort", "DatabaseSecretArn"):
        assert again[name] == first[name], name


def test_the_bucket_tells_of_arrivals_and_of_nothing_else(stacks: Stacks) -> None:
    s3, sqs = stacks.client("s3"), stacks.client("sqs")
    told = stacks.make("data", {"ExistingDatabaseHost": "database.test"})
    url = sqs.get_queue_url(QueueName=told["IncomingQueueArn"].rpartition(":")[2])["QueueUrl"]
    for key in ("originals/a", "incoming/b"):
        s3.put_object(Bucket=told["BucketName"], Key=key, Body=b"bytes")
    keys: list[str] = []
    deadline = time.monotonic() + 20
    while not keys:
        assert time.monotonic() < deadline
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            keys += [one["s3"]["object"]["key"] for one in json.loads(message["Body"]).get("Records", [])]
    assert keys == ["incoming/b"]
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    assert policy["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"] == told["BucketArn"]


def test_the_cdn_may_read_images_once_it_is_known(stacks: Stacks) -> None:
    s3 = stacks.client("s3")
    given = {"ExistingDatabaseHost": "database.test"}
    bucket = stacks.make("data", given)["BucketName"]
    assert "TheCdnReadsImages" not in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    cdn = "arn:aws:cloudfront::000000000000:distribution/E123"
    stacks.change("data", {**given, "DistributionArn": cdn})
    statements = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert [one["Sid"] for one in statements] == ["NothingWithoutTls", "TheCdnReadsImages"]
    assert statements[1]["Condition"] == {"StringEquals": {"aws:SourceArn": cdn}}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "PrivateSubnetIds"),
        ({"PrivateSubnetIds": "subnet-0a,subnet-0b"}, "DatabaseSecurityGroupId"),
        ({"ExistingDatabaseHost": "a.test", "Size": "ha", "DatabaseReplica": "no"}, "reads on"),
        ({"ExistingDatabaseHost": "a.test", "NoncurrentDays": "0"}, "NoncurrentDays"),
        ({"ExistingDatabaseHost": "a.test", "Size": "huge"}, "Size"),
    ],
)
def test_data_that_cannot_be_are_refused(stacks: Stacks, parameters: dict[str, str], said: str) -> None:
    assert said in refused(stacks, "data", parameters)


def test_a_size_with_a_replica_has_one(stacks: Stacks) -> None:
    network = stacks.make("network", NETWORK)
    told = stacks.make("data", {**parameters_for("data", network), "Size": "ha"})
    assert told["DatabaseReaderHost"] != told["DatabaseHost"]
    (primary,) = stacks.client("rds").describe_db_instances(DBInstanceIdentifier=told["DatabaseId"])["DBInstances"]
    assert primary["MultiAZ"]


def test_the_apps_parts_are_made_changed_and_go(stacks: Stacks) -> None:
    known = stacks.make("network", NETWORK)
    known |= stacks.make("data", {"ExistingDatabaseHost": "database.test"})
    told = stacks.make("app", {**parameters_for("app", known), **NODES, "MailSender": "images@example.org"})
    ec2, logs = stacks.client("ec2"), stacks.client("logs")
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateId=told["NodeLaunchTemplateId"])[
        "LaunchTemplateVersions"
    ]
    node = version["LaunchTemplateData"]
    assert node["MetadataOptions"]["HttpTokens"] == "required"
    assert node["SecurityGroupIds"] == [known["NodeSecurityGroupId"]]
    prefix = f"/aws/lambda/elastic-images-{ENVIRONMENT}"

    def kept_days() -> set[int]:
        return {one["retentionInDays"] for one in logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]}

    assert kept_days() == {30}
    stacks.change("app", {**parameters_for("app", known), **NODES, "LogDays": "7"})
    assert kept_days() == {7}
    alarms = stacks.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"elastic-images-{ENVIRONMENT}")
    assert {tuple(one["AlarmActions"]) for one in alarms["MetricAlarms"]} == {(told["AlarmTopicArn"],)}
    stacks.remove("app")
    assert logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"] == []
    assert stacks.client("sqs").list_queues(QueueNamePrefix="elastic-images-blue-image-jobs").get("QueueUrls", []) == []


def test_a_stage_is_made_of_what_the_stacks_tell(stacks: Stacks) -> None:
    known = stacks.make("network", NETWORK)
    known |= stacks.make("data", parameters_for("data", known))
    known |= stacks.make("app", {**parameters_for("app", known), **NODES})
    choices = Choices(environment=ENVIRONMENT, account_id="000000000000", region=bootstrap.REGION)
    made = stage(known, choices)
    assert made["environment_variables"]["BUCKET"] == known["BucketName"]
    assert made["subnet_ids"] == known["PrivateSubnetIds"].split(",")
    assert set(policies(known, choices)) == set(FUNCTIONS)


def test_nodes_without_a_script_are_refused(stacks: Stacks) -> None:
    given = {"BucketName": "images", "IncomingDeadQueueName": "dead", "NodeSecurityGroupId": "sg-0a"}
    assert "NodeArtefactKey" in refused(stacks, "app", given)
    assert "ExistingNodeLaunchTemplateId" in refused(stacks, "app", {**given, "ExistingNodeLaunchTemplateName": "own"})


def test_a_cdn_is_made_and_goes(stacks: Stacks) -> None:
    given = {
        "ApiDomainName": "abc123.execute-api.us-east-1.amazonaws.com",
        "BucketDomainName": "images.s3.us-east-1.amazonaws.com",
        "OriginToken": "a" * 64,
    }
    told = stacks.make("cdn", given)
    assert told["SiteAddress"] == f"https://{told['DistributionDomainName']}"
    stacks.remove("cdn")
    assert "HostedZoneId" in refused(stacks, "cdn", {**given, "SiteName": "images.example.org"})
    assert "with SiteName only" in refused(stacks, "cdn", {**given, "HostedZoneId": "Z1"})
