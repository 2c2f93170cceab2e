"""Snapshots of the environment's own RDS database."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ops.aws.errors import OperatorError
from ops.aws.templates import PROJECT_TAG, tags_of

SNAPSHOT_SECONDS = 7200
_FAILED = frozenset({"failed", "deleting", "deleted"})


def snapshot_name(environment: str, release: str, now: float) -> str:
    """RDS takes letters, digits and single hyphens, a letter first. Pure."""
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    return f"{PROJECT_TAG}-{environment}-{moment}-before-{release.replace('.', '-')}"


def take(
    rds: Any, database_id: str, name: str, environment: str, say: Callable[[str], None], poll_seconds: float
) -> None:
    """Returns once it is whole. One of the name that is there already is waited for. Raises OperatorError."""
    tags = [{"Key": key, "Value": value} for key, value in tags_of(environment).items()]
    try:
        rds.create_db_snapshot(DBSnapshotIdentifier=name, DBInstanceIdentifier=database_id, Tags=tags)
    except rds.exceptions.DBSnapshotAlreadyExistsFault:
        say(f"snapshot {name} was begun already")
    deadline, told = time.monotonic() + SNAPSHOT_SECONDS, ""
    while True:
        (found,) = rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"]
        status, percent = found["Status"], found.get("PercentProgress", 0)
        if status == "available":
            say(f"snapshot {name} is whole")
            return
        if status in _FAILED or time.monotonic() > deadline:
            raise OperatorError(
                f"The snapshot {name} is not whole: it is {status}.", next_="look at it in RDS, then the same again"
            )
        if (line := f"snapshot {name}: {status}, {percent} %") != told:
            say(told := line)
        time.sleep(poll_seconds)


def of_environment(rds: Any, environment: str) -> list[str]:
    """The names of those that were taken by hand or by an upgrade, and bear the environment's tags."""
    pages = rds.get_paginator("describe_db_snapshots").paginate(SnapshotType="manual")
    wanted = tags_of(environment).items()
    return [
        one["DBSnapshotIdentifier"]
        for page in pages
        for one in page["DBSnapshots"]
        if wanted <= {tag["Key"]: tag["Value"] for tag in one.get("TagList", [])}.items()
    ]
