"""What an admin is told of the replica."""

from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from chalicelib.domain.list_sources import ListSource
from chalicelib.services.replica_status import ReplicaStatus
from chalicelib.web.openapi import document
from tests.fakes.parts import memory_app
from tests.web.caller import Caller

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NONE = {"configured": False, "lag_seconds": None, "lag_seconds_at_least": None, "serving_reads": None}


class Beats:
    """The primary's last beat is 5 s old, the replica's 65."""

    def beat(self) -> None:
        raise AssertionError("nothing is changed by looking")

    def at_primary(self) -> tuple[datetime, datetime | None]:
        return NOW, NOW - timedelta(seconds=5)

    def at_replica(self) -> datetime | None:
        return NOW - timedelta(seconds=65)


@pytest.fixture
def call() -> Caller:
    """A store with a replica, which gave one list of four."""
    caller = Caller()
    status = ReplicaStatus(Beats())
    for source in (ListSource.REPLICA, ListSource.BEHIND, ListSource.BEHIND, ListSource.SILENT):
        status.counts.note(source)
    caller.app = memory_app(caller.parts.services(replica=status))
    return caller


def test_the_replica_s_lag_and_share_are_told(call: Caller) -> None:
    told = call("GET", "/api/v1/replica").json
    assert told == {"configured": True, "lag_seconds": 65.0, "lag_seconds_at_least": 5.0, "serving_reads": 0.25}


def test_without_one_that_is_told() -> None:
    assert Caller()("GET", "/api/v1/replica").json == NONE


def test_both_are_what_the_document_says(call: Caller) -> None:
    schema = document()["components"]["schemas"]["Replica"]  # type: ignore[index]
    for told in (call("GET", "/api/v1/replica").json, NONE):
        jsonschema.validate(told, schema)


def test_the_manager_shows_it_where_there_is_one(call: Caller) -> None:
    words = b"The replica is 5 to 65 s behind; of the lists that this process gave, 25.0 % came from it."
    assert words in call("GET", "/manager").body
    assert b"The replica" not in Caller()("GET", "/manager").body
