"""What the stand-ins must hold before the application starts, made through the same API calls as on AWS.

Every function may be repeated: it leaves alone what is there. Both are called again after their stand-in was restarted.
"""

import base64
import json
import secrets
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from chalicelib.domain.downloads import DOWNLOADS
from chalicelib.domain.uploads import INCOMING

BUCKET = "images"
MAIL_SENDER = "images@localhost"
JOB_QUEUE, DEAD_JOB_QUEUE = "image-jobs", "image-jobs-dead"
INCOMING_QUEUE, DEAD_INCOMING_QUEUE = "incoming-images", "incoming-images-dead"
FLEET_QUEUE, DEAD_FLEET_QUEUE = "fleet-changes", "fleet-changes-dead"
NOTICE_TOPIC, NOTICE_MAIL_QUEUE = "edit-notices", "edit-notices-as-mail"
LAUNCH_TEMPLATE = "cache-node"
REGION = "us-east-1"
# Dummies: the stand-ins take any.
ACCESS_KEY_ID, SECRET_ACCESS_KEY = "local", "local"

_VISIBILITY_SECONDS = 180  # 6 times the 29 s that the functions may take
_INCOMING_DAYS = 1
_DOWNLOADS_DAYS = 2  # should the job fail that removes them after a day
_FORM_ANSWER_SECONDS = 3600  # how long a browser may remember what the bucket allows
_RECEIVES = 5  # then the message goes to the dead-letter queue
_MAKING = Lock()  # sessions are not for several threads at once; clients are
# Makes moto draw the same subnet ids after a restart, so that the application's settings stay true.
_SUBNET_SEED = 20


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the stand-ins answer."""

    default: str
    ec2: str


def client(service: str, endpoint: str) -> Any:
    """A boto3 client that knows nothing of the person's own AWS settings."""
    with _MAKING:
        return _session().client(
            service,  # type: ignore[call-overload]  # any of them
            endpoint_url=endpoint,
            config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 3, "mode": "standard"}),
        )


@cache
def _session() -> boto3.session.Session:
    """One for all clients: it reads the description of a service once, which takes longer than all else."""
    return boto3.session.Session(
        aws_access_key_id=ACCESS_KEY_ID, aws_secret_access_key=SECRET_ACCESS_KEY, region_name=REGION
    )


def make_bucket(endpoint: str) -> None:
    """The bucket of originals and renditions."""
    try:
        client("s3", endpoint).create_bucket(Bucket=BUCKET)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise


def make_queues(endpoint: str) -> tuple[str, str]:
    """The queues of jobs, of fleet changes and of arrivals, each with its dead-letter queue; the first two's URLs."""
    sqs = client("sqs", endpoint)
    _make_queue(sqs, INCOMING_QUEUE, DEAD_INCOMING_QUEUE)
    return _make_queue(sqs, JOB_QUEUE, DEAD_JOB_QUEUE), _make_queue(sqs, FLEET_QUEUE, DEAD_FLEET_QUEUE)


def make_mail_sender(endpoint: str) -> None:
    """Makes the sender of mails known; on AWS its owner confirms a mail."""
    client("ses", endpoint).verify_email_identity(EmailAddress=MAIL_SENDER)


def make_notices(endpoint: str) -> str:
    """The topic of notices, and a queue that gets them all, which ops.local.notice_mails reads; the topic's ARN."""
    sns, sqs = client("sns", endpoint), client("sqs", endpoint)
    topic_arn = str(sns.create_topic(Name=NOTICE_TOPIC)["TopicArn"])
    url = sqs.create_queue(QueueName=NOTICE_MAIL_QUEUE)["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn)
    return topic_arn


def open_to_browsers(endpoint: str, origins: Sequence[str]) -> None:
    """Lets pages of these origins upload to the bucket, and has each arrival told to its queue; after `make_queues`."""
    s3, sqs = client("s3", endpoint), client("sqs", endpoint)
    url = sqs.get_queue_url(QueueName=INCOMING_QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    may_send = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{BUCKET}"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may_send]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    s3.put_bucket_cors(
        Bucket=BUCKET,
        CORSConfiguration={
            "CORSRules": [
                {
                    "AllowedOrigins": list(origins),
                    "AllowedMethods": ["POST"],
                    "AllowedHeaders": ["*"],
                    "MaxAgeSeconds": _FORM_ANSWER_SECONDS,
                }
            ]
        },
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "never-completed",
                    "Status": "Enabled",
                    "Filter": {"Prefix": INCOMING},
                    "Expiration": {"Days": _INCOMING_DAYS},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _INCOMING_DAYS},
                },
                {
                    "ID": "downloads",
                    "Status": "Enabled",
                    "Filter": {"Prefix": DOWNLOADS},
                    "Expiration": {"Days": _DOWNLOADS_DAYS},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _DOWNLOADS_DAYS},
                },
            ]
        },
    )
    arrivals = {"Key": {"FilterRules": [{"Name": "prefix", "Value": INCOMING}]}}
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [
                {"Id": "arrivals", "QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": arrivals}
            ]
        },
    )


def _make_queue(sqs: Any, name: str, dead_name: str) -> str:
    dead_url = sqs.create_queue(QueueName=dead_name)["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    sqs.set_queue_attributes(  # not at its creation, so that a queue of an earlier version gets them too
        QueueUrl=url,
        Attributes={
            "VisibilityTimeout": str(_VISIBILITY_SECONDS),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": str(_RECEIVES)}),
        },
    )
    return url


def make_network(endpoint: str, cidr: str, subnet_cidrs: tuple[str, str], boot_script: str) -> tuple[str, ...]:
    """The VPC, its subnets and the launch template whose instances run `boot_script`; the subnets' ids."""
    ec2 = client("ec2", endpoint)
    ec2.describe_vpcs()  # the first call draws ids for a network of moto's own
    _seed(endpoint, _SUBNET_SEED)
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": [cidr]}])["Vpcs"]
    vpc_id = vpcs[0]["VpcId"] if vpcs else ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    known = {
        subnet["CidrBlock"]: subnet["SubnetId"]
        for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["Subnets"]
    }
    for subnet_cidr, zone in zip(subnet_cidrs, ("a", "b"), strict=True):
        if subnet_cidr not in known:
            made = ec2.create_subnet(VpcId=vpc_id, CidrBlock=subnet_cidr, AvailabilityZone=f"{REGION}{zone}")
            known[subnet_cidr] = made["Subnet"]["SubnetId"]
    _seed(endpoint, secrets.randbits(48))  # an instance's id must never come again
    filters = [{"Name": "launch-template-name", "Values": [LAUNCH_TEMPLATE]}]
    if not ec2.describe_launch_templates(Filters=filters)["LaunchTemplates"]:
        image_id = ec2.register_image(Name=LAUNCH_TEMPLATE, RootDeviceName="/dev/xvda")["ImageId"]
        ec2.create_launch_template(
            LaunchTemplateName=LAUNCH_TEMPLATE,
            LaunchTemplateData={
                "ImageId": image_id,
                "InstanceType": "t3.micro",
                "UserData": base64.b64encode(boot_script.encode()).decode(),
            },
        )
    return tuple(known[subnet_cidr] for subnet_cidr in subnet_cidrs)


def _seed(endpoint: str, seed: int) -> None:
    request = urllib.request.Request(f"{endpoint}/moto-api/seed?a={seed}", method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310  # our own http address
        return
