"""The fleet's instances in EC2, by boto3: found by tag, launched from a launch template, ended by tag only."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from scaler.instances import InstancesUnavailableError, LiveInstance

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import FilterTypeDef, TagTypeDef

logger = logging.getLogger(__name__)

ROLE, INTENT = "cache-node", "intent"


class Ec2Instances:
    """The cache nodes' instances of one environment. The client must have timeouts."""

    def __init__(self, client: "EC2Client", environment: str, launch_template: str, subnets: Sequence[str]) -> None:
        self._client = client
        self._environment = environment
        self._launch_template = launch_template
        self._subnets = subnets

    def live(self) -> list[LiveInstance]:
        """Each instance that is pending or running, oldest first."""
        found: list[LiveInstance] = []
        with _unavailable():
            for page in self._client.get_paginator("describe_instances").paginate(Filters=self._filters()):
                for reservation in page["Reservations"]:
                    found += [
                        LiveInstance(
                            instance["InstanceId"],
                            instance.get("PrivateIpAddress", ""),
                            instance["LaunchTime"],
                            _intent_of(instance.get("Tags", [])),
                        )
                        for instance in reservation["Instances"]
                    ]
        return sorted(found, key=lambda one: (one.launched_at, one.id))

    def launch(self, intent: bytes, number: int) -> str:
        """Launches an instance that carries the intent as a tag; its id.

        `number` picks the subnet, so that they are spread; where one has no room the next is tried. Without an answer
        none is: the instance may have been launched, and another try would make it two with one intent.
        """
        refused: InstancesUnavailableError | None = None
        for turn in range(len(self._subnets)):
            subnet = self._subnets[(number + turn) % len(self._subnets)]
            try:
                return self._launched(intent, subnet, turn)
            except InstancesUnavailableError as error:
                if not _is_refusal(error.__cause__):
                    raise
                refused = error
        raise refused or InstancesUnavailableError("There is no subnet to launch an instance in.")

    def _launched(self, intent: bytes, subnet: str, turn: int) -> str:
        with _unavailable():
            answer = self._client.run_instances(
                LaunchTemplate={"LaunchTemplateName": self._launch_template},
                MinCount=1,
                MaxCount=1,
                SubnetId=subnet,
                # A retry of the same call launches nothing twice. Another subnet is another call.
                ClientToken=f"{intent.hex()}-{turn}",
                TagSpecifications=[
                    {
                        "ResourceType": "instance",
                        "Tags": [*self._tags(), {"Key": INTENT, "Value": intent.hex()}],
                    }
                ],
            )
        return answer["Instances"][0]["InstanceId"]

    def terminate(self, instance_ids: Sequence[str]) -> None:
        """Ends those of the instances that carry this fleet's tags."""
        ours = {instance.id for instance in self.live()}
        ending = [instance_id for instance_id in instance_ids if instance_id in ours]
        if ending and not self._ended(
            ending
        ):  # the call is all or nothing: one that must stay keeps none of the others
            staying = [instance_id for instance_id in ending if not self._ended([instance_id])]
            if staying:
                raise InstancesUnavailableError(f"EC2 did not terminate {', '.join(staying)}.")

    def _ended(self, instance_ids: list[str]) -> bool:
        try:
            self._client.terminate_instances(InstanceIds=instance_ids)
        except ClientError as error:
            logger.warning("not terminated: %s", error)
            return False
        except BotoCoreError as error:
            raise InstancesUnavailableError(f"EC2 did not do it: {error}") from error
        return True

    def _tags(self) -> "list[TagTypeDef]":
        return [{"Key": "environment", "Value": self._environment}, {"Key": "role", "Value": ROLE}]

    def _filters(self) -> "list[FilterTypeDef]":
        return [
            {"Name": "tag:environment", "Values": [self._environment]},
            {"Name": "tag:role", "Values": [ROLE]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]},
        ]


def _intent_of(tags: "Sequence[TagTypeDef]") -> bytes | None:
    text = next((tag.get("Value", "") for tag in tags if tag.get("Key") == INTENT), "")
    try:
        return bytes.fromhex(text) or None
    except ValueError:
        return None


def _is_refusal(error: BaseException | None) -> bool:
    """Whether EC2 said that it launched nothing. Want of room is a server's error to EC2, of status 500."""
    if not isinstance(error, ClientError):
        return False
    answered = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    return answered < 500 or error.response.get("Error", {}).get("Code", "").startswith("Insufficient")


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise InstancesUnavailableError(f"EC2 did not do it: {error}") from error
