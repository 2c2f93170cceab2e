"""Lists and beats over a real primary and a real replica: whose answer it is, and who may have one."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.adapters.mysql.account_rows import MySqlAccountRows
from chalicelib.adapters.mysql.gallery_rows import MySqlGalleryRows
from chalicelib.adapters.mysql.heartbeats import MySqlHeartbeats
from chalicelib.adapters.mysql.image_lists import ReplicatedImageLists
from chalicelib.adapters.mysql.image_rows import MySqlImageRows
from chalicelib.adapters.mysql.reads import Reads
from chalicelib.domain.accounts import Account, Principal, Way
from chalicelib.domain.list_sources import ListSource
from chalicelib.domain.search import query_of
from chalicelib.services.replica_status import ListCounts, ReplicaStatus
from tests.contract.real_parts import MariaDb, Replica, state_folder
from tests.contract.rows_under_test import DEMO, mysql_rows
from tests.local_cloud import until

SESSIONS = "SELECT token_hash FROM sessions"


@dataclass
class Pair:
    """A primary, its replica, and the rows as the application has them."""

    primary: MariaDb
    replica: Replica
    counts: ListCounts = field(default_factory=ListCounts)

    def __post_init__(self) -> None:
        primary, replica = self.primary.database(), self.replica.database()
        reads = Reads(primary, replica, self._not_stale)
        lists = ReplicatedImageLists(reads, replica, self.counts.note)
        images = MySqlImageRows(primary, reads, lists)
        self.gallery = MySqlGalleryRows(reads, lists)
        self.rows = replace(mysql_rows(self.primary), images=images)
        self.accounts = MySqlAccountRows(primary)
        self.status = ReplicaStatus(MySqlHeartbeats(primary, replica), self.counts)

    def given(self) -> tuple[int, int]:
        """How many lists the replica gave, and for how many it was behind."""
        return self.counts.of(ListSource.REPLICA), self.counts.of(ListSource.BEHIND)

    def catch_up(self) -> None:
        assert until(self.replica.has_caught_up, timeout_seconds=20)

    def shows_the_beat(self) -> bool:
        heartbeats = self.status.heartbeats
        assert heartbeats is not None
        return heartbeats.at_replica() == heartbeats.at_primary()[1]

    def session(self) -> Principal:
        """A session of a new account's."""
        account = Account(secrets.token_bytes(16), f"{secrets.token_hex(4)}@store.test", "none", False, False)
        assert self.accounts.create(account)
        token_hash = secrets.token_bytes(32)
        self.accounts.begin_session(account.owner_id, token_hash, None)
        return Principal("", way=Way.SESSION, token_hash=token_hash)

    def _not_stale(self) -> None:
        raise AssertionError("the primary answers")


@pytest.fixture(scope="module")
def one_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MariaDb, Replica]]:
    primary = MariaDb(state_folder(tmp_path_factory.mktemp("replicated")), replicated=True)
    replica = Replica(primary)
    yield primary, replica
    replica.server.kill()
    primary.server.kill()


@pytest.fixture
def pair(one_pair: tuple[MariaDb, Replica]) -> Iterator[Pair]:
    primary, replica = one_pair
    primary.empty()
    made = Pair(primary, replica)
    made.catch_up()
    yield made
    replica.follow()
    while primary.databases:
        primary.databases.pop().close()


def test_lists_are_the_replica_s_when_it_has_what_the_primary_has(pair: Pair) -> None:
    for key in (b"b", b"a", b"c"):
        pair.rows.put(key)
    pair.catch_up()
    assert pair.rows.images.keys(DEMO) == [b"a", b"b", b"c"]
    assert [image.key for image in pair.rows.images.page(DEMO, b"a", 1)] == [b"b"]
    assert [image.key for image in pair.rows.images.page(DEMO, None, 9)] == [b"a", b"b", b"c"]
    assert pair.rows.images.page(DEMO, b"c", 9) == []
    assert pair.given() == (4, 0)


def test_a_replica_s_rows_are_the_primary_s_rows(pair: Pair) -> None:
    written = [pair.rows.put(key).image for key in (b"a", b"b \xc3\xa9", b"c ")]
    assert pair.rows.images.page(DEMO, None, 9) == written
    pair.catch_up()
    before = pair.given()[0]
    assert pair.rows.images.page(DEMO, None, 9) == written
    assert pair.given()[0] == before + 1


def test_searches_come_from_the_replica_and_show_each_write_at_once(pair: Pair) -> None:
    def found(text: str) -> list[bytes]:
        entries, source = pair.gallery.page(DEMO, None, 9, query_of(text))
        sources.append(source)
        return [entry.image.key for entry in entries]

    sources: list[ListSource] = []
    for key in (b"beach 1", b"beach 2", b"sea"):
        pair.rows.put(key)
    assert pair.rows.renditions.add_tag(DEMO, b"beach 1", "dawn", 9)
    pair.catch_up()
    queries = ("", "bea", "tag:dawn", "beach tag:dawn", "beach -tag:dawn", "uploaded:2001.. s")
    seen = [found(text) for text in queries]
    assert set(sources) == {ListSource.REPLICA}
    pair.replica.fall_behind()
    assert pair.rows.renditions.add_tag(DEMO, b"beach 2", "dawn", 9)
    assert found("tag:dawn") == [b"beach 2", b"beach 1"]
    assert sources[-1] is ListSource.BEHIND
    assert pair.rows.renditions.remove_tag(DEMO, b"beach 2", "dawn")
    assert [found(text) for text in queries] == seen
    assert seen[:3] == [[b"sea", b"beach 2", b"beach 1"], [b"beach 2", b"beach 1"], [b"beach 1"]]
    assert seen[3:] == [[b"beach 1"], [b"beach 2"], [b"sea"]]


def test_what_was_just_written_is_listed_and_what_was_deleted_is_not(pair: Pair) -> None:
    pair.rows.put(b"old")
    pair.catch_up()
    pair.replica.fall_behind()
    pair.rows.put(b"new")
    assert pair.rows.images.keys(DEMO) == [b"new", b"old"]
    pair.rows.images.delete(DEMO, b"old", secrets.token_bytes(16), lambda image: None)
    assert pair.rows.images.keys(DEMO) == [b"new"]
    pair.rows.images.delete_all(DEMO, secrets.token_bytes(16))
    assert pair.rows.images.page(DEMO, None, 9) == []
    assert pair.given() == (0, 3)


def test_another_s_writes_do_not_keep_an_owner_from_the_replica(pair: Pair) -> None:
    pair.rows.put(b"demo's")
    quiet = pair.session()
    pair.catch_up()
    pair.replica.fall_behind()
    pair.rows.put(b"demo's too")
    assert pair.rows.images.keys(quiet) == []
    assert pair.given() == (1, 0)


def test_a_session_is_judged_at_the_primary_alone(pair: Pair) -> None:
    known = pair.session()
    assert until(lambda: pair.replica.execute(SESSIONS) == [(known.token_hash,)], timeout_seconds=20)
    pair.replica.fall_behind()
    unknown = pair.session()  # owner and session: the replica knows of neither
    assert pair.rows.images.keys(unknown) == []
    assert pair.given() == (0, 1)

    assert pair.rows.images.keys(known) == []
    assert pair.given() == (1, 1)
    pair.accounts.end_session(known.token_hash)
    assert pair.replica.execute(SESSIONS) == [(known.token_hash,)]  # there it goes on
    assert pair.rows.images.keys(known) == []
    assert pair.given() == (1, 1)  # nothing was asked of it


def test_beats_bound_the_lag(pair: Pair) -> None:
    assert pair.status.view().lag is None  # not before the first
    pair.status.beat()
    assert until(pair.shows_the_beat, timeout_seconds=20)
    lag = pair.status.view().lag
    assert lag is not None
    assert lag.at_least == 0 <= lag.at_most < 20

    pair.replica.fall_behind()
    pair.status.beat()
    assert until(lambda: _at_least(pair) > 0.5, timeout_seconds=20)
    pair.replica.follow()
    assert until(lambda: _at_least(pair) == 0, timeout_seconds=20)


def _at_least(pair: Pair) -> float:
    lag = pair.status.view().lag
    assert lag is not None
    return lag.at_least
