"""What the operator's command says when something is not as it should be, and how it ends."""

from pathlib import Path
from typing import Any

import pymysql
import pytest

from ops.aws import tables
from ops.aws.command import FAILED, main
from ops.aws.commands import backup
from ops.aws.commands.status import is_ready
from ops.aws.errors import OperatorError

TOLD = {"OperatorSecretArn": "arn", "DatabaseHost": "db.internal", "DatabasePort": "3306"}


class Secrets:
    def get_secret_value(self, **_words: Any) -> dict[str, str]:
        return {"SecretString": '{"username": "operator", "password": "secret"}'}


def test_a_database_out_of_reach_is_told_in_words_with_the_way_to_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(*_parts: object) -> int:
        raise pymysql.err.OperationalError(2003, "Can't connect to MySQL server on 'db.internal' (timed out)")

    monkeypatch.setattr(backup, "run", away)
    assert main(["backup", "blue", "file", "--key", "key", "--region", "eu-west-1"]) == FAILED
    said = capsys.readouterr().err
    assert "db.internal" in said
    assert f"set {tables.VIA_VARIABLE}=" in said
    assert "secret" not in said


def test_the_database_is_reached_by_another_address_under_its_own_name() -> None:
    found = tables.operators_database(Secrets(), TOLD, {tables.VIA_VARIABLE: "127.0.0.1:13306"})
    assert isinstance(found, tables.Tunnelled)
    assert (found.host, found.port, found.certified_host) == ("127.0.0.1", 13306, "db.internal")
    direct = tables.operators_database(Secrets(), TOLD, {})
    assert (direct.host, direct.port) == ("db.internal", 3306)


@pytest.mark.parametrize("via", ["127.0.0.1", "13306", ":13306", "127.0.0.1:", "127.0.0.1:port"])
def test_a_way_that_is_no_address_is_refused_in_words(via: str) -> None:
    with pytest.raises(OperatorError, match="is no address"):
        tables.operators_database(Secrets(), TOLD, {tables.VIA_VARIABLE: via})


@pytest.mark.parametrize(
    ("answer", "ready"),
    [
        ({"status": "ready"}, True),
        ({"status": "degraded"}, True),
        ({"status": "not ready"}, False),
        ({"status": "unreachable"}, False),
        ({"state": "not deployed"}, False),
        ({"message": "Internal server error"}, False),  # of a gateway whose function cannot be loaded
    ],
)
def test_an_environment_stands_if_it_says_that_it_can_serve(answer: dict[str, str], ready: bool) -> None:
    assert is_ready(answer) is ready


def test_a_backup_that_was_stopped_is_given_again_as_it_was_with_the_key_that_it_made(tmp_path: Path) -> None:
    file, path = tmp_path / "backup", tmp_path / "key"
    key = backup.key_for(file, path, is_new=True)
    with pytest.raises(OperatorError, match="never written over"):
        backup.key_for(file, path, is_new=True)
    backup.unfinished_of(file).write_bytes(b"")
    assert backup.key_for(file, path, is_new=True) == backup.key_for(file, path, is_new=False) == key
