"""What S3 tells of arrivals, in the body of an SQS message."""

import json
from urllib.parse import unquote_plus

from chalicelib.domain.uploads import is_incoming_key


def incoming_keys(body: str) -> list[str]:
    """The keys of uploads that the message tells of; none if it only tests the way, as S3 does once.

    Raises ValueError if it is no message of S3's: it can only go to the dead-letter queue.
    """
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("The message is not one of S3's.")  # noqa: TRY004  # as json.loads does
    if message.get("Event") == "s3:TestEvent":
        return []
    try:
        keys = [unquote_plus(record["s3"]["object"]["key"]) for record in message["Records"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("The message is not one of S3's.") from error
    return [key for key in keys if is_incoming_key(key)]
