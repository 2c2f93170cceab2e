"""backup: the whole database, encrypted, with a list of its objects and their versions; their bytes where one says."""

import argparse
import gzip
import os
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.aws import tables
from ops.aws.account import Account
from ops.aws.backup_file import objects_in
from ops.aws.backup_objects import listed
from ops.aws.bytes_elsewhere import (
    Place,
    bucket_name,
    expiring,
    mebibytes,
    place_of,
    prefix_with_slash,
    refuse_unfit,
    words_for,
)
from ops.aws.command import OK, environment_name
from ops.aws.copying_objects import Copied, copy_all, facts_of
from ops.aws.dump import as_text, lines_of
from ops.aws.environment import Environment
from ops.aws.sealed_file import Sealing, new_key, read_key
from ops.aws.telling import Telling
from ops.database import Database


@dataclass(frozen=True, slots=True)
class Written:
    """What a backup holds; `copied` is None if the objects' bytes were left where they are."""

    rows: int
    objects: int
    copied: Copied | None = None


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = (
        "The file is encrypted with the key (AES-256-GCM); without the key nobody can read it, you neither: keep it\n"
        "elsewhere. It lists the objects with their versions and does not hold their bytes. Those stay in the\n"
        "environment's bucket, which keeps every version for NoncurrentDays: gone with the bucket, they are lost.\n"
        "  ./ops/store backup blue blue.backup --key blue.key --new-key\n"
        "With --objects-to they are copied, inside S3, into another bucket of yours, which encrypts and blocks public\n"
        "access; what an earlier backup copied there is not copied again. The file is there when every byte is.\n"
        "  ./ops/store backup blue blue.backup --key blue.key --objects-to my-backups --objects-prefix blue\n"
        "Nothing removes what is in that bucket: people's erased images stay in it until you delete them."
    )
    parser.add_argument("name", type=environment_name)
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="with 64 hexadecimal digits")
    parser.add_argument(
        "--new-key",
        action="store_true",
        help="make it first; a file that is there is not touched, and taken only to go on with a backup",
    )
    parser.add_argument("--objects-to", type=bucket_name, metavar="BUCKET", help="copy the objects' bytes there")
    parser.add_argument(
        "--objects-prefix", type=prefix_with_slash, metavar="P", help="what their keys there begin with (nothing)"
    )


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    place = place_of(arguments.objects_to, arguments.objects_prefix, "--objects-to")
    environment = Environment(account, arguments.name, telling)
    told = environment.told()
    environment.records(told)
    own = told["BucketName"]
    expire: list[str] = []
    if place is not None:
        facts = facts_of(account.client("s3"), place.bucket, account.id)
        refuse_unfit(facts, own)
        expire = expiring(facts, place)
    database = tables.operators_database(account.client("secretsmanager"), told, tables.environ())
    key = key_for(arguments.file, arguments.key, is_new=arguments.new_key)
    written = write_backup(arguments.file, key, database, account, own, telling, place)
    size, copied = arguments.file.stat().st_size, written.copied
    telling.result(
        [
            f"{arguments.file}: {written.rows} rows, {written.objects} objects listed, {size} bytes  "
            f"({telling.elapsed_seconds:.1f} s)",
            *_bytes_in_words(own, place, copied),
            *(
                f"WARNING: the lifecycle rule “{one}” removes copies by age, and with them what newer backups rely on."
                for one in expire
            ),
        ],
        {
            "file": str(arguments.file),
            "rows": written.rows,
            "objects": written.objects,
            "bytes": size,
            "objects_in": str(Place(own) if place is None else place),
            "rules_that_remove_copies": expire,
            "objects_copied": None if copied is None else asdict(copied),
            "seconds": telling.elapsed_seconds,
        },
    )
    return OK


def key_for(target: Path, path: Path, *, is_new: bool) -> bytes:
    """The key; made, if it is to be new. One that lies beside an unfinished file was made by the try before.

    Raises OperatorError.
    """
    goes_on = path.exists() and unfinished_of(target).exists()
    return new_key(path) if is_new and not goes_on else read_key(path)


def unfinished_of(target: Path) -> Path:
    """The file that becomes the backup when it is whole."""
    return target.with_name(f"{target.name}.unfinished")


def write_backup(
    target: Path,
    key: bytes,
    database: Database,
    account: Account,
    bucket: str,
    telling: Telling,
    place: Place | None = None,
) -> Written:
    """Writes the file, and copies the objects' bytes into the place if one is given. It is there whole, or not at all.

    The rows first, then the objects: what a row names was stored before it, so it is in the list, or deleted since.
    Raises OperatorError if an object could not be copied.
    """
    unfinished, rows, objects = unfinished_of(target), 0, 0
    head: dict[str, Any] = {"made_at": datetime.now(UTC).isoformat(), "bucket": bucket, "region": account.region}
    if place is not None:
        head["objects_to"] = asdict(place)
    with unfinished.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        sealing = Sealing(file, key)
        with gzip.GzipFile(fileobj=sealing, mode="wb") as packed:
            packed.write(as_text({"backup": head}))
            for line in lines_of(database):
                if "table" in line:
                    telling.progress(f"table {line['table']}")
                rows += "row" in line
                packed.write(as_text(line))
            for one in listed(account.client("s3"), bucket, _sha256s(database)):
                objects += 1
                packed.write(as_text({"object": asdict(one)}))
            packed.write(as_text({"end": {"rows": rows, "objects": objects}}))
        sealing.close()
        file.flush()
        os.fsync(file.fileno())
    telling.progress(f"{objects} objects are listed")
    copied = None
    if place is not None:
        several = list(objects_in(unfinished, key))
        copied = copy_all(account.client("s3"), bucket, place, several, account.id, telling.progress)
    unfinished.replace(target)
    return Written(rows, objects, copied)


def _bytes_in_words(own: str, place: Place | None, copied: Copied | None) -> list[str]:
    if place is None or copied is None:
        return [
            f"The images' bytes are not in it. They stay in the environment's own bucket {own}, as versions: if that",
            "bucket goes (`destroy-env --delete-data`), or a deleted image's NoncurrentDays are over, they cannot be",
            "restored. --objects-to BUCKET copies them into a bucket of yours.",
        ]
    return [
        f"{place}: {copied.objects} objects, {mebibytes(copied.bytes)}; {copied.copied} of them copied now",
        f"It restores with {words_for(place)}, without the environment's bucket.",
    ]


def _sha256s(database: Database) -> dict[str, str]:
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT object_key, sha256 FROM images UNION ALL SELECT object_key, sha256 FROM trashed_images")
        return {str(key): bytes(sha256).hex() for key, sha256 in cursor.fetchall()}
