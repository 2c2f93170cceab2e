"""What was deployed, kept in the environment's bucket where every operator's machine finds it, and the lock around it.

`operator/deployed.json` is Chalice's record of an environment, `operator/choices.json` what the operator chose,
`operator/lock.json` who changes it now. All are written by conditional puts, so two machines cannot both think so.
"""

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from ops.aws.errors import OperatorError

DEPLOYED, CHOICES, LOCK = "operator/deployed.json", "operator/choices.json", "operator/lock.json"
LOCK_SECONDS = 3600  # longer than Chalice may package and deploy together; a lock that is older is nobody's
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_NOT_THERE = frozenset({"NoSuchKey", "404", "NoSuchBucket"})


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock, since when (seconds since 1970)."""

    host: str
    pid: int
    since: float


def may_take(holder: Holder, now: float, here: str, is_alive: Callable[[int], bool]) -> bool:
    """Whether a lock that somebody holds may be taken over: it is too old, or its process on this machine is gone."""
    return now - holder.since > LOCK_SECONDS or (holder.host == here and not is_alive(holder.pid))


class Records:
    """JSON documents in the bucket, each with the ETag that it was read with."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self._bucket = s3, bucket

    def read(self, key: str) -> tuple[Any, str]:
        """The document and its ETag; None and no ETag if there is none."""
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_THERE:
                return None, ""
            raise
        return json.loads(found["Body"].read()), found["ETag"]

    def write(self, key: str, document: Any, etag: str) -> bool:
        """Whether it was written: only if it still is as it was read."""
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        body = json.dumps(document, indent=2).encode()
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json", **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST:
                return False
            raise
        return True

    def remove(self, key: str) -> None:
        self._s3.delete_object(Bucket=self._bucket, Key=key)

    @contextmanager
    def locked(self, clock: Callable[[], float], say: Callable[[str], None]) -> Iterator[None]:
        """Nobody else deploys meanwhile. Raises OperatorError at once if somebody does."""
        mine = Holder(socket.gethostname(), os.getpid(), clock())
        found, etag = self.read(LOCK)
        if found is not None and not may_take(Holder(**found), mine.since, mine.host, alive):
            raise _held(found, mine.since)
        if found is not None:
            say(f"the lock of {found['host']} (process {found['pid']}) is left over: taken")
        if not self.write(LOCK, asdict(mine), etag):
            raise _held(self.read(LOCK)[0] or asdict(mine), mine.since)
        try:
            yield
        finally:
            if self.read(LOCK)[0] == asdict(mine):
                self.remove(LOCK)


def alive(pid: int) -> bool:
    """Whether a process of this machine has that id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def resources_of(deployed: Any, kind: str) -> list[dict[str, Any]]:
    """The resources of one kind in Chalice's record."""
    return [one for one in (deployed or {}).get("resources", []) if one["resource_type"] == kind]


def api_id_of(deployed: Any) -> str:
    """Empty if no API was deployed."""
    return next((one["rest_api_id"] for one in resources_of(deployed, "rest_api")), "")


def _held(holder: Mapping[str, Any], now: float) -> OperatorError:
    ago = max(0, round(now - holder["since"]))
    return OperatorError(
        f"{holder['host']} (process {holder['pid']}) is deploying this environment since {ago} s.",
        next_=f"wait, then the same command again; a lock older than {LOCK_SECONDS // 60} minutes is taken over",
    )
