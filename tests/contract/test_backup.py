"""A backup of a real MariaDB and its objects, into another one with another bucket."""

import hashlib
import io
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chalicelib.adapters.argon2_passwords import Argon2Passwords
from ops.aws.account import Account
from ops.aws.backup_objects import Listed, put_back
from ops.aws.commands.backup import write_backup
from ops.aws.commands.restore import lines_in
from ops.aws.dump import begin_anew, lines_of, refuse_if_used, restore
from ops.aws.errors import OperatorError
from ops.aws.sealed_file import Sealing, new_key, opened, read_key
from ops.aws.tables import bring_up
from ops.aws.telling import Telling
from ops.database import Database
from ops.local import mariadb
from tests.contract.real_parts import MariaDb, state_folder

SOURCE, TARGET = "backup-source", "backup-target"
OWNER, PASSWORD = secrets.token_bytes(16), "correct horse battery staple"
TRASHED = "originals/trashed"
IMAGES = [(f"originals/{number}", secrets.token_bytes(3000)) for number in range(20)]


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    made = MariaDb(state_folder(tmp_path_factory.mktemp("second-mariadb")))
    yield made
    made.server.kill()


@pytest.fixture
def buckets(s3_client: Any) -> Iterator[Any]:
    for name in (SOURCE, TARGET):
        s3_client.create_bucket(Bucket=name)
        s3_client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    yield s3_client
    for name in (SOURCE, TARGET):
        found = s3_client.list_object_versions(Bucket=name)
        for one in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
            s3_client.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
        s3_client.delete_bucket(Bucket=name)


def administrator(maria: MariaDb) -> Database:
    return mariadb.database(maria.port, mariadb.MIGRATIONS_USER, maria.secrets["migrations_password"])


def fill(maria: MariaDb, s3: Any) -> None:
    maria.execute("INSERT INTO owners (id, name, version, created_at) VALUES (%s, 'ann', 0, NOW(6))", (OWNER,))
    maria.execute(
        "INSERT INTO accounts (owner_id, email, password, created_at) VALUES (%s, 'ann@example.org', %s, NOW(6))",
        (OWNER, Argon2Passwords().hashed(PASSWORD)),
    )
    for key, data in IMAGES:
        s3.put_object(Bucket=SOURCE, Key=key, Body=data)
        maria.execute(
            "INSERT INTO images (owner_id, image_key, object_key, sha256, size, media_type, width, height, frames, "
            "created_at) VALUES (%s, %s, %s, %s, %s, 'image/png', 1, 1, 1, NOW(6))",
            (OWNER, f"ключ {key}'\\ ".encode(), key, hashlib.sha256(data).digest(), len(data)),
        )
    maria.execute(
        "INSERT INTO trashed_images (id, batch_id, trashed_at, owner_id, image_key, object_key, sha256, size, "
        "media_type, width, height, frames, created_at) SELECT %s, %s, NOW(6), owner_id, 'in the trash', %s, %s, 5, "
        "media_type, 1, 1, 1, NOW(6) FROM images LIMIT 1",
        (bytes(16), bytes(16), TRASHED, hashlib.sha256(b"bytes").digest()),
    )
    s3.put_object(Bucket=SOURCE, Key=TRASHED, Body=b"bytes")
    maria.execute('UPDATE fleet_maps SET version = 41, body = \'{"nodes": ["elsewhere"]}\'')


def test_everything_comes_back_into_another_database_and_bucket(
    maria: MariaDb, second: MariaDb, buckets: Any, tmp_path: Path
) -> None:
    fill(maria, buckets)
    account = cast(Account, SimpleNamespace(client=lambda _service: buckets, region="us-east-1"))
    key, file = new_key(tmp_path / "key"), tmp_path / "backup"
    rows, objects = write_backup(file, key, administrator(maria), account, SOURCE, Telling(err=io.StringIO()))
    assert (objects, rows > 40) == (len(IMAGES) + 1, True)
    assert b"ann@example.org" not in file.read_bytes()
    buckets.delete_object(Bucket=SOURCE, Key=IMAGES[0][0])  # its version is there still

    listed = [Listed(**line["object"]) for line in lines_in(file, key) if "object" in line]
    assert all(one.sha256 for one in listed)  # those in the trash too
    assert [put_back(buckets, SOURCE, TARGET, one) for one in listed] == [""] * (len(IMAGES) + 1)
    target = administrator(second)
    interrupted = (line for number, line in enumerate(lines_in(file, key)) if number < rows - 5 or 1 // 0)
    with pytest.raises(ZeroDivisionError):
        restore(target, interrupted)
    refuse_if_used(target)  # what was begun may be ended
    assert sum(restore(target, lines_in(file, key)).values()) == rows
    assert list(lines_of(target)) == list(lines_of(administrator(maria)))

    ((password,),) = second.execute("SELECT password FROM accounts WHERE email = 'ann@example.org'")
    assert Argon2Passwords().fits(str(password), PASSWORD)
    for key_, data in IMAGES:
        assert buckets.get_object(Bucket=TARGET, Key=key_)["Body"].read() == data
    begin_anew(target)
    assert second.execute("SELECT version, body FROM fleet_maps") == [(42, '{"nodes": [], "assignment": []}')]
    with pytest.raises(OperatorError, match="holds 21 images"):
        refuse_if_used(target)
    second.execute("DELETE FROM images")
    with pytest.raises(OperatorError, match="holds 1 images"):  # in the trash
        refuse_if_used(target)
    assert (
        bring_up(
            target,
            mariadb.database(second.port, mariadb.APPLICATION_USER, second.secrets["application_password"]),
            lambda _line: None,
        )
        == []
    )


def test_an_object_that_is_lost_or_other_is_told(buckets: Any) -> None:
    buckets.put_object(Bucket=SOURCE, Key="originals/a", Body=b"bytes")
    other = Listed("originals/a", "null", 5, '"0"', hashlib.sha256(b"others").hexdigest())
    assert put_back(buckets, SOURCE, TARGET, other) == "originals/a has another sha256"
    assert put_back(buckets, SOURCE, TARGET, Listed("originals/none", "", 5, '"0"')).startswith("originals/none: ")


def sealed(key: bytes, data: bytes) -> bytes:
    file = io.BytesIO()
    sealing = Sealing(file, key)
    sealing.write(data)
    sealing.close()
    return file.getvalue()


def test_a_sealed_file_cannot_be_read_changed_or_shortened_unnoticed() -> None:
    key, data = bytes(32), secrets.token_bytes(2_500_000)
    file = sealed(key, data)
    assert b"".join(opened(io.BytesIO(file), key)) == data
    changed = bytearray(file)
    changed[len(file) // 2] ^= 1
    for wrong, with_key in ((bytes(changed), key), (file[:-1], key), (file[:1_100_000], key), (file, b"1" * 32)):
        with pytest.raises(OperatorError):
            list(opened(io.BytesIO(wrong), with_key))
    with pytest.raises(OperatorError, match="no backup"):
        list(opened(io.BytesIO(b"something else"), key))
    first_chunk_last = file[:56] + file[56:60] + b"\x01" + file[61 : 61 + 1024 * 1024 + 16]
    with pytest.raises(OperatorError, match="was changed"):  # an earlier chunk given out as the last
        list(opened(io.BytesIO(first_chunk_last), key))


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = new_key(path)
    assert (read_key(path), path.stat().st_mode & 0o777) == (key, 0o600)
    with pytest.raises(OperatorError, match="there already"):
        new_key(path)
    path.write_text("00")
    with pytest.raises(OperatorError, match="1 bytes, not 32"):
        read_key(path)
