"""restore: a backup into a new environment."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ops.aws import tables
from ops.aws.account import Account
from ops.aws.backup_file import lines_in, objects_in
from ops.aws.backup_objects import Listed, put_back
from ops.aws.bytes_elsewhere import (
    Place,
    bucket_name,
    lacking,
    place_of,
    prefix_with_slash,
    refuse_gone,
    refuse_incomplete,
)
from ops.aws.command import FAILED, OK, environment_name
from ops.aws.confirming import confirmed
from ops.aws.copying_objects import few_at_a_time, is_there, refuse_absent, sizes_in
from ops.aws.dump import begin_anew, refuse_if_used, restore
from ops.aws.environment import Environment
from ops.aws.sealed_file import read_key
from ops.aws.telling import Telling


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = (
        "First make the environment: ./ops/store create-env green. One that holds images is refused.\n"
        "Objects are copied from the bucket that the backup names, by version, and every original is compared by its\n"
        "sha256. If the backup was made with --objects-to, they are there even when that bucket is gone:\n"
        "  ./ops/store restore green blue.backup --key blue.key --objects-from my-backups --objects-prefix blue\n"
        "People sign in with the passwords they had. Exit status 1 if an object could not be put back; then no row is\n"
        "there either, and the same command goes on."
    )
    parser.add_argument("name", type=environment_name, help="the new environment")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=Path, required=True, metavar="FILE")
    parser.add_argument("--objects-from", type=bucket_name, metavar="BUCKET", help="which --objects-to named")
    parser.add_argument("--objects-prefix", type=prefix_with_slash, metavar="P", help="as it was given there")
    parser.add_argument("--yes", action="store_true", help="without asking")


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    place = place_of(arguments.objects_from, arguments.objects_prefix, "--objects-from")
    environment = Environment(account, arguments.name, telling)
    told = environment.told()
    environment.records(told)
    secrets = account.client("secretsmanager")
    operators = tables.operators_database(secrets, told, tables.environ())
    key = read_key(arguments.key)
    telling.progress("reading the backup to its end before anything is changed")
    head = end = None
    for line in lines_in(arguments.file, key):
        head, end = line.get("backup", head), line.get("end", end)
    assert head is not None  # noqa: S101  # the first line of every backup
    assert end is not None  # noqa: S101  # lines_in has seen it
    refuse_if_used(operators)
    source_of = source_told(arguments.file, key, head, account, place)
    what = f"{end['rows']} rows and {end['objects']} objects of {place or head['bucket']} ({head['made_at']})"
    if not arguments.yes and not confirmed(f"Put {what} into {arguments.name}?", telling):
        return OK
    # Objects first: were it interrupted here, the database would hold no images yet and the same command goes on.
    wrong = put_objects_back(arguments.file, key, account.client("s3"), source_of, told["BucketName"], telling)
    if wrong:
        count = f"{len(wrong)} of {end['objects']} objects are not put back, and no row was; the same command goes on"
        telling.result([*(f"NOT PUT BACK: {one}" for one in wrong), count], {"wrong": wrong})
        return FAILED
    telling.progress(f"{end['objects']} objects are put back and compared")
    counts = restore(operators, lines_in(arguments.file, key))
    begin_anew(operators)
    tables.bring_up(operators, tables.applications_database(secrets, told, operators), telling.progress)
    telling.result(
        [f"{sum(counts.values())} rows, {end['objects']} objects  ({telling.elapsed_seconds:.1f} s)"],
        {"rows": sum(counts.values()), "objects": end["objects"], "wrong": [], "seconds": telling.elapsed_seconds},
    )
    return OK


def source_told(
    path: Path, key: bytes, head: Mapping[str, Any], account: Account, place: Place | None
) -> Callable[[Listed], dict[str, str]]:
    """What an object is to be copied from. Raises OperatorError if the place lacks any, or the bucket is gone."""
    s3, said = account.client("s3"), head.get("objects_to")
    if place is None:
        bucket = head["bucket"]
        refuse_gone(bucket, is_there(s3, bucket), said)
        return lambda one: one.source_in(bucket)
    refuse_absent(s3, place.bucket, account.id)
    objects = list(objects_in(path, key))
    refuse_incomplete(lacking(objects, sizes_in(s3, place), place), len(objects), place, said)
    return lambda one: {"Bucket": place.bucket, "Key": place.key_of(one)}


def put_objects_back(
    path: Path, key: bytes, s3: Any, source_of: Callable[[Listed], dict[str, str]], target: str, telling: Telling
) -> list[str]:
    """What is wrong with those that could not be put back. What is there already stays."""
    wrong = []
    several = objects_in(path, key)
    for number, said in enumerate(few_at_a_time(lambda one: put_back(s3, source_of(one), target, one), several), 1):
        wrong += [said] if said else []
        if number % 200 == 0:
            telling.progress(f"{number} objects")
    return wrong
