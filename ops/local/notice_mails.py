"""What SNS would do with a subscription by e-mail: the stand-in confirms one at once, and then sends nothing.

A queue gets every notice of the topic; each becomes a mail to the addresses whose filter lets it through.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.notices import ACCOUNT
from ops.local.bootstrap import NOTICE_MAIL_QUEUE, client
from ops.local.mail_folder import Mail

SENDER = "no-reply@sns.amazonaws.com"


class NoticeMails:
    """A source of mails for the MailKeeper. A message is deleted when it is asked again: its mails are kept by then."""

    def __init__(self, endpoint: str, topic_arn: str) -> None:
        self._sqs: Any = client("sqs", endpoint)
        self._sns: Any = client("sns", endpoint)
        self._topic_arn = topic_arn
        self._taken: list[str] = []

    def __call__(self) -> Sequence[Mail]:
        """The mails of the notices that came. Raises OSError or ValueError."""
        try:
            return self._mails()
        except (BotoCoreError, ClientError) as error:
            raise OSError(f"the stand-ins for SNS and SQS do not answer ({error})") from error
        except (KeyError, TypeError) as error:
            raise ValueError(f"the stand-in for SNS sent something else than a notice ({error!r})") from error

    def _mails(self) -> list[Mail]:
        url = self._sqs.get_queue_url(QueueName=NOTICE_MAIL_QUEUE)["QueueUrl"]
        while self._taken:
            self._sqs.delete_message(QueueUrl=url, ReceiptHandle=self._taken[-1])
            self._taken.pop()
        messages = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages")
        if not messages:
            return []
        self._taken = [message["ReceiptHandle"] for message in messages]
        wanted = self._subscribed()
        return [
            _mail(notice, address)
            for notice in (json.loads(message["Body"]) for message in messages)
            for address, accounts in wanted
            if notice["MessageAttributes"][ACCOUNT]["Value"] in accounts
        ]

    def _subscribed(self) -> list[tuple[str, list[str]]]:
        """Addresses, and the accounts whose notices each gets."""
        found = []
        for page in self._sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self._topic_arn):
            for one in page["Subscriptions"]:
                if one["Protocol"] == "email":
                    attributes = self._sns.get_subscription_attributes(SubscriptionArn=one["SubscriptionArn"])
                    policy = json.loads(attributes["Attributes"].get("FilterPolicy") or "{}")
                    found.append((str(one["Endpoint"]), list(policy.get(ACCOUNT, []))))
        return found


def _mail(notice: dict[str, Any], address: str) -> Mail:
    sent_at = datetime.fromisoformat(notice["Timestamp"].replace("Z", "+00:00")).astimezone(UTC).timestamp()
    return Mail(
        id=f"{notice['MessageId']} to {address}",
        sent_at=sent_at,
        sender=SENDER,
        to=(address,),
        subject=str(notice["Subject"]),
        text=str(notice["Message"]),
    )
