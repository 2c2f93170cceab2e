"""backup: the whole database, encrypted, with a list of its objects and their versions."""

import argparse
import gzip
import os
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from ops.aws import tables
from ops.aws.account import Account
from ops.aws.backup_objects import listed
from ops.aws.command import OK, environment_name
from ops.aws.dump import as_text, lines_of
from ops.aws.environment import Environment
from ops.aws.sealed_file import Sealing, new_key, read_key
from ops.aws.telling import Telling
from ops.database import Database


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = (
        "The file is encrypted with the key (AES-256-GCM); without the key nobody can read it, you neither: keep it\n"
        "elsewhere. Objects stay in the bucket, which keeps every version for NoncurrentDays: the file tells which.\n"
        "  ./ops/store backup blue blue.backup --key blue.key --new-key"
    )
    parser.add_argument("name", type=environment_name)
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="with 64 hexadecimal digits")
    parser.add_argument("--new-key", action="store_true", help="make it first; a file that is there is not touched")


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    environment = Environment(account, arguments.name, telling)
    told = environment.told()
    environment.records(told)
    database = tables.operators_database(account.client("secretsmanager"), told, tables.environ())
    key = new_key(arguments.key) if arguments.new_key else read_key(arguments.key)
    rows, objects = write_backup(arguments.file, key, database, account, told["BucketName"], telling)
    size = arguments.file.stat().st_size
    telling.result(
        [f"{arguments.file}: {rows} rows, {objects} objects listed, {size} bytes  ({telling.elapsed_seconds:.1f} s)"],
        {
            "file": str(arguments.file),
            "rows": rows,
            "objects": objects,
            "bytes": size,
            "seconds": telling.elapsed_seconds,
        },
    )
    return OK


def write_backup(
    target: Path, key: bytes, database: Database, account: Account, bucket: str, telling: Telling
) -> tuple[int, int]:
    """The numbers of rows and objects. The file is there whole, or not at all.

    The rows first, then the objects: what a row names was stored before it, so it is in the list, or deleted since.
    """
    unfinished, rows, objects = target.with_name(f"{target.name}.unfinished"), 0, 0
    head = {"made_at": datetime.now(UTC).isoformat(), "bucket": bucket, "region": account.region}
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
    unfinished.replace(target)
    telling.progress(f"{objects} objects are listed")
    return rows, objects


def _sha256s(database: Database) -> dict[str, str]:
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT object_key, sha256 FROM images UNION ALL SELECT object_key, sha256 FROM trashed_images")
        return {str(key): bytes(sha256).hex() for key, sha256 in cursor.fetchall()}
