"""The AWS account and region that a command works in. Every call has a timeout."""

import os
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ops.aws.errors import OperatorError

_CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"max_attempts": 6, "mode": "standard"})


class Account:
    """Made of a profile and a region, or of what the environment says. Nothing is called until something is asked."""

    def __init__(self, profile: str | None = None, region: str | None = None) -> None:
        try:
            self._session = boto3.session.Session(profile_name=profile, region_name=region)
        except BotoCoreError as error:
            raise OperatorError(str(error), next_="`aws configure --profile NAME`, or another --profile") from error
        self.profile = profile
        self._clients: dict[tuple[str, str | None], Any] = {}

    @property
    def region(self) -> str:
        """Raises OperatorError if none was chosen."""
        if self._session.region_name is None:
            raise OperatorError("No region was chosen.", next_="--region eu-west-1, or set AWS_DEFAULT_REGION")
        return str(self._session.region_name)

    @property
    def endpoint(self) -> str | None:
        """Where a stand-in for AWS answers, if AWS_ENDPOINT_URL names one; None is AWS itself."""
        return os.environ.get("AWS_ENDPOINT_URL") or None

    @property
    def poll_seconds(self) -> float:
        """How long to wait before asking again how far something is."""
        return 0.2 if self.endpoint else 5.0

    @property
    def has_credentials(self) -> bool:
        return self._session.get_credentials() is not None

    @cached_property
    def caller(self) -> dict[str, str]:
        """Who AWS says that this is. Raises OperatorError."""
        if not self.has_credentials:
            raise OperatorError("There are no credentials for AWS.", next_="`aws configure`, or --profile NAME")
        try:
            found: dict[str, str] = self.client("sts").get_caller_identity()
        except (ClientError, BotoCoreError) as error:
            raise OperatorError(
                "AWS does not know these credentials.", f"It said: {error}", "`./ops/store doctor`"
            ) from error
        return found

    @property
    def id(self) -> str:
        return self.caller["Account"]

    @property
    def partition(self) -> str:
        return self.caller["Arn"].split(":")[1]

    def client(self, service: str, region: str | None = None) -> Any:
        """boto3's client of the service; of another region where one is named."""
        if (service, region) not in self._clients:
            self._clients[service, region] = self._session.client(
                service,  # type: ignore[call-overload]  # any of them
                region_name=region or self.region,
                config=_CONFIG,
            )
        return self._clients[service, region]

    def api_address(self, api_id: str, stage: str) -> str:
        """Of a deployed API, with a slash at its end."""
        if self.endpoint:
            return f"{self.endpoint.rstrip('/')}/_aws/execute-api/{api_id}/{stage}/"
        return f"https://{self.api_domain_name(api_id)}/{stage}/"

    def api_domain_name(self, api_id: str) -> str:
        """On AWS, where a CDN asks it."""
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        return f"{api_id}.execute-api.{self.region}.{suffix}"
