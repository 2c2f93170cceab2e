"""The rows over a database that loses answers, conflicts, dies, comes back, or hangs."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pymysql
import pytest

from chalicelib.adapters.mysql.database import Database, Transaction
from chalicelib.adapters.mysql.fleet_maps import MySqlFleetMaps
from chalicelib.adapters.mysql.job_rows import MySqlJobRows
from chalicelib.adapters.mysql.settings_rows import MySqlSettingsRows
from chalicelib.domain import fleet
from chalicelib.domain.errors import PreconditionError, RowsUnavailableError
from chalicelib.domain.fleet import Node, with_nodes
from chalicelib.domain.images import Image
from chalicelib.domain.keys import IfTaken
from tests.contract.real_parts import MariaDb
from tests.contract.rows_under_test import DEMO, RowsUnderTest, draft_of, mysql_rows, no_precondition

LoseNextAnswer = Callable[[], None]
GENEROUS_SECONDS = 30.0


@pytest.fixture
def lose_next_answer(monkeypatch: pytest.MonkeyPatch) -> LoseNextAnswer:
    """Makes the next COMMIT succeed and its answer get lost."""
    commit = pymysql.connections.Connection.commit
    losses: list[None] = []

    def committed_unheard(connection: pymysql.connections.Connection) -> None:
        commit(connection)
        if losses:
            losses.pop()
            connection._force_close()  # type: ignore[attr-defined]
            raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

    monkeypatch.setattr(pymysql.connections.Connection, "commit", committed_unheard)
    return lambda: losses.append(None)


@pytest.fixture
def rows(maria: MariaDb) -> RowsUnderTest:
    return mysql_rows(maria)


def test_a_put_whose_answer_was_lost_is_done_once(rows: RowsUnderTest, lose_next_answer: LoseNextAnswer) -> None:
    draft = draft_of(b"k1")
    intent = rows.announced(draft)
    lose_next_answer()
    written = rows.images.put(DEMO, draft, intent.id, no_precondition)
    assert written.created
    assert list(written.jobs) == rows.jobs.due(10)
    assert rows.unrendered(written).jobs == ()
    row = rows.images.row(DEMO, b"k1")
    assert (row.image, row.owner.version) == (written.image, 1)


def test_a_replacing_put_whose_answer_was_lost_answers_as_the_first_time(
    rows: RowsUnderTest, lose_next_answer: LoseNextAnswer
) -> None:
    before = rows.put(b"k1").image
    draft = draft_of(b"k1")
    intent = rows.announced(draft)

    def as_it_was(image: Image | None) -> None:
        if image != before:
            raise PreconditionError("another one")

    lose_next_answer()
    written = rows.unrendered(rows.images.put(DEMO, draft, intent.id, as_it_was))
    assert not written.created
    assert rows.jobs.due(10) == list(written.jobs)
    assert rows.removed_by(written.jobs[0]) == [before.object_key]
    assert rows.images.owner(DEMO).version == 2


def test_a_put_that_keeps_both_and_whose_answer_was_lost_answers_as_the_first_time(
    rows: RowsUnderTest, lose_next_answer: LoseNextAnswer
) -> None:
    before = rows.put(b"k1").image
    draft = replace(draft_of(b"k1"), if_taken=IfTaken.KEEP_BOTH)
    for _ in range(2):  # other bytes, and then the same once more
        intent = rows.announced(draft)
        lose_next_answer()
        written = rows.images.put(DEMO, draft, intent.id, no_precondition)
        assert (written.image.key, written.image.sha256) == (b"k1 (2)", draft.sha256)
        assert rows.jobs.due(10) == list(written.jobs)
        assert rows.images.keys(DEMO) == [b"k1", b"k1 (2)"]
        kept = rows.unrendered(written)
        draft = replace(draft, object_key=draft_of(b"k1").object_key)
    assert (kept.stored, kept.duplicate_of) == (False, b"k1 (2)")
    assert rows.images.row(DEMO, b"k1").image == before
    assert rows.images.owner(DEMO).version == 2


def test_an_announcement_whose_answer_was_lost_is_there_once(
    rows: RowsUnderTest, lose_next_answer: LoseNextAnswer
) -> None:
    lose_next_answer()
    intent = rows.announced(draft_of(b"k1"))
    rows.images.abandon(intent.id)
    assert rows.jobs.due(10) == [intent.id]


def test_a_delete_whose_answer_was_lost_is_done_once(rows: RowsUnderTest, lose_next_answer: LoseNextAnswer) -> None:
    rows.put(b"k1")
    lose_next_answer()
    assert rows.images.delete(DEMO, b"k1", b"j" * 16, no_precondition) == (b"j" * 16,)
    assert rows.images.row(DEMO, b"k1").owner.version == 2
    assert rows.jobs.due(10) == [b"j" * 16]


def test_a_delete_of_all_whose_answer_was_lost_counts_what_it_deleted(
    rows: RowsUnderTest, lose_next_answer: LoseNextAnswer
) -> None:
    for key in (b"k1", b"k2", b"k3"):
        rows.put(key)
    lose_next_answer()
    deleted, due = rows.images.delete_all(DEMO, b"j" * 16)
    assert deleted == 3
    assert rows.jobs.due(10) == list(due)


def test_claims_maps_and_settings_whose_answer_was_lost_answer_as_the_first_time(
    maria: MariaDb, rows: RowsUnderTest, lose_next_answer: LoseNextAnswer
) -> None:
    database = maria.database()
    intent = rows.announced(draft_of(b"k1"))
    rows.images.abandon(intent.id)
    lose_next_answer()
    assert MySqlJobRows(database).claim(intent.id) == intent
    lose_next_answer()
    assert MySqlFleetMaps(database).publish(with_nodes(fleet.EMPTY, [Node("a", "10.0.0.1", 1)]))
    for version in (0, 1):
        lose_next_answer()
        assert MySqlSettingsRows(database).write("cache", version, {"a": version})


def test_a_deadlock_is_run_again(rows: RowsUnderTest, maria: MariaDb) -> None:
    rows.put(b"a")
    rows.put(b"b")
    database, both_locked, attempts = maria.database(), threading.Barrier(2), list[bytes]()

    def crossing(first: bytes, second: bytes) -> None:
        met = False

        def work(transaction: Transaction) -> None:
            nonlocal met
            attempts.append(first)
            transaction.change("UPDATE images SET size = size + 1 WHERE image_key = %s", (first,))
            if not met:
                met = True
                both_locked.wait(20)
            transaction.change("UPDATE images SET size = size + 1 WHERE image_key = %s", (second,))

        database.transaction(work)

    threads = [threading.Thread(target=crossing, args=keys) for keys in ((b"a", b"b"), (b"b", b"a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(attempts) > 2
    assert maria.execute("SELECT DISTINCT size FROM images") == [(72,)]


def test_an_error_of_the_work_rolls_back_and_keeps_the_connection(maria: MariaDb) -> None:
    database = maria.database()
    connection_id = database.select("SELECT CONNECTION_ID()")

    def work(transaction: Transaction) -> None:
        transaction.change("UPDATE owners SET version = 99")
        raise PreconditionError("no")

    with pytest.raises(PreconditionError):
        database.transaction(work)
    assert database.select("SELECT version FROM owners") == [(0,)]
    assert database.select("SELECT CONNECTION_ID()") == connection_id


def test_a_connection_taken_from_the_pool_has_no_open_transaction(maria: MariaDb, rows: RowsUnderTest) -> None:
    reader = maria.database()
    assert reader.transaction(lambda transaction: transaction.select("SELECT version FROM owners")) == [(0,)]
    rows.put(b"k1")
    assert reader.select("SELECT version FROM owners") == [(1,)]


def test_kept_connections_heal_after_the_server_was_killed(rows: RowsUnderTest, maria: MariaDb) -> None:
    image = rows.put(b"k1").image
    maria.server.kill()
    maria.server.start()
    assert rows.images.row(DEMO, b"k1").image == image
    maria.server.kill()
    maria.server.start()
    assert not rows.put(b"k1").created


def test_many_kept_connections_heal_after_the_server_was_killed(maria: MariaDb) -> None:
    database, all_here = maria.database(), threading.Barrier(8)

    def use(found: list[object]) -> None:
        def work(transaction: Transaction) -> None:
            transaction.select("SELECT 1")
            all_here.wait(20)  # each holds a connection of its own

        database.transaction(work)
        found.append(1)

    for _ in range(2):
        found = list[object]()
        threads = [threading.Thread(target=use, args=(found,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(found) == 8
        maria.server.kill()
        maria.server.start()
    assert database.select("SELECT 1") == [(1,)]


def test_a_server_that_is_gone_is_unavailable(rows: RowsUnderTest, maria: MariaDb) -> None:
    rows.put(b"k1")
    maria.server.kill()
    with pytest.raises(RowsUnavailableError):
        rows.images.row(DEMO, b"k1")
    with pytest.raises(RowsUnavailableError):
        rows.images.abandon(b"i" * 16)


@pytest.mark.parametrize("connected_before", [True, False])
def test_a_server_that_hangs_is_unavailable_within_the_timeout(maria: MariaDb, connected_before: bool) -> None:
    database = maria.database(answer_timeout_seconds=1.0)
    if connected_before:
        database.select("SELECT 1")
    maria.server.pause()
    questions: list[Callable[[], object]] = [
        lambda: database.select("SELECT 1"),
        lambda: database.transaction(lambda transaction: transaction.select("SELECT 1")),
    ]
    for question in questions:
        started = time.monotonic()
        with pytest.raises(RowsUnavailableError):
            question()
        assert time.monotonic() - started < 5
    maria.server.resume()
    assert database.select("SELECT 1") == [(1,)]


def test_a_named_lock_is_given_to_one_at_a_time(database: Database) -> None:
    with database.exclusive("scaler") as first:
        with database.exclusive("scaler") as second, database.exclusive("other") as other:
            assert (first, second, other) == (True, False, True)
        with database.exclusive("scaler") as third:
            assert not third
    deadline = time.monotonic() + GENEROUS_SECONDS
    while time.monotonic() < deadline:  # the server frees it once it sees that the connection is gone
        with database.exclusive("scaler") as granted:
            if granted:
                return
        time.sleep(0.01)
    pytest.fail("the lock was not freed")


def test_a_named_lock_is_free_after_its_holder_failed(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.exclusive("scaler"):
        raise ZeroDivisionError
    deadline = time.monotonic() + GENEROUS_SECONDS
    while time.monotonic() < deadline:
        with database.exclusive("scaler") as granted:
            if granted:
                return
        time.sleep(0.01)
    pytest.fail("the lock was not freed")


def test_a_named_lock_is_given_after_the_server_was_killed(database: Database, maria: MariaDb) -> None:
    database.select("SELECT 1")
    maria.server.kill()
    maria.server.start()
    with database.exclusive("scaler") as granted:
        assert granted


def test_a_named_lock_of_a_server_that_is_gone_is_unavailable(database: Database, maria: MariaDb) -> None:
    database.select("SELECT 1")
    maria.server.kill()
    with pytest.raises(RowsUnavailableError), database.exclusive("scaler"):
        pytest.fail("there is nobody to give the lock")
