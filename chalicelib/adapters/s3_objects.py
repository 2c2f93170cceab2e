"""Objects in S3, by boto3."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import ObjectsUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Objects:
    """Objects in one bucket. The client must have timeouts."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, object_key: str, data: bytes, media_type: str) -> None:
        with _unavailable():
            self._client.put_object(Bucket=self._bucket, Key=object_key, Body=data, ContentType=media_type)

    def get(self, object_key: str) -> bytes | None:
        with _unavailable():
            try:
                return self._client.get_object(Bucket=self._bucket, Key=object_key)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None

    def remove(self, object_keys: Sequence[str]) -> None:
        with _unavailable():
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in object_keys], "Quiet": True}
            )
        if answer.get("Errors"):
            raise ObjectsUnavailableError(f"{len(answer['Errors'])} objects could not be removed.")

    def signed_address(self, object_key: str, media_type: str, seconds: int) -> str:
        with _unavailable():
            return self._client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": object_key, "ResponseContentType": media_type},
                ExpiresIn=seconds,
            )


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise ObjectsUnavailableError("The object store cannot be reached; try again.") from error
