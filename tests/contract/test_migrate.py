"""The migrations runner over a real MariaDB."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest

from chalicelib.domain.jobs import INDEX_IMAGES, RENDER, Job, Render, indexed_by, render_of
from chalicelib.domain.renditions import ON_ARRIVAL
from chalicelib.domain.stored_renditions import object_key_of
from ops.database import Database
from ops.local.mariadb import MIGRATIONS_USER, database
from ops.local.state import generated_secrets
from ops.migrate import MIGRATIONS, DatabaseNewerError, MigrationError, applied_ids, migrate
from tests.local_cloud import PROJECT, LocalCloud, until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The server, as a user who may do everything in it."""
    cloud = LocalCloud(tmp_path_factory.mktemp("migrate") / "state", parts=frozenset({"mariadb"})).start()
    secrets = generated_secrets(cloud.state)
    port = int(cloud.environ["DATABASE_PORT"])
    yield database(port, MIGRATIONS_USER, secrets["migrations_password"])
    cloud.stop()


@pytest.fixture
def empty(server: Database) -> Database:
    """The database without any table."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for table in tables(server):
            cursor.execute(f"DROP TABLE `{table}`")
    return server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text(
        "CREATE TABLE first (id INT PRIMARY KEY);\nINSERT INTO first VALUES (1);\n"
    )
    (tmp_path / "0002_second.sql").write_text("-- depends: 0001_first\nALTER TABLE first ADD COLUMN name VARCHAR(9);\n")
    return tmp_path


def tables(database: Database) -> set[str]:
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        return {row[0] for row in cursor.fetchall()}


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_an_empty_database_is_brought_up_and_a_second_run_changes_nothing(empty: Database, folder: Path) -> None:
    assert migrate(empty, folder) == ("0001_first", "0002_second")
    assert rows(empty, "SELECT id, name FROM first") == [(1, None)]
    assert migrate(empty, folder) == ()
    assert rows(empty, "SELECT id, name FROM first") == [(1, None)]


def test_an_older_database_keeps_its_rows(empty: Database, folder: Path) -> None:
    second = (folder / "0002_second.sql").read_text()
    (folder / "0002_second.sql").unlink()
    migrate(empty, folder)
    with closing(empty.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO first VALUES (7)")
    (folder / "0002_second.sql").write_text(second)
    assert migrate(empty, folder) == ("0002_second",)
    assert rows(empty, "SELECT id, name FROM first ORDER BY id") == [(1, None), (7, None)]


def test_a_newer_database_is_refused_untouched(empty: Database, folder: Path) -> None:
    migrate(empty, folder)
    (folder / "0002_second.sql").unlink()
    (folder / "0003_third.sql").write_text("CREATE TABLE third (id INT);")
    with pytest.raises(DatabaseNewerError, match="0002_second"):
        migrate(empty, folder)
    assert "third" not in tables(empty)


def test_what_is_to_wait_is_left_and_what_a_newer_release_added_is_borne(empty: Database, folder: Path) -> None:
    assert applied_ids(empty) == frozenset()
    assert migrate(empty, folder, but={"0002_second"}) == ("0001_first",)
    assert applied_ids(empty) == {"0001_first"}
    (folder / "0003_third.sql").write_text("CREATE TABLE third (id INT);")
    assert migrate(empty, folder, but={"0002_second"}) == ("0003_third",)
    (folder / "0003_third.sql").unlink()
    assert migrate(empty, folder, borne={"0003_third", "0009_never"}) == ("0002_second",)
    assert applied_ids(empty) == {"0001_first", "0002_second", "0003_third"}


def test_a_change_that_waits_for_a_table_lets_readers_by_and_comes_again(
    empty: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.migrate._TABLE_WAIT_SECONDS", 1)
    second = folder / "0002_second.sql"
    text = second.read_text()
    second.unlink()
    migrate(empty, folder)
    second.write_text(text)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            migrate(empty, folder)
        except (MigrationError, pymysql.err.Error) as error:
            failures.append(error)

    with closing(empty.connect()) as user, user.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        cursor.execute("SELECT id FROM first")
        thread = threading.Thread(target=run)
        thread.start()
        waits = "SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock%'"
        assert until(lambda: bool(rows(empty, waits)), timeout_seconds=30)
        assert rows(empty, "SELECT id FROM first") == [(1,)]  # it waits behind the change, and no longer than that does
        assert thread.is_alive()
        cursor.execute("COMMIT")
        thread.join(60)
    assert failures == []
    assert applied_ids(empty) == {"0001_first", "0002_second"}


def test_a_failing_statement_is_told_and_not_marked(empty: Database, folder: Path) -> None:
    (folder / "0002_second.sql").write_text("ALTER TABLE absent ADD COLUMN name VARCHAR(9);")
    with pytest.raises(MigrationError, match="absent"):
        migrate(empty, folder)
    (folder / "0002_second.sql").write_text("ALTER TABLE first ADD COLUMN name VARCHAR(9);")
    assert migrate(empty, folder) == ("0002_second",)


def test_a_row_of_a_killed_run_does_not_lock_the_database(empty: Database, folder: Path) -> None:
    migrate(empty, folder)
    with closing(empty.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, UTC_TIMESTAMP(), 4242)")
    assert migrate(empty, folder) == ()


def test_a_run_killed_at_any_moment_is_made_good_by_the_next(empty: Database, folder: Path) -> None:
    (folder / "0001_first.sql").write_text(
        "CREATE TABLE IF NOT EXISTS first (id INT PRIMARY KEY);\nINSERT IGNORE INTO first VALUES (1);\n"
    )
    (folder / "0002_second.sql").unlink()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    code = "import sys; from pathlib import Path; from ops.database import from_url; from ops.migrate import migrate; "
    code += "database = from_url(sys.argv[1]); print('begins', flush=True); migrate(database, Path(sys.argv[2]))"
    url = f"mysql://{empty.user}:{empty.password}@{empty.host}:{empty.port}/{empty.name}?tls=off"
    killed = 0
    for _ in range(15):
        with closing(empty.connect()) as connection, connection.cursor() as cursor:
            for table in tables(empty):
                cursor.execute(f"DROP TABLE `{table}`")
        run = subprocess.Popen(
            [sys.executable, "-c", code, url, str(folder)], cwd=PROJECT, stdout=subprocess.PIPE, bufsize=0
        )
        assert run.stdout is not None
        assert run.stdout.readline() == b"begins\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(chance.uniform(0, 0.12))
        run.kill()
        killed += run.wait(10) == -signal.SIGKILL
        run.stdout.close()
        migrate(empty, folder)
        assert rows(empty, "SELECT id FROM first") == [(1,)]
        assert rows(empty, "SELECT migration_id FROM _yoyo_migration") == [("0001_first",)]
    assert killed > 0


def test_runs_at_once_apply_each_migration_once(empty: Database, folder: Path) -> None:
    applied: list[str] = []
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def run() -> None:
        start.wait(10)
        try:
            applied.extend(migrate(empty, folder))
        except (MigrationError, pymysql.err.Error) as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert sorted(applied) == ["0001_first", "0002_second"]
    assert rows(empty, "SELECT id FROM first") == [(1,)]


def test_the_projects_own_migrations_survive_a_kill_before_they_were_marked(empty: Database) -> None:
    """Each is applied a second time, as after a kill between its last statement and its mark."""
    first = migrate(empty)
    assert first == tuple(sorted(path.stem for path in MIGRATIONS.glob("*.sql") if "rollback" not in path.name))
    for migration in first:
        statements = [line for line in (MIGRATIONS / f"{migration}.sql").read_text().split(";\n") if line.strip()]
        if len(statements) == 1:
            continue  # marked at once after its one statement
        before = rows(empty, "SELECT COUNT(*) FROM owners")
        with closing(empty.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM _yoyo_migration WHERE migration_id = %s", (migration,))
        assert migrate(empty) == (migration,)
        assert rows(empty, "SELECT COUNT(*) FROM owners") == before


def test_images_that_were_there_before_get_renditions_and_terms_by_jobs(empty: Database, tmp_path: Path) -> None:
    for path in MIGRATIONS.glob("*.sql"):
        if path.name < "0005":
            (tmp_path / path.name).write_text(path.read_text())
    migrate(empty, tmp_path)
    with closing(empty.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO images (owner_id, image_key, object_key, sha256, size, media_type, width, height, frames, "
            "created_at) SELECT id, %s, 'originals/aa/bb', %s, 1, 'image/png', 1, 1, 1, UTC_TIMESTAMP(6) FROM owners",
            ("é".encode(), bytes(32)),
        )
        connection.commit()
    migrate(empty)
    (to_index, (job_id, kind, body)) = rows(empty, "SELECT id, kind, body FROM jobs ORDER BY kind")
    ((owner_id,),) = rows(empty, "SELECT id FROM owners")
    kinds = tuple(kind.name for kind in ON_ARRIVAL)
    assert isinstance(job_id, bytes)
    assert isinstance(owner_id, bytes)
    assert isinstance(body, str)
    assert kind == RENDER
    assert render_of(Job(job_id, kind, body)) == Render(owner_id, "é".encode(), "originals/aa/bb", kinds)
    due = rows(empty, "SELECT kind, object_key, state FROM renditions")
    assert indexed_by(Job(b"", INDEX_IMAGES, str(to_index[2]))) == (owner_id, b"")
    assert set(due) == {(kind, object_key_of("originals/aa/bb", kind), "due") for kind in kinds}


def test_what_was_made_of_images_before_it_counted_is_counted(empty: Database, tmp_path: Path) -> None:
    for path in MIGRATIONS.glob("*.sql"):
        if path.name < "0008":
            (tmp_path / path.name).write_text(path.read_text())
    migrate(empty, tmp_path)
    with closing(empty.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO images (owner_id, image_key, object_key, sha256, size, media_type, width, height, frames, "
            "created_at) SELECT id, 'k', 'originals/aa/bb', %s, 100, 'image/png', 1, 1, 1, UTC_TIMESTAMP(6) "
            "FROM owners",
            (bytes(32),),
        )
        for kind, state, size in (("thumbnail", "ready", 20), ("preview", "ready", 3), ("flipped", "due", 0)):
            cursor.execute(
                "INSERT INTO renditions (owner_id, image_key, kind, source_object_key, object_key, size, media_type, "
                "state, created_at) SELECT id, 'k', %s, 'originals/aa/bb', 'renditions/aa/bb', %s, 'image/webp', %s, "
                "UTC_TIMESTAMP(6) FROM owners",
                (kind, size, state),
            )
        cursor.execute("UPDATE owners SET bytes = 100")
        connection.commit()
    migrate(empty)
    assert rows(empty, "SELECT bytes FROM owners") == [(123,)]


def test_the_command_reads_the_environment_and_an_address(empty: Database) -> None:
    command = [sys.executable, "-m", "ops.migrate"]
    settings = {
        "DATABASE_HOST": empty.host,
        "DATABASE_PORT": str(empty.port),
        "DATABASE_USER": empty.user,
        "DATABASE_PASSWORD": empty.password,
        "DATABASE_NAME": empty.name,
        "DATABASE_TLS": "off",
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    by_environ = subprocess.run(
        command, cwd=PROJECT, env={**clean, **settings}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (by_environ.returncode, by_environ.stderr) == (0, "")
    assert by_environ.stdout.startswith("Applied: 0001_")
    url = f"mysql://{empty.user}:{empty.password}@{empty.host}:{empty.port}/{empty.name}?tls=off"
    by_url = subprocess.run(
        [*command, "--database-url", url],
        cwd=PROJECT,
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (by_url.returncode, by_url.stdout) == (0, "Up to date.\n")
    nothing = subprocess.run(command, cwd=PROJECT, env=clean, capture_output=True, text=True, timeout=60, check=False)
    assert nothing.returncode == 2
    assert "Traceback" not in nothing.stderr


def test_a_wrong_password_is_one_sentence(empty: Database) -> None:
    wrong = replace(empty, password=uuid.uuid4().hex)
    url = f"mysql://{wrong.user}:{wrong.password}@{wrong.host}:{wrong.port}/{wrong.name}?tls=off"
    done = subprocess.run(
        [sys.executable, "-m", "ops.migrate", "--database-url", url],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "denied" in done.stderr
    assert "Traceback" not in done.stderr
