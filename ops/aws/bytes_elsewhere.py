"""Where the bytes of a backup's objects lie in another bucket of the operator's, what lacks there, and which will do.

Decisions over plain values; ops.aws.copying_objects acts on them. A copy's key holds the key and the version of what it
is a copy of, so many backups of many environments share a bucket, and what one has copied no other copies again.
"""

import argparse
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ops.aws.backup_objects import KEPT, UNVERSIONED, Listed
from ops.aws.errors import OperatorError, UsageError
from ops.aws.templates import PROJECT_TAG

_MIB = 1024 * 1024
_NAMED = 10  # of what lacks; the others are counted
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*")
_PREFIX_CHARACTERS = 200  # of the 1,024 bytes that a key may have


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, and what its copies' keys begin with: empty, or with a slash at its end."""

    bucket: str
    prefix: str = ""

    def key_of(self, one: Listed) -> str:
        """Without versions nothing but the ETag tells what an object was when it was listed."""
        version = f"null-{one.etag.strip(chr(34))}" if one.version in UNVERSIONED else one.version
        return f"{self.prefix}{one.key}/{version}"

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What the keys of all copies begin with."""
        return tuple(f"{self.prefix}{one}" for one in KEPT)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """`algorithm` is that of its encryption, empty if there is none; `tags` by key.

    `open_by` names the settings against public access that are not on; `lifecycle` has its rules as S3 tells them.
    """

    name: str
    algorithm: str
    open_by: tuple[str, ...] = ()
    tags: Mapping[str, str] | None = None
    lifecycle: tuple[Mapping[str, Any], ...] = ()


def refuse_unfit(facts: BucketFacts, environments_own: str) -> None:
    """Raises OperatorError if the bucket is not one to keep a copy in."""
    name = facts.name
    if name == environments_own:
        raise UsageError(
            f"{name} is the environment's own bucket.",
            "A copy there would go with the environment.",
            "--objects-to with another bucket",
        )
    tags = facts.tags or {}
    if tags.get("project") == PROJECT_TAG:
        raise OperatorError(
            f"{name} is the bucket of the environment “{tags.get('environment', '')}”.",
            "A copy there would go with that environment, or by its sweep.",
            "--objects-to with a bucket of your own",
        )
    if not facts.algorithm:
        raise OperatorError(
            f"{name} does not encrypt what is put into it.",
            "People's images would lie there in the clear.",
            f"give it a default encryption: `aws s3api put-bucket-encryption --bucket {name} …`",
        )
    if facts.open_by:
        raise OperatorError(
            f"{name} can be opened to the public: {', '.join(facts.open_by)} is not on.",
            "People's images are nobody else's to read.",
            f"block public access: `aws s3api put-public-access-block --bucket {name} "
            "--public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,"
            "BlockPublicPolicy=true,RestrictPublicBuckets=true`",
        )


def expiring(facts: BucketFacts, place: Place) -> list[str]:
    """The ids of the rules that remove copies there by their age, though newer backups rely on them."""
    return [
        one.get("ID", "without a name")
        for one in facts.lifecycle
        if one["Status"] == "Enabled"
        and {"Days", "Date"} & set(one.get("Expiration", {}))
        and any(each.startswith(begins := _prefix_of(one)) or begins.startswith(each) for each in place.prefixes)
    ]


def _prefix_of(rule: Mapping[str, Any]) -> str:
    """What the keys begin with that a rule is for; where it asks for more, such as a tag, it may still be for them."""
    chosen = rule.get("Filter", {})
    return str(chosen.get("Prefix") or chosen.get("And", {}).get("Prefix") or rule.get("Prefix") or "")


def lacking(objects: Iterable[Listed], sizes: Mapping[str, int], place: Place) -> list[Listed]:
    """Those of which there is no copy of the same version and size; `sizes` by key of what is in the place."""
    return [one for one in objects if sizes.get(place.key_of(one)) != one.size]


def refuse_incomplete(lacks: list[Listed], of: int, place: Place, said: Mapping[str, str] | None) -> None:
    """Raises OperatorError if anything lacks that a backup of so many objects needs.

    `said` is where the backup says that its bytes are ("bucket", "prefix"); None if it says nothing.
    """
    if not lacks:
        return
    where = Place(said["bucket"], said["prefix"]) if said else None
    if where is None:
        next_ = "`./ops/store backup` with --objects-to copies them, while the environment's bucket is there"
    elif where != place:
        next_ = f"the backup says that they were copied to {where}: {words_for(where)}"
    else:
        next_ = "without --objects-from, if the environment's bucket is there still; or another backup"
    raise OperatorError(
        f"{len(lacks)} of {of} objects are not in {place}: {named(one.key for one in lacks)}.",
        "Nothing was changed.",
        next_,
    )


def refuse_gone(bucket: str, is_there: bool, said: Mapping[str, str] | None) -> None:
    """Raises OperatorError if the environment's bucket, which the backup names, is not there; `said` as above."""
    if is_there:
        return
    where = Place(said["bucket"], said["prefix"]) if said else None
    raise OperatorError(
        f"The bucket {bucket}, which held the objects' bytes, is gone. Nothing was changed.",
        "" if where else "The backup was made without --objects-to: it holds rows, and no bytes of images.",
        f"the backup says that they were copied to {where}: {words_for(where)}"
        if where
        else "--objects-from, if another backup copied the same objects",
    )


def words_for(place: Place) -> str:
    """The options of a restoration from there."""
    return f"--objects-from {place.bucket}" + (f" --objects-prefix {place.prefix}" if place.prefix else "")


def named(names: Iterable[str]) -> str:
    """The first of them, and how many more there are."""
    every = list(names)
    more = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def mebibytes(size: int) -> str:
    return f"{size / _MIB:.1f} MiB"


def place_of(bucket: str | None, prefix: str | None, option: str) -> Place | None:
    """What the options say; None if no other bucket is named. Raises UsageError for a prefix without a bucket."""
    if bucket is None:
        if prefix is not None:
            raise UsageError("--objects-prefix says where in a bucket, and none is named.", next_=f"{option} BUCKET")
        return None
    return Place(bucket, prefix or "")


def bucket_name(text: str) -> str:
    """As argparse takes it. Raises ArgumentTypeError."""
    if _BUCKET.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(f"“{text}” is no bucket's name: no address, no ARN, and no slash")
    return text


def prefix_with_slash(text: str) -> str:
    """As argparse takes it; a slash is put at its end. Raises ArgumentTypeError."""
    whole = text if not text or text.endswith("/") else f"{text}/"
    if _PREFIX.fullmatch(whole) is None or len(whole) > _PREFIX_CHARACTERS:
        raise argparse.ArgumentTypeError(
            f"“{text}” is no prefix: letters, digits, “_”, “-” and “.” in parts with a slash between, "
            f"at most {_PREFIX_CHARACTERS} characters, no part beginning with a dot"
        )
    return whole
