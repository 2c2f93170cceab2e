"""PUT of a JPEG of 100 KB through the application, against the steps that no safe upload can do without.

Those are a decoding in a child process, an object stored in S3, and two commits: one that announces, one that writes.
"""

import itertools
import secrets
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import PIL
import pymysql
from pymysql.cursors import Cursor

from bench.interleaved import compare
from bench.rows import Row, row
from bench.store import Store, event, expect, jpeg_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SIZE = 100_000
_WIDTH, _HEIGHT = 1024, 768
# As sparing as the application's own child: no start-up files, and only the one decoder.
_DECODE = (
    "import io, sys; sys.path.append(sys.argv[1]); from PIL.JpegImagePlugin import JpegImageFile; "
    "JpegImageFile(io.BytesIO(sys.stdin.buffer.read())).load()"
)
_PILLOW = str(Path(PIL.__file__).parents[1])
_CHILD_SECONDS = 30


def rows(store: Store) -> list[Row]:
    """One upload after the other, each under a key of its own."""
    data = jpeg_of(SIZE, _WIDTH, _HEIGHT)
    keys = (f"upload-{number}" for number in itertools.count())

    def ours() -> None:
        expect(store.app(event("PUT", next(keys), data), None)["statusCode"] == 201, "an upload is taken")

    with store.connect() as database, closing(boto3.client("s3")) as s3:
        bare = _bare_upload(database, s3, store.environ["BUCKET"], data)
        compared = compare(ours, bare, rounds=9, pairs=3, warm_up=3)
    return [row("PUT of a JPEG of 100 KB, against decode + S3 put + 2 commits", compared)]


def _bare_upload(
    database: "pymysql.Connection[Cursor]", s3: "S3Client", bucket: str, data: bytes
) -> Callable[[], None]:
    with database.cursor() as cursor:
        cursor.execute("SELECT id FROM owners WHERE name = 'demo'")
        found = cursor.fetchone()
    expect(found is not None, "there is an owner")

    command = [sys.executable, "-I", "-S", "-c", _DECODE, _PILLOW]

    def upload() -> None:
        subprocess.run(command, input=data, timeout=_CHILD_SECONDS, check=True)
        job, name = secrets.token_bytes(16), f"bench/{secrets.token_hex(16)}"
        with database.cursor() as cursor:
            database.begin()
            cursor.execute(
                "INSERT INTO jobs (id, kind, body, created_at, due_at) VALUES (%s, 'bench', '[]', UTC_TIMESTAMP(6), "
                "UTC_TIMESTAMP(6) + INTERVAL 1 HOUR)",
                (job,),
            )
            database.commit()
            s3.put_object(Bucket=bucket, Key=name, Body=data, ContentType="image/jpeg")
            database.begin()
            cursor.execute("DELETE FROM jobs WHERE id = %s", (job,))
            cursor.execute(
                "INSERT INTO images (owner_id, image_key, object_key, sha256, size, media_type, width, height, frames, "
                "created_at) VALUES (%s, %s, %s, %s, %s, 'image/jpeg', 1024, 768, 1, UTC_TIMESTAMP(6))",
                (found, name, name, bytes(32), len(data)),
            )
            database.commit()

    return upload
