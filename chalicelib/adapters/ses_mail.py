"""Mail by Amazon SES, by boto3."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import MailUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_ses import SESClient


class SesMail:
    """Mail from one sender. The client must have timeouts."""

    def __init__(self, client: "SESClient", sender: str) -> None:
        self._client = client
        self._sender = sender

    def send(self, to: str, subject: str, text: str) -> None:
        try:
            self._client.send_email(
                Source=self._sender,
                Destination={"ToAddresses": [to]},
                Message={
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise MailUnavailableError("The mail could not be sent. Try again shortly.") from error
