"""boto3 clients with timeouts. Endpoints come from boto3's own environment variables, as on AWS so elsewhere."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient


def s3() -> "S3Client":
    """A client for objects; presigned addresses need signature version 4."""
    return boto3.session.Session().client(
        "s3",
        config=Config(
            connect_timeout=1,
            read_timeout=5,
            retries={"total_max_attempts": 2, "mode": "standard"},
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            max_pool_connections=50,
        ),
    )


def sqs() -> "SQSClient":
    """A client for the job queue. One try: a job's row outlives its message."""
    return boto3.session.Session().client(
        "sqs", config=Config(connect_timeout=0.5, read_timeout=2, retries={"total_max_attempts": 1})
    )


def ec2() -> "EC2Client":
    """A client for the fleet's instances."""
    return boto3.session.Session().client(
        "ec2", config=Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})
    )
