"""Notices by Amazon SNS, by boto3: one topic, a subscription by e-mail for each account that wants to be told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import NoticeRefusedError, NoticesUnavailableError
from chalicelib.domain.notices import ACCOUNT, NoticeText, Told

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_CLIENTS_FAULT = range(400, 500)
_LATER = frozenset({"Throttling", "ThrottlingException", "Throttled", "RequestTimeout", "ExpiredToken"})


class SnsNotices:
    """EditNotices on one topic. The client must have timeouts."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        self._client = client
        self._topic_arn = topic_arn

    def publish(self, notice: NoticeText) -> None:
        with _in_words():
            self._client.publish(
                TopicArn=self._topic_arn,
                Subject=notice.subject,
                Message=notice.text,
                MessageAttributes={ACCOUNT: {"DataType": "String", "StringValue": notice.account}},
            )

    def subscribe(self, email: str, account: str) -> str:
        with _in_words():
            answer = self._client.subscribe(
                TopicArn=self._topic_arn,
                Protocol="email",
                Endpoint=email,
                Attributes={"FilterPolicy": json.dumps({ACCOUNT: [account]})},
                ReturnSubscriptionArn=True,  # of one that is not confirmed too
            )
        return answer["SubscriptionArn"]

    def state(self, subscription: str) -> Told:
        try:
            with _in_words():
                answer = self._client.get_subscription_attributes(SubscriptionArn=subscription)
        except NoticeRefusedError as error:
            if _code(error.__cause__) in ("NotFound", "NotFoundException"):
                return Told.OFF
            raise
        return Told.PENDING if answer["Attributes"].get("PendingConfirmation") == "true" else Told.ON

    def unsubscribe(self, subscription: str) -> None:
        with _in_words():
            self._client.unsubscribe(SubscriptionArn=subscription)


@contextmanager
def _in_words() -> Iterator[None]:
    """Raises NoticeRefusedError for what SNS refused, NoticesUnavailableError for anything else that went wrong."""
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status in _CLIENTS_FAULT and status != 429 and _code(error) not in _LATER:
            raise NoticeRefusedError(f"The topic of notices refused it ({_code(error)}).") from error
        raise NoticesUnavailableError("Notices by mail cannot be reached just now. Try again shortly.") from error
    except BotoCoreError as error:
        raise NoticesUnavailableError("Notices by mail cannot be reached just now. Try again shortly.") from error


def _code(error: BaseException | None) -> str:
    return str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""
