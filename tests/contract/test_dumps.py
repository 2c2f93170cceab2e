"""A dump as it is made of a real MariaDB and stored in the S3 stand-in: whole, of one moment, without credentials."""

import gzip
import json
import secrets
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.adapters.mysql.admin_rows import MySqlAdminRows
from chalicelib.adapters.mysql.dump_rows import DUMPED, LEFT_OUT, MySqlDumpRows
from chalicelib.adapters.mysql.job_rows import MySqlJobRows
from chalicelib.adapters.s3_objects import PART_BYTES, S3Objects
from chalicelib.domain.account_ports import RESET, ApiToken, Link
from chalicelib.domain.accounts import Account, Scope
from chalicelib.domain.admin import Deed
from chalicelib.services.accounts import Accounts
from chalicelib.services.dumps import Dumps
from chalicelib.services.sending import Sending
from tests.contract.real_parts import MariaDb
from tests.fakes import ManualClock, MemoryObjects, MemoryQueue, MemorySettingsRows, MemoryStore
from tests.fakes.mail import PlainPasswords

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MANY = 40_000
MOST_MEMORY_BYTES = 4 << 20  # beyond what a dump of few rows takes


class Counting(MemoryObjects):
    """Takes what is written and keeps none of it."""

    @contextmanager
    def writing(self, object_key: str, media_type: str) -> Iterator[Any]:
        yield lambda piece: None


def dumps_of(maria: MariaDb, objects: Any) -> Dumps:
    database, settings = maria.database(), MemorySettingsRows(MemoryStore())
    account_rows = MySqlAccountRows(database)
    sending = Sending(MySqlJobRows(database), MemoryQueue())
    accounts = Accounts(account_rows, PlainPasswords(), sending, ManualClock(), settings)
    rows = MySqlDumpRows(database)
    return Dumps(rows, MySqlAdminRows(database), accounts, objects, objects, sending, "test")


def made(maria: MariaDb, objects: Any) -> str:
    """A dump that was asked for and made; its object's key."""
    dumps, dump_id = dumps_of(maria, objects), secrets.token_bytes(16)
    key = f"dumps/{secrets.token_hex(16)}/test.jsonl.gz"
    deed = Deed(secrets.token_bytes(16), "admin@example.org", "192.0.2.1", "dump")
    job = MySqlJobRows(maria.database()).claim(dumps.rows.ask_dump(dump_id, key, deed))
    assert job is not None
    dumps.make(job)
    return key


def lines_of(data: bytes | None) -> list[Any]:
    assert data is not None
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]


def owner_with_images(maria: MariaDb, count: int) -> bytes:
    owner_id = secrets.token_bytes(16)
    maria.execute(
        "INSERT INTO owners (id, name, version, created_at) VALUES (%s, %s, 0, UTC_TIMESTAMP(6))",
        (owner_id, owner_id.hex().encode()),
    )
    maria.execute(
        "INSERT INTO images (owner_id, image_key, object_key, sha256, size, media_type, width, height, frames, "
        "created_at) SELECT %s, CONCAT('key ', seq), CONCAT('originals/', %s, '/', seq), RANDOM_BYTES(32), 1, "
        "'image/png', 1, 1, 1, UTC_TIMESTAMP(6) FROM seq_1_to_100000 WHERE seq <= %s",
        (owner_id, owner_id.hex(), count),
    )
    return owner_id


def test_every_table_and_column_is_dumped_or_left_out_by_name(maria: MariaDb) -> None:
    found = maria.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
    )
    dumped = {table.name for table in DUMPED}
    named = {(table.name, column) for table in DUMPED for column in table.columns}
    undecided = {
        (table, column)
        for table, column in found
        if (table, column) not in named and table not in LEFT_OUT and f"{table}.{column}" not in LEFT_OUT
    }
    assert {(table, column) for table, column in undecided if "yoyo" not in str(table)} == set()
    assert dumped.isdisjoint(LEFT_OUT)


def test_a_dump_has_every_image_once_and_nothing_that_lets_anybody_in(
    maria: MariaDb, s3_client: "S3Client", bucket: str
) -> None:
    rows = MySqlAccountRows(maria.database())
    owner_ids = sorted(owner_with_images(maria, count) for count in (1, 499, 500, 501, 1203))
    password, session, link, token = ("a hash of a password", *(secrets.token_bytes(32) for _ in range(3)))
    account = Account(secrets.token_bytes(16), "ada@example.org", password, admin=True, disabled=False)
    assert rows.create(account)
    rows.begin_session(account.owner_id, session, None)
    rows.add_link(link, Link(RESET, owner_id=account.owner_id), 3600)
    api_token = ApiToken(secrets.token_bytes(16), "a script's label", Scope.WRITE, ManualClock().now())
    rows.add_token(account.owner_id, token, api_token)
    rows.tried(b"account:somebody@example.org", 10, 900)
    objects = S3Objects(s3_client, bucket)
    data = objects.get(made(maria, objects))
    head, *lines, tail = lines_of(data)
    assert head["environment"] == "test"
    images = [(row["owner_id"], row["image_key"]) for row in (one["row"] for one in lines if one["table"] == "images")]
    wanted = maria.execute("SELECT LOWER(HEX(owner_id)), CONVERT(image_key USING utf8mb4) FROM images ORDER BY 1, 2")
    assert len(owner_ids) == len({owner_id for owner_id, _ in images})
    assert sorted(images) == sorted(wanted)
    counted = {name: sum(1 for one in lines if one["table"] == name) for name in {one["table"] for one in lines}}
    assert tail == {"rows": counted}
    assert counted["images"] == 1 + 499 + 500 + 501 + 1203
    whole = "\n".join(json.dumps(one) for one in lines)
    assert "ada@example.org" in whole
    for secret in (password, session.hex(), link.hex(), token.hex(), "a script's label", "somebody@example.org"):
        assert secret not in whole
    assert {one["table"] for one in lines}.isdisjoint({"sessions", "api_tokens", "account_links", "tries", "jobs"})


def test_a_dump_is_of_one_moment(maria: MariaDb) -> None:
    owner_with_images(maria, 700)
    with MySqlDumpRows(maria.database()).snapshot() as rows:
        first = next(rows)
        late = owner_with_images(maria, 3)
        maria.execute("DELETE FROM images WHERE owner_id <> %s", (late,))
        found = [first, *rows]
    assert sum(1 for table, _ in found if table == "images") == 700
    assert late.hex() not in json.dumps(found)
    assert maria.execute("SELECT COUNT(*) FROM images") == [(3,)]


def test_a_dump_of_many_rows_takes_no_more_memory_than_one_of_few(maria: MariaDb) -> None:
    peaks = []
    for count in (1000, MANY):
        owner_with_images(maria, count)
        made(maria, Counting())  # what is loaded once is loaded
        tracemalloc.start()
        made(maria, Counting())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    print(f"peaks {peaks} bytes")
    assert peaks[1] < peaks[0] + MOST_MEMORY_BYTES
    assert peaks[1] < 8 << 20


def test_an_object_is_written_in_parts_and_is_there_whole_or_not_at_all(s3_client: "S3Client", bucket: str) -> None:
    objects, key = S3Objects(s3_client, bucket), f"dumps/{secrets.token_hex(16)}"
    data = secrets.token_bytes(2 * PART_BYTES + 17)
    with objects.writing(key, "application/gzip") as write:
        for start in range(0, len(data), 1 << 20):
            write(data[start : start + (1 << 20)])
    assert objects.get(key) == data
    broken = f"{key}-broken"
    with pytest.raises(ZeroDivisionError), objects.writing(broken, "application/gzip") as write:
        write(data)
        _ = 1 / 0
    assert objects.get(broken) is None
    assert s3_client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
    with objects.writing(f"{key}-empty", "application/gzip"):
        pass
    assert objects.get(f"{key}-empty") == b""
