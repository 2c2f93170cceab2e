"""boto3 clients with timeouts. Endpoints come from boto3's own environment variables, as on AWS so elsewhere."""

import socket
from typing import TYPE_CHECKING

import boto3
from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.config import Config

from chalicelib.adapters.deadline_sockets import DeadlineTlsSocket, with_deadlines

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_rekognition import RekognitionClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


def s3() -> "S3Client":
    """A client for objects, whose calls keep to the deadline that `deadline_sockets.within` sets.

    It tries once: botocore would rest up to a second between two tries. Presigned addresses need signature version 4.
    """
    client = boto3.session.Session().client(
        "s3",
        config=Config(
            connect_timeout=1,
            read_timeout=10,
            retries={"total_max_attempts": 1},
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            max_pool_connections=50,
        ),
    )
    _keep_to_deadlines(client)
    return client


def sqs() -> "SQSClient":
    """A client for the job queue. One try: a job's row outlives its message."""
    return boto3.session.Session().client(
        "sqs", config=Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 1})
    )


def ses() -> "SESClient":
    """A client for mail. One try: who asked for a mail that was not sent is told so, and asks again."""
    return boto3.session.Session().client(
        "ses", config=Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 1})
    )


def sns() -> "SNSClient":
    """A client for notices. One try: a notice's job outlives it, and a person who waits is told."""
    return boto3.session.Session().client(
        "sns", config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
    )


def rekognition() -> "RekognitionClient":
    """A client for labels. One try: the job comes back to it."""
    return boto3.session.Session().client(
        "rekognition", config=Config(connect_timeout=1, read_timeout=8, retries={"total_max_attempts": 1})
    )


def ec2() -> "EC2Client":
    """A client for the fleet's instances. One try: a run must end within its function's 29 s, and the next comes."""
    return boto3.session.Session().client(
        "ec2", config=Config(connect_timeout=1, read_timeout=8, retries={"total_max_attempts": 1})
    )


def cloudwatch() -> "CloudWatchClient":
    """A client for the nodes' metrics."""
    return boto3.session.Session().client(
        "cloudwatch",
        config=Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2, "mode": "standard"}),
    )


def secrets() -> "SecretsManagerClient":
    """A client for secrets, which a process reads once and can do nothing without: two tries, and more patience."""
    return boto3.session.Session().client(
        "secretsmanager",
        config=Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2, "mode": "standard"}),
    )


class _Connection(AWSHTTPConnection):
    def _new_conn(self) -> socket.socket:
        return with_deadlines(super()._new_conn())


class _TlsConnection(AWSHTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return with_deadlines(super()._new_conn())


class _Pool(AWSHTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _keep_to_deadlines(client: "S3Client") -> None:
    """Makes the client connect by deadline sockets. botocore has no official way; tests/faults notice if it is lost."""
    pools = client._endpoint.http_session._manager  # type: ignore[attr-defined]
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    pools.connection_pool_kw["ssl_context"].sslsocket_class = DeadlineTlsSocket
