"""What is made of EC2's refusals, and of its silence."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from scaler.ec2 import Ec2Instances
from scaler.instances import InstancesUnavailableError

SILENCE = ReadTimeoutError(endpoint_url="http://ec2.test")
INTENT = b"\x01" * 16


def said(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "RunInstances",
    )


class Client:
    """Answers RunInstances with these one after another; `subnets` are those it was asked for."""

    def __init__(self, *answers: Exception | str) -> None:
        self._answers = list(answers)
        self.subnets: list[str] = []

    def run_instances(self, **asked: Any) -> dict[str, Any]:
        self.subnets.append(asked["SubnetId"])
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"Instances": [{"InstanceId": answer}]}


def instances(client: Client) -> Ec2Instances:
    return Ec2Instances(cast(Any, client), "test", "template", ("subnet-a", "subnet-b"))


@pytest.mark.parametrize(
    "refusal",
    [
        said("InsufficientInstanceCapacity", 500),
        said("InsufficientFreeAddressesInSubnet", 400),
        said("Unsupported", 400),
    ],
)
def test_where_one_subnet_has_no_room_the_next_is_tried(refusal: ClientError) -> None:
    client = Client(refusal, "i-1")
    assert instances(client).launch(INTENT, 1) == "i-1"
    assert client.subnets == ["subnet-b", "subnet-a"]


@pytest.mark.parametrize("failure", [SILENCE, said("InternalError", 500), said("Unavailable", 503)])
def test_what_may_have_been_launched_is_not_tried_again_under_the_same_intent(failure: Exception) -> None:
    client = Client(failure, "i-2")
    with pytest.raises(InstancesUnavailableError):
        instances(client).launch(INTENT, 0)
    assert client.subnets == ["subnet-a"]


def test_where_no_subnet_has_room_the_last_refusal_is_told() -> None:
    client = Client(said("InsufficientInstanceCapacity", 500), said("InsufficientInstanceCapacity", 500))
    with pytest.raises(InstancesUnavailableError, match="InsufficientInstanceCapacity"):
        instances(client).launch(INTENT, 0)
