"""The objects that rows name: listed with their versions, copied from there, and compared."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

KEPT = ("originals/", "renditions/")
UNVERSIONED = frozenset({"", "null"})


@dataclass(frozen=True, slots=True)
class Listed:
    """`sha256` is in hexadecimal; empty where no row tells it."""

    key: str
    version: str
    size: int
    etag: str
    sha256: str = ""

    def source_in(self, bucket: str) -> dict[str, str]:
        """As a copy names what it is to be made of."""
        version = {} if self.version in UNVERSIONED else {"VersionId": self.version}
        return {"Bucket": bucket, "Key": self.key, **version}


def listed(s3: Any, bucket: str, sha256s: Mapping[str, str]) -> Iterator[Listed]:
    """The newest version of each object; `sha256s` by key."""
    for prefix in KEPT:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for one in page.get("Versions", []):
                if one["IsLatest"]:
                    key = one["Key"]
                    yield Listed(key, one["VersionId"], one["Size"], one["ETag"], sha256s.get(key, ""))


def put_back(s3: Any, source: Mapping[str, str], target: str, one: Listed) -> str:
    """Copies the source into the target and compares what is there then; what is wrong, empty if nothing is."""
    try:
        if not _is_there(s3, target, one):
            s3.copy_object(Bucket=target, Key=one.key, CopySource=source)
        if not one.sha256:
            return "" if _is_there(s3, target, one) else f"{one.key} has other bytes"
        digest = hashlib.sha256()
        for piece in s3.get_object(Bucket=target, Key=one.key)["Body"].iter_chunks(1024 * 1024):
            digest.update(piece)
    except ClientError as error:
        return f"{one.key}: {error.response['Error']['Code']}"
    return "" if digest.hexdigest() == one.sha256 else f"{one.key} has another sha256"


def _is_there(s3: Any, bucket: str, one: Listed) -> bool:
    try:
        found = s3.head_object(Bucket=bucket, Key=one.key)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
            return False
        raise
    return bool(found["ETag"] == one.etag and found["ContentLength"] == one.size)
