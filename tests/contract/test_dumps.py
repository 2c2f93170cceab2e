"""A dump as it is made of a real MariaDB and stored in the S3 stand-in: whole, in stretches, without credentials."""

import gzip
import json
import secrets
import tracemalloc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.adapters.mysql.admin_rows import MySqlAdminRows
from chalicelib.adapters.mysql.dump_rows import MySqlDumpRows
from chalicelib.adapters.mysql.dumped_tables import DUMPED, LEFT_OUT
from chalicelib.adapters.mysql.job_rows import MySqlJobRows
from chalicelib.adapters.s3_objects import S3Objects
from chalicelib.adapters.system_clock import SystemClock
from chalicelib.domain.account_ports import RESET, ApiToken, Link
from chalicelib.domain.accounts import Account, Scope
from chalicelib.domain.admin import DONE, Deed, Dump
from chalicelib.domain.parted import PartedObjects
from chalicelib.services.dump_making import DumpMaking
from chalicelib.services.part_writing import StretchLimits
from chalicelib.services.sending import Sending
from tests.contract.real_parts import MariaDb
from tests.fakes import ManualClock, MemoryObjects, MemoryQueue

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MANY = 40_000
LEAST_PART_BYTES = 5 << 20  # S3 takes no smaller ones, but for the last
MOST_MEMORY_BYTES = 4 << 20  # beyond what a dump of few rows takes


class Counting(MemoryObjects):
    """Takes what is written and keeps none of it."""

    def put_part(self, object_key: str, upload_id: str, number: int, data: bytes) -> str:
        return "a tag"

    def end_parts(self, object_key: str, upload_id: str, tags: Sequence[str]) -> None:
        assert tags


def made(maria: MariaDb, objects: PartedObjects, limits: StretchLimits | None = None) -> Dump:
    """A dump that was asked for, and made by as many runs of the worker as it takes."""
    database, clock, queue = maria.database(), SystemClock(), MemoryQueue()
    rows, jobs = MySqlDumpRows(database), MySqlJobRows(database)
    making = DumpMaking(rows, objects, Sending(jobs, queue), clock, "test", limits or StretchLimits())
    dump_id, key = secrets.token_bytes(16), f"dumps/{secrets.token_hex(16)}/test.jsonl.gz"
    deed = Deed(secrets.token_bytes(16), "admin@example.org", "192.0.2.1", "dump")
    queue.send([rows.ask_dump(dump_id, key, deed)])
    while queue.messages:
        job = jobs.claim(queue.messages.pop(0))
        assert job is not None
        making.perform(job)
    dump = rows.dump(dump_id)
    assert dump is not None
    assert (dump.state, MySqlAdminRows(database).audit(None, 1)[0].outcome) == ("ready", DONE)
    assert maria.execute("SELECT making, rest FROM dumps WHERE id = %s", (dump_id,)) == [(None, None)]
    return dump


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
    data = objects.get(made(maria, objects).object_key)
    head, stretch, *lines, tail = lines_of(data)
    assert (head["environment"], stretch["stretch"]) == ("test", 1)
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


def test_a_stretch_is_of_one_moment(maria: MariaDb) -> None:
    owner_with_images(maria, 700)
    with MySqlDumpRows(maria.database()).pages("") as pages:
        first = next(pages)
        late = owner_with_images(maria, 3)
        maria.execute("DELETE FROM images WHERE owner_id <> %s", (late,))
        found = [row for page in [first, *pages] for row in page.rows]
    assert sum(1 for table, _ in found if table == "images") == 700
    assert late.hex() not in json.dumps(found)
    assert maria.execute("SELECT COUNT(*) FROM images") == [(3,)]


def test_a_dump_of_many_rows_takes_no_more_memory_than_one_of_few(maria: MariaDb) -> None:
    peaks, limits = [], StretchLimits(part_bytes=64 << 10, stretch_seconds=600)
    for count in (1000, MANY):
        owner_with_images(maria, count)
        made(maria, Counting(), limits)  # what is loaded once is loaded
        tracemalloc.start()
        made(maria, Counting(), limits)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    print(f"peaks {peaks} bytes")
    assert peaks[1] < peaks[0] + MOST_MEMORY_BYTES
    assert peaks[1] < 8 << 20


def test_a_dump_in_stretches_has_every_row_of_every_table_once(
    maria: MariaDb, s3_client: "S3Client", bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.adapters.mysql.dumped_tables.ROWS", 100)
    owners = [owner_with_images(maria, count) for count in (1, 99, 100, 101, 250)]
    maria.execute(
        "INSERT INTO image_tags (owner_id, image_key, tag, source, removed) "
        "SELECT owner_id, image_key, tag, 'own', 0 FROM images "
        "JOIN (SELECT 'a' AS tag UNION SELECT 'Zé' UNION SELECT 'z') t"
    )
    objects = S3Objects(s3_client, bucket)
    dump = made(maria, objects, StretchLimits(stretch_seconds=0))
    data = objects.get(dump.object_key)
    _, *lines, tail = lines_of(data)
    rows = [line for line in lines if "row" in line]
    assert [line["stretch"] for line in lines if "stretch" in line][-1] > 5 + 15
    images = sum((1, 99, 100, 101, 250))
    assert (tail["rows"]["images"], tail["rows"]["image_tags"]) == (images, 3 * images)
    assert {one.hex() for one in owners} <= {line["row"]["id"] for line in rows if line["table"] == "owners"}
    whole = [json.dumps([line["table"], line["row"]]) for line in rows]
    assert len(set(whole)) == len(whole) == dump.rows == sum(tail["rows"].values())
    assert data is not None
    assert len(data) == dump.size


def test_a_dump_of_more_than_a_part_goes_on_from_run_to_run(maria: MariaDb, s3_client: "S3Client", bucket: str) -> None:
    maria.execute(
        "INSERT INTO audit (deed, at, actor_email, what, about, outcome, address) SELECT RANDOM_BYTES(16), "
        "UTC_TIMESTAMP(6), '', '', HEX(RANDOM_BYTES(1024)), '', '' FROM seq_1_to_9000"  # which no packing makes smaller
    )
    objects, taken = S3Objects(s3_client, bucket), list[int]()
    put_part = objects.put_part

    def counted(object_key: str, upload_id: str, number: int, data: bytes) -> str:
        taken.append(len(data))
        return put_part(object_key, upload_id, number, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "put_part", counted)
        dump = made(maria, objects, StretchLimits(part_bytes=LEAST_PART_BYTES, stretch_seconds=0.2))
    assert len(taken) > 1
    assert min(taken[:-1]) >= LEAST_PART_BYTES
    lines = lines_of(objects.get(dump.object_key))
    assert lines[-1]["rows"]["audit"] == 9001  # and the dump's own
    ids = [line["row"]["id"] for line in lines if line.get("table") == "audit"]
    assert len(set(ids)) == len(ids) == 9001
    assert sum("stretch" in line for line in lines) > 1
    assert s3_client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []
