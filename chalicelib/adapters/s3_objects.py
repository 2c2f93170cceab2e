"""Objects in S3, by boto3.

A call has one deadline for everything, both tries included: 1.5 s leaves a request half a second for the rest, so that
it is answered within 2 s when S3 is gone. Bytes that move earn more time, so that 64 MiB have 8 s: S3 answers a large
upload only some time after its last byte.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.deadline_sockets import time_is_over, within
from chalicelib.domain.errors import ObjectsUnavailableError, PartsLostError, TooLargeError
from chalicelib.domain.sweeping import Listed
from chalicelib.domain.uploads import UploadForm

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, CopySourceTypeDef, ObjectIdentifierTypeDef

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 1.5
END_SECONDS = 12.0  # until the parts of an object are put together, which S3 takes its time for; the worker has 29
SECONDS_PER_REMOVAL = 0.01  # more, of many removals in one call
LEAST_BYTES_PER_SECOND = 10e6
MOST_SECONDS = 20.0  # an answer through API Gateway may take 29 s
TRIES = 2
REST_SECONDS = 0.1
VERSIONS = 100  # of one object are looked at
_LOST = ("NoSuchUpload", "InvalidPart", "InvalidPartOrder")
T = TypeVar("T")


class S3Objects:
    """Objects, IncomingObjects, PartedObjects, SweptObjects and ErasedObjects in one bucket.

    The client must keep to deadlines.
    """

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, object_key: str, data: bytes, media_type: str) -> None:
        _answer(lambda: self._client.put_object(Bucket=self._bucket, Key=object_key, Body=data, ContentType=media_type))

    def get(self, object_key: str) -> bytes | None:
        def ask() -> bytes | None:
            try:
                return self._client.get_object(Bucket=self._bucket, Key=object_key)["Body"].read()
            except self._client.exceptions.NoSuchKey:
                return None

        return _answer(ask)

    def form(
        self, object_key: str, media_type: str, most_bytes: int, seconds: int, leads_to: str | None = None
    ) -> UploadForm:
        fields = {"Content-Type": media_type}
        if leads_to is not None:
            fields["success_action_redirect"] = leads_to
        made = self._client.generate_presigned_post(
            self._bucket,
            object_key,
            Fields=dict(fields),
            Conditions=[*({name: value} for name, value in fields.items()), ["content-length-range", 1, most_bytes]],
            ExpiresIn=seconds,
        )
        return UploadForm(made["url"], made["fields"])

    def fetch(self, object_key: str, most_bytes: int) -> bytes | None:
        def ask() -> bytes | None:
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=object_key)
            except self._client.exceptions.NoSuchKey:
                return None
            body = found["Body"]
            if found["ContentLength"] > most_bytes:
                body.close()
                raise TooLargeError(f"The file has {found['ContentLength']} bytes; at most {most_bytes} were agreed.")
            return body.read()

        return _answer(ask)

    def check(self) -> None:
        """Asks whether the bucket is there. Raises ObjectsUnavailableError."""
        _answer(lambda: self._client.head_bucket(Bucket=self._bucket))

    def remove(self, object_keys: Sequence[str]) -> None:
        answer = _answer(
            lambda: self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in object_keys], "Quiet": True}
            ),
            ANSWER_SECONDS + len(object_keys) * SECONDS_PER_REMOVAL,
        )
        if answer.get("Errors"):
            raise ObjectsUnavailableError(f"{len(answer['Errors'])} objects could not be removed.")

    def signed_address(self, object_key: str, media_type: str, seconds: int) -> str:
        return self._client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": object_key, "ResponseContentType": media_type},
            ExpiresIn=seconds,
        )

    def listed(self, prefix: str, after: str, limit: int) -> list[Listed]:
        answer = _answer(
            lambda: self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, StartAfter=after, MaxKeys=limit)
        )
        return [Listed(one["Key"], one["Size"], one["LastModified"]) for one in answer.get("Contents", [])]

    def is_there(self, object_key: str) -> bool:
        def ask() -> bool:
            try:
                self._client.head_object(Bucket=self._bucket, Key=object_key)
            except ClientError as error:
                if _is_absent(error):
                    return False
                raise
            return True

        return _answer(ask)

    def copy(self, source: str, target: str) -> bool:
        return self._copied({"Bucket": self._bucket, "Key": source}, target)

    def revive(self, object_key: str) -> bool:
        answer = _answer(
            lambda: self._client.list_object_versions(Bucket=self._bucket, Prefix=object_key, MaxKeys=VERSIONS)
        )
        kept = [one for one in answer.get("Versions", []) if one["Key"] == object_key and one["VersionId"] != "null"]
        if not kept:
            return False
        newest = max(kept, key=lambda one: one["LastModified"])
        source: CopySourceTypeDef = {"Bucket": self._bucket, "Key": object_key, "VersionId": newest["VersionId"]}
        return self._copied(source, object_key)

    def erase(self, prefix: str, limit: int) -> tuple[int, int]:
        """As ErasedObjects.erase. A bucket without versions answers with the one that each object has."""
        client, bucket = self._client, self._bucket
        found = _answer(lambda: client.list_object_versions(Bucket=bucket, Prefix=prefix, MaxKeys=limit))
        versions, markers = found.get("Versions", []), found.get("DeleteMarkers", [])
        named: list[ObjectIdentifierTypeDef] = [
            {"Key": one["Key"], "VersionId": one["VersionId"]} for one in [*versions, *markers]
        ]
        if named:
            answer = _answer(lambda: client.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True}))
            if answer.get("Errors"):
                raise ObjectsUnavailableError(f"{len(answer['Errors'])} versions could not be removed.")
        return len(versions), len(markers)

    def marked(self, marker: str) -> int:
        return int(self.get(marker) or 0)

    def mark(self, marker: str, number: int) -> None:
        self.put(marker, str(number).encode(), "text/plain")

    def _copied(self, source: "CopySourceTypeDef", target: str) -> bool:
        def ask() -> bool:
            try:
                self._client.copy_object(Bucket=self._bucket, CopySource=source, Key=target)
            except ClientError as error:
                if _is_absent(error):
                    return False
                raise
            return True

        return _answer(ask)

    def begin_parts(self, object_key: str, media_type: str) -> str:
        client, bucket = self._client, self._bucket
        begun = _answer(lambda: client.create_multipart_upload(Bucket=bucket, Key=object_key, ContentType=media_type))
        return begun["UploadId"]

    def put_part(self, object_key: str, upload_id: str, number: int, data: bytes) -> str:
        client, bucket = self._client, self._bucket
        with _parts_may_be_lost():
            sent = _answer(
                lambda: client.upload_part(
                    Bucket=bucket, Key=object_key, UploadId=upload_id, PartNumber=number, Body=data
                )
            )
        return sent["ETag"]

    def end_parts(self, object_key: str, upload_id: str, tags: Sequence[str]) -> None:
        client, bucket = self._client, self._bucket
        parts: list[CompletedPartTypeDef] = [
            {"ETag": tag, "PartNumber": number} for number, tag in enumerate(tags, start=1)
        ]
        with _parts_may_be_lost():
            _answer(
                lambda: client.complete_multipart_upload(
                    Bucket=bucket, Key=object_key, UploadId=upload_id, MultipartUpload={"Parts": parts}
                ),
                END_SECONDS,
            )

    def drop_parts(self, object_key: str, upload_id: str) -> None:
        client, bucket = self._client, self._bucket
        with _parts_may_be_lost():
            _answer(lambda: client.abort_multipart_upload(Bucket=bucket, Key=object_key, UploadId=upload_id))


@contextmanager
def _parts_may_be_lost() -> Iterator[None]:
    """Tells parts that the store does not have from a store that does not answer."""
    try:
        yield
    except ObjectsUnavailableError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and cause.response.get("Error", {}).get("Code") in _LOST:
            raise PartsLostError("What was stored of the object in parts is not there any more.") from error
        raise


def _answer(ask: Callable[[], T], seconds: float = ANSWER_SECONDS) -> T:
    """The answer, asked for twice if need be: every call here may be repeated. Raises ObjectsUnavailableError."""
    with within(seconds, bytes_per_second=LEAST_BYTES_PER_SECOND, most_seconds=MOST_SECONDS):
        for left in reversed(range(TRIES)):
            try:
                return ask()
            except (BotoCoreError, ClientError) as error:
                if not left or time_is_over() or not _may_pass(error):
                    raise ObjectsUnavailableError("The object store cannot be reached; try again.") from error
                logger.warning("the object store is asked again: %s", error)
            time.sleep(random.uniform(0, REST_SECONDS))  # noqa: S311 # jitter needs no secrecy
    raise AssertionError("unreachable")


def _is_absent(error: ClientError) -> bool:
    """Whether the store says that there is no such object, and not that it may not be seen."""
    return error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey")


def _may_pass(error: BotoCoreError | ClientError) -> bool:
    """Whether the same call may succeed at once: the answer was cut off or made no sense, or S3 blames itself."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return True
