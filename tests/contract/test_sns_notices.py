"""EditNotices: SNS as its stand-in has it. A queue of the test's stands where an address would."""

import json
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.adapters import aws_clients
from chalicelib.adapters.sns_notices import SnsNotices
from chalicelib.domain.errors import NoticeRefusedError, NoticesUnavailableError
from chalicelib.domain.notices import ACCOUNT, EditNotice, Told, account_name, notice_text
from ops.local import bootstrap
from ops.local.notice_mails import NoticeMails
from ops.local.ports import free_port
from tests.contract.real_parts import Server
from tests.local_cloud import until

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

ADA, BOB = bytes(range(16)), bytes(range(16, 32))


@pytest.fixture
def sns_client(stack: Server) -> Iterator["SNSClient"]:
    client = aws_clients.sns()
    yield client
    client.close()


@pytest.fixture
def topic_arn(sns_client: "SNSClient") -> Iterator[str]:
    arn = sns_client.create_topic(Name=f"notices-{secrets.token_hex(4)}")["TopicArn"]
    yield arn
    sns_client.delete_topic(TopicArn=arn)


@pytest.fixture
def notices(sns_client: "SNSClient", topic_arn: str) -> SnsNotices:
    return SnsNotices(sns_client, topic_arn)


def notice(owner_id: bytes, key: str = "beach é") -> Any:
    return notice_text([EditNotice(owner_id, key.encode(), ("greyscale",), ready=True)], None)


def test_a_subscriber_gets_its_own_account_s_notices_and_no_other_s(
    notices: SnsNotices, topic_arn: str, sns_client: "SNSClient", sqs_client: "SQSClient", queue_url: str
) -> None:
    attributes = sqs_client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    sns_client.subscribe(
        TopicArn=topic_arn,
        Protocol="sqs",
        Endpoint=attributes["QueueArn"],
        Attributes={"FilterPolicy": json.dumps({ACCOUNT: [account_name(ADA)]})},
    )
    for owner_id in (BOB, ADA, BOB):
        notices.publish(notice(owner_id))
    (message,) = sqs_client.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)["Messages"]
    envelope = json.loads(message["Body"])
    assert envelope["Message"] == "The edit “Greyscale” of your image “beach é” is ready.\n"
    assert envelope["Subject"] == "Your edit is ready"
    assert envelope["MessageAttributes"] == {ACCOUNT: {"Type": "String", "Value": account_name(ADA)}}
    assert ADA.hex() not in message["Body"]


def test_an_address_is_subscribed_once_with_its_filter_and_can_end_it(
    notices: SnsNotices, sns_client: "SNSClient", topic_arn: str
) -> None:
    subscription = notices.subscribe("ada@example.org", account_name(ADA))
    assert notices.subscribe("ada@example.org", account_name(ADA)) == subscription
    kept = sns_client.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert json.loads(kept["FilterPolicy"]) == {ACCOUNT: [account_name(ADA)]}
    assert notices.state(subscription) is Told.ON  # the stand-in takes every address at once
    notices.unsubscribe(subscription)
    notices.unsubscribe(subscription)
    assert notices.state(subscription) is Told.OFF
    assert sns_client.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"] == []


def test_a_subscription_that_is_not_confirmed_is_pending(
    notices: SnsNotices, sns_client: "SNSClient", topic_arn: str
) -> None:
    # The stand-in asks web addresses only; where nothing listens, nothing is ever confirmed.
    subscription = sns_client.subscribe(
        TopicArn=topic_arn,
        Protocol="http",
        Endpoint=f"http://127.0.0.1:{free_port()}/",
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    (found,) = sns_client.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]
    assert notices.state(found["SubscriptionArn"]) is Told.PENDING
    assert subscription


def test_a_topic_that_is_none_refuses(sns_client: "SNSClient", topic_arn: str) -> None:
    with pytest.raises(NoticeRefusedError):
        SnsNotices(sns_client, topic_arn + "-gone").publish(notice(ADA))


def test_a_topic_that_does_not_answer_is_unavailable(stack: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    client = aws_clients.sns()
    gone = SnsNotices(client, "arn:aws:sns:us-east-1:000000000000:gone")
    for call in (lambda: gone.publish(notice(ADA)), lambda: gone.state("arn:x"), lambda: gone.subscribe("a@b", "c")):
        with pytest.raises(NoticesUnavailableError):
            call()
    client.close()


def test_the_local_run_makes_a_notice_into_a_mail_to_whoever_subscribed(
    stack: Server, sns_client: "SNSClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = sns_client.meta.endpoint_url
    topic_arn = bootstrap.make_notices(endpoint)
    assert bootstrap.make_notices(endpoint) == topic_arn
    notices, mails = SnsNotices(sns_client, topic_arn), NoticeMails(endpoint, topic_arn)
    notices.subscribe("ada@example.org", account_name(ADA))
    notices.publish(notice(BOB))
    notices.publish(notice(ADA))
    found: list[tuple[tuple[str, ...], str]] = []

    def came() -> bool:
        found.extend((mail.to, mail.text) for mail in mails())
        return bool(found)

    assert until(came, timeout_seconds=20)
    assert list(mails()) == []
    assert found == [(("ada@example.org",), "The edit “Greyscale” of your image “beach é” is ready.\n")]
