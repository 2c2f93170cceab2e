"""Copies the bytes of a backup's objects into another bucket of the operator's, inside S3: none come by here."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from ops.aws.backup_objects import Listed
from ops.aws.bytes_elsewhere import BucketFacts, Place, lacking, mebibytes, named
from ops.aws.errors import OperatorError

_AT_ONCE = 8  # below the ten connections that a client keeps
_TOLD_EVERY = 200
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "PreconditionFailed", "404", "412"})

One = TypeVar("One")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Copied:
    """`copied` now, of `objects` with so many `bytes`; the others were there before."""

    objects: int
    bytes: int
    copied: int


def facts_of(s3: Any, bucket: str, account_id: str) -> BucketFacts:
    """Raises OperatorError if the account has no such bucket."""
    refuse_absent(s3, bucket, account_id)
    encryption = _or_none(
        lambda: s3.get_bucket_encryption(Bucket=bucket), "ServerSideEncryptionConfigurationNotFoundError"
    )
    rules = encryption["ServerSideEncryptionConfiguration"]["Rules"] if encryption else []
    block = _or_none(lambda: s3.get_public_access_block(Bucket=bucket), "NoSuchPublicAccessBlockConfiguration")
    is_on = block["PublicAccessBlockConfiguration"] if block else {}
    tags = _or_none(lambda: s3.get_bucket_tagging(Bucket=bucket), "NoSuchTagSet")
    lifecycle = _or_none(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket), "NoSuchLifecycleConfiguration")
    return BucketFacts(
        bucket,
        next((one.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "") for one in rules), ""),
        tuple(one for one in _BLOCKS if not is_on.get(one)),
        {one["Key"]: one["Value"] for one in (tags or {}).get("TagSet", [])},
        tuple((lifecycle or {}).get("Rules", [])),
    )


def refuse_absent(s3: Any, bucket: str, account_id: str) -> None:
    """Raises OperatorError if the account has no such bucket: one of the same name may be a stranger's."""
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account_id)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in {"404", "NoSuchBucket"}:
            raise OperatorError(f"There is no bucket {bucket}.", next_="`aws s3 ls` names yours") from error
        if code in {"403", "AccessDenied"}:
            raise OperatorError(
                f"The bucket {bucket} is another account's, or these credentials may not look into it.",
                next_="a bucket of this account, or --profile NAME",
            ) from error
        raise


def is_there(s3: Any, bucket: str) -> bool:
    """False only if S3 says that there is no such bucket."""
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        return error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}
    return True


def sizes_in(s3: Any, place: Place) -> dict[str, int]:
    """The size of each copy by its key."""
    pages = s3.get_paginator("list_objects_v2")
    return {
        one["Key"]: one["Size"]
        for prefix in place.prefixes
        for page in pages.paginate(Bucket=place.bucket, Prefix=prefix)
        for one in page.get("Contents", [])
    }


def copy_all(
    s3: Any, source: str, place: Place, objects: list[Listed], account_id: str, say: Callable[[str], None]
) -> Copied:
    """Copies what is not there, then looks whether everything is. What was copied stays copied, however it ends.

    Raises OperatorError if anything lacks in the end.
    """
    wanted = lacking(objects, sizes_in(s3, place), place)
    of = mebibytes(sum(one.size for one in wanted))
    say(f"{place}: {len(objects) - len(wanted)} of {len(objects)} objects are there; {len(wanted)} ({of}) to copy")
    gone, size = [], 0
    for number, (one, is_copied) in enumerate(
        few_at_a_time(partial(_copy, s3, source, place, account_id), wanted), start=1
    ):
        gone += [] if is_copied else [one.key]
        size += one.size
        if number % _TOLD_EVERY == 0 or number == len(wanted):
            say(f"{number} of {len(wanted)} objects, {mebibytes(size)} of {of}")
    if gone:
        raise OperatorError(
            f"{len(gone)} of {len(objects)} objects went while they were copied: {named(gone)}.",
            f"The others are in {place}. There is no new backup.",
            "the same command again: it lists anew, and copies what lacks",
        )
    lacks = lacking(objects, sizes_in(s3, place), place)
    if lacks:
        raise OperatorError(
            f"{len(lacks)} of {len(objects)} objects are not in {place} though they were copied, or have another size "
            f"there: {named(one.key for one in lacks)}.",
            "Somebody else changes the bucket. There is no new backup.",
            "the same command again",
        )
    total = sum(one.size for one in objects)
    say(f"{place} holds {len(objects)} of {len(objects)} objects, {mebibytes(total)}")
    return Copied(len(objects), total, len(wanted))


def few_at_a_time(act: Callable[[One], Result], several: Iterable[One]) -> Iterator[Result]:
    """The results in order. What an act raises is raised here, and no more are begun."""
    with ThreadPoolExecutor(_AT_ONCE, "objects") as threads:
        waiting: deque[Future[Result]] = deque()
        try:
            for one in several:
                waiting.append(threads.submit(act, one))
                if len(waiting) >= 2 * _AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _copy(s3: Any, source: str, place: Place, account_id: str, one: Listed) -> tuple[Listed, bool]:
    """With whether it was there to be copied."""
    try:
        s3.copy_object(
            Bucket=place.bucket,
            Key=place.key_of(one),
            CopySource=one.source_in(source),
            CopySourceIfMatch=one.etag,
            ExpectedBucketOwner=account_id,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return one, False
        raise
    return one, True


def _or_none(call: Callable[[], Any], code: str) -> Any:
    """None if the bucket has no such configuration."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] == code:
            return None
        raise
