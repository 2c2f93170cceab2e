"""Labels by Amazon Rekognition, by boto3."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import LabelsRefusedError, LabelsUnavailableError
from chalicelib.domain.labels import LEAST_CONFIDENCE, MOST_LABELS

if TYPE_CHECKING:
    from mypy_boto3_rekognition import RekognitionClient

_LATER = frozenset(
    ("ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError", "RequestTimeout")
)


class RekognitionLabels:
    """Labels of an image's bytes, at most 5 MB of JPEG. The client must have timeouts."""

    def __init__(self, client: "RekognitionClient") -> None:
        self._client = client

    def of(self, jpeg: bytes) -> list[str]:
        try:
            answer = self._client.detect_labels(
                Image={"Bytes": jpeg}, MaxLabels=MOST_LABELS, MinConfidence=LEAST_CONFIDENCE
            )
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in _LATER or status >= 500:
                raise LabelsUnavailableError(f"Rekognition cannot look just now ({code}).") from error
            raise LabelsRefusedError(f"Rekognition refused to look ({code}).") from error
        except BotoCoreError as error:
            raise LabelsUnavailableError("Rekognition cannot be reached.") from error
        found = [(one.get("Confidence", 0.0), one.get("Name", "")) for one in answer.get("Labels", [])]
        return [name for confidence, name in sorted(found, reverse=True) if name and confidence >= LEAST_CONFIDENCE]
