"""A backup of a real MariaDB and its objects, into another one with another bucket; with the bytes in a third."""

import gzip
import hashlib
import io
import multiprocessing
import os
import secrets
import signal
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chalicelib.adapters import aws_clients
from chalicelib.adapters.argon2_passwords import Argon2Passwords
from ops.aws.account import Account
from ops.aws.backup_file import lines_in, objects_in
from ops.aws.backup_objects import Listed, put_back
from ops.aws.bytes_elsewhere import Place, expiring, refuse_unfit
from ops.aws.commands.backup import Written, unfinished_of, write_backup
from ops.aws.commands.restore import put_objects_back, source_told
from ops.aws.copying_objects import Copied, copy_all, facts_of, is_there, sizes_in
from ops.aws.dump import as_text, begin_anew, lines_of, refuse_if_used, restore
from ops.aws.errors import OperatorError
from ops.aws.sealed_file import Sealing, new_key
from ops.aws.tables import bring_up
from ops.aws.telling import Telling
from ops.database import Database
from ops.local import mariadb
from tests.contract.real_parts import MariaDb, state_folder

SOURCE, TARGET, COPIES = "backup-source", "backup-target", "backup-copies"
PLACE = Place(COPIES, "blue/")
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
    for name in (SOURCE, TARGET, COPIES):
        s3_client.create_bucket(Bucket=name)
    for name in (SOURCE, TARGET):
        s3_client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    yield s3_client
    for name in (SOURCE, TARGET, COPIES):
        if is_there(s3_client, name):
            remove(s3_client, name)


def remove(s3: Any, bucket: str) -> None:
    """With every version in it."""
    found = s3.list_object_versions(Bucket=bucket)
    for one in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=bucket)


def account_with(s3: Any) -> Account:
    return cast(Account, SimpleNamespace(client=lambda _service: s3, region="us-east-1", id="000000000000"))


def quiet() -> Telling:
    return Telling(err=io.StringIO())


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
    key, file = new_key(tmp_path / "key"), tmp_path / "backup"
    written = write_backup(file, key, administrator(maria), account_with(buckets), SOURCE, quiet())
    rows = written.rows
    assert written == Written(rows, len(IMAGES) + 1, None)
    assert rows > 40
    assert b"ann@example.org" not in file.read_bytes()
    buckets.delete_object(Bucket=SOURCE, Key=IMAGES[0][0])  # its version is there still

    listed = list(objects_in(file, key))
    assert all(one.sha256 for one in listed)  # those in the trash too
    assert [put_back(buckets, one.source_in(SOURCE), TARGET, one) for one in listed] == [""] * (len(IMAGES) + 1)
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
    assert put_back(buckets, other.source_in(SOURCE), TARGET, other) == "originals/a has another sha256"
    none = Listed("originals/none", "", 5, '"0"')
    assert put_back(buckets, none.source_in(SOURCE), TARGET, none).startswith("originals/none: ")


class KilledWhileCopying:
    """S3, by a process that is killed, as by kill -9, when it has copied so many objects."""

    def __init__(self, s3: Any, copies: int) -> None:
        self._s3, self._left = s3, copies

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def copy_object(self, **words: Any) -> Any:
        done = self._s3.copy_object(**words)
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


def test_with_its_bytes_a_backup_that_was_killed_goes_on_and_restores_without_the_environments_bucket(
    maria: MariaDb, buckets: Any, tmp_path: Path
) -> None:
    fill(maria, buckets)
    rendition, jpeg = "renditions/one", {"ContentType": "image/jpeg", "Body": b"a small one"}
    buckets.put_object(Bucket=SOURCE, Key=rendition, **jpeg)
    newest = secrets.token_bytes(3000)
    buckets.put_object(Bucket=SOURCE, Key="renditions/twice", Body=b"older")
    buckets.put_object(Bucket=SOURCE, Key="renditions/twice", Body=newest)
    key, file, count = new_key(tmp_path / "key"), tmp_path / "backup", len(IMAGES) + 3

    def killed() -> None:
        write_backup(
            file,
            key,
            administrator(maria),
            account_with(KilledWhileCopying(aws_clients.s3(), 9)),
            SOURCE,
            quiet(),
            PLACE,
        )

    process = multiprocessing.get_context("fork").Process(target=killed)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    before = len(sizes_in(buckets, PLACE))
    assert 9 <= before < count
    assert (file.exists(), unfinished_of(file).exists()) == (False, True)

    def given_again() -> Copied | None:
        again = write_backup(file, key, administrator(maria), account_with(buckets), SOURCE, quiet(), PLACE)
        return again.copied

    size = sum(len(data) for _, data in IMAGES) + len(b"bytes") + len(b"a small one") + len(newest)
    assert given_again() == Copied(count, size, count - before)
    assert given_again() == Copied(count, size, 0)
    assert not unfinished_of(file).exists()
    assert len(sizes_in(buckets, PLACE)) == count

    remove(buckets, SOURCE)
    head = next(lines_in(file, key))["backup"]
    with pytest.raises(OperatorError, match=r"is gone\..* --objects-from backup-copies --objects-prefix blue/"):
        source_told(file, key, head, account_with(buckets), None)
    with pytest.raises(OperatorError, match=rf"{count} of {count} objects are not in s3://backup-target/"):
        source_told(file, key, head, account_with(buckets), Place(TARGET))
    source_of = source_told(file, key, head, account_with(buckets), PLACE)
    assert put_objects_back(file, key, buckets, source_of, TARGET, quiet()) == []
    assert put_objects_back(file, key, buckets, source_of, TARGET, quiet()) == []  # given again
    for name, sha256 in maria.execute("SELECT object_key, sha256 FROM images"):
        body = buckets.get_object(Bucket=TARGET, Key=name)["Body"].read()
        assert hashlib.sha256(body).digest() == sha256
    assert buckets.get_object(Bucket=TARGET, Key=TRASHED)["Body"].read() == b"bytes"
    found = buckets.get_object(Bucket=TARGET, Key=rendition)
    assert (found["ContentType"], found["Body"].read()) == ("image/jpeg", b"a small one")
    assert buckets.get_object(Bucket=TARGET, Key="renditions/twice")["Body"].read() == newest


def test_a_restoration_names_what_the_copies_lack_and_what_has_other_bytes(buckets: Any, tmp_path: Path) -> None:
    several = [Listed(f"originals/{n}", "v1", 5, '"0"', hashlib.sha256(b"bytes").hexdigest()) for n in range(3)]
    file, key = tmp_path / "backup", bytes(32)
    lines: list[dict[str, Any]] = [{"backup": {}}, *({"object": asdict(one)} for one in several), {"end": {}}]
    with file.open("wb") as written:
        sealing = Sealing(written, key)
        sealing.write(gzip.compress(b"".join(as_text(line) for line in lines)))
        sealing.close()
    for one, data in zip(several, (b"bytes", b"other", b"short"[:4]), strict=True):
        buckets.put_object(Bucket=COPIES, Key=PLACE.key_of(one), Body=data)
    with pytest.raises(OperatorError, match=r"1 of 3 objects are not in s3://backup-copies/blue/: originals/2\."):
        source_told(file, key, {}, account_with(buckets), PLACE)
    buckets.put_object(Bucket=COPIES, Key=PLACE.key_of(several[2]), Body=b"bytes")
    source_of = source_told(file, key, {}, account_with(buckets), PLACE)
    assert put_objects_back(file, key, buckets, source_of, TARGET, quiet()) == ["originals/1 has another sha256"]


def test_what_goes_while_it_is_copied_is_named_and_the_others_stay_copied(buckets: Any) -> None:
    there = buckets.put_object(Bucket=SOURCE, Key="originals/a", Body=b"bytes")
    one = Listed("originals/a", there["VersionId"], 5, there["ETag"])
    gone = Listed("originals/b", there["VersionId"], 5, there["ETag"])
    buckets.put_object(Bucket=SOURCE, Key="originals/a", Body=b"later")  # what was listed is copied
    with pytest.raises(OperatorError, match=r"1 of 2 objects went while they were copied: originals/b\."):
        copy_all(buckets, SOURCE, PLACE, [gone, one], "000000000000", quiet().progress)
    assert sizes_in(buckets, PLACE) == {PLACE.key_of(one): 5}
    assert buckets.get_object(Bucket=COPIES, Key=PLACE.key_of(one))["Body"].read() == b"bytes"
    wrong = Listed("originals/a", there["VersionId"], 6, there["ETag"])
    with pytest.raises(OperatorError, match="though they were copied, or have another size there: originals/a"):
        copy_all(buckets, SOURCE, PLACE, [wrong], "000000000000", quiet().progress)


def test_a_bucket_that_is_absent_open_or_an_environments_is_refused(buckets: Any) -> None:
    with pytest.raises(OperatorError, match="There is no bucket no-such-bucket"):
        facts_of(buckets, "no-such-bucket", "000000000000")
    facts = facts_of(buckets, COPIES, "000000000000")
    with pytest.raises(OperatorError, match="can be opened to the public: BlockPublicAcls, IgnorePublicAcls, Block"):
        refuse_unfit(facts, SOURCE)
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    buckets.put_public_access_block(Bucket=COPIES, PublicAccessBlockConfiguration=block)
    refuse_unfit(facts_of(buckets, COPIES, "000000000000"), SOURCE)
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "blue/"}, "Expiration": {"Days": 30}}
    assert expiring(facts_of(buckets, COPIES, "000000000000"), PLACE) == []
    buckets.put_bucket_lifecycle_configuration(Bucket=COPIES, LifecycleConfiguration={"Rules": [rule]})
    assert expiring(facts_of(buckets, COPIES, "000000000000"), PLACE) == ["old"]
    tags = [{"Key": "project", "Value": "elastic-images"}, {"Key": "environment", "Value": "green"}]
    buckets.put_bucket_tagging(Bucket=COPIES, Tagging={"TagSet": tags})
    with pytest.raises(OperatorError, match="the bucket of the environment “green”"):
        refuse_unfit(facts_of(buckets, COPIES, "000000000000"), SOURCE)
