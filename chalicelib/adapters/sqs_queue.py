"""The queues in SQS, by boto3. A job's message carries the name of its row, one that wakes the scaler nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import QueueUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

REQUEST_ID = "request_id"
BATCH = 10  # SQS takes no more in one call


class SqsQueue:
    """JobQueue on one queue. The client must have timeouts. Messages carry the id of the request they come from."""

    def __init__(self, client: "SQSClient", queue_url: str, request_id: Callable[[], str]) -> None:
        self._request_id = request_id
        self._client = client
        self._queue_url = queue_url

    def send(self, job_ids: Sequence[bytes]) -> None:
        told: dict[str, MessageAttributeValueTypeDef] = {
            REQUEST_ID: {"DataType": "String", "StringValue": self._request_id()}
        }
        for start in range(0, len(job_ids), BATCH):
            names = [job_id.hex() for job_id in job_ids[start : start + BATCH]]
            try:
                answer = self._client.send_message_batch(
                    QueueUrl=self._queue_url,
                    Entries=[{"Id": name, "MessageBody": name, "MessageAttributes": told} for name in names],
                )
            except (BotoCoreError, ClientError) as error:
                raise QueueUnavailableError("The job queue cannot be reached.") from error
            if answer.get("Failed"):
                raise QueueUnavailableError(f"The job queue refused {len(answer['Failed'])} messages.")

    def check(self) -> None:
        """Asks whether the queue is there. Raises QueueUnavailableError."""
        try:
            self._client.get_queue_attributes(QueueUrl=self._queue_url, AttributeNames=["QueueArn"])
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailableError("The job queue cannot be reached.") from error


def request_id_of(record: Mapping[str, Any]) -> str | None:
    """The id of the request that a message came from, by the record that Lambda makes of the message."""
    found = record.get("messageAttributes", {}).get(REQUEST_ID, {}).get("stringValue")
    return found if isinstance(found, str) else None


class SqsScalerWaker:
    """ScalerWaker by a message on the fleet queue, whose content nobody reads. The client must have timeouts."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def wake(self) -> None:
        try:
            self._client.send_message(QueueUrl=self._queue_url, MessageBody="wake")
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailableError("The fleet queue cannot be reached.") from error
