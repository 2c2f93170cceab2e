"""restore: a backup into a new environment."""

import argparse
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ops.aws import tables
from ops.aws.account import Account
from ops.aws.backup_objects import Listed, put_back
from ops.aws.command import FAILED, OK, environment_name
from ops.aws.confirming import confirmed
from ops.aws.dump import begin_anew, refuse_if_used, restore
from ops.aws.environment import Environment
from ops.aws.errors import OperatorError
from ops.aws.sealed_file import opened, read_key
from ops.aws.telling import Telling


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = (
        "First make the environment: ./ops/store create-env green. One that holds images is refused.\n"
        "Objects are copied from the bucket that the backup names, by version, and every original is compared by its\n"
        "sha256. People sign in with the passwords they had. Exit status 1 if an object could not be put back."
    )
    parser.add_argument("name", type=environment_name, help="the new environment")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=Path, required=True, metavar="FILE")
    parser.add_argument("--yes", action="store_true", help="without asking")


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = piece
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


def lines_in(path: Path, key: bytes) -> Iterator[dict[str, Any]]:
    """Of a backup. Raises OperatorError if it is not whole."""
    with path.open("rb") as file, gzip.open(io.BufferedReader(_Pieces(opened(file, key)))) as unpacked:
        last: dict[str, Any] = {}
        for text in unpacked:
            last = json.loads(text)
            yield last
    if "end" not in last:
        raise OperatorError(f"{path} is not whole.")


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
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
    what = f"{end['rows']} rows and {end['objects']} objects of {head['bucket']} ({head['made_at']})"
    if not arguments.yes and not confirmed(f"Put {what} into {arguments.name}?", telling):
        return OK
    # Objects first: were it interrupted here, the database would hold no images yet and the same command goes on.
    wrong = _objects(arguments.file, key, account, head["bucket"], told["BucketName"], telling)
    if wrong:
        telling.result([f"NOT PUT BACK: {one}" for one in wrong], {"wrong": wrong})
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


def _objects(path: Path, key: bytes, account: Account, source: str, target: str, telling: Telling) -> list[str]:
    s3, wrong, number = account.client("s3"), [], 0
    for line in lines_in(path, key):
        if "object" in line:
            number += 1
            said = put_back(s3, source, target, Listed(**line["object"]))
            wrong += [said] if said else []
            if number % 200 == 0:
                telling.progress(f"{number} objects")
    return wrong
