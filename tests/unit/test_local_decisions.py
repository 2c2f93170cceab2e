"""What the local cloud decides by pure functions."""

from pathlib import Path

import pytest

from ops.database import Database, from_environ, from_url
from ops.local import app_environ
from ops.local.bootstrap import Endpoints
from ops.local.cloud import restart_delay_seconds
from ops.local.nodes import boot_environ, differences
from ops.local.parts import base_environ
from ops.local.state import StateFolder

DATABASE = Database(host="127.0.0.1", port=3307, user="user", password="p@ss/word", name="images", tls=False)


def test_restarts_wait_longer_each_time_and_then_end() -> None:
    delays = [restart_delay_seconds(deaths) for deaths in range(1, 7)]
    assert delays[-1] is None
    known = [delay for delay in delays if delay is not None]
    assert known == sorted(known)
    assert len(known) == 5


def test_instances_without_process_are_booted_and_processes_without_instance_end() -> None:
    assert differences({"i-1": "127.16.1.4", "i-2": "127.16.1.5"}, {"i-2": None, "i-3": None}) == (["i-1"], ["i-3"])


def test_a_boot_script_sees_no_password() -> None:
    environ = {"PATH": "/bin", "DATABASE_PASSWORD": "secret", "NODE_PORT": "11211"}
    assert boot_environ(environ, user_id=1000) == {"PATH": "/bin", "NODE_PORT": "11211"}
    assert boot_environ(environ, user_id=0) == {"PATH": "/bin", "NODE_PORT": "11211", "NODE_USER": "root"}


def test_nothing_of_the_persons_own_environment_reaches_a_part() -> None:
    own = {"PATH": "/opt/bin", "AWS_PROFILE": "work", "HTTPS_PROXY": "http://proxy", "PYTHONPATH": "/own"}
    environ = base_environ(StateFolder(Path("/state")), own)
    assert not {"AWS_PROFILE", "HTTPS_PROXY", "PYTHONPATH"} & set(environ)
    assert environ["PATH"].startswith("/opt/bin:")


def test_the_environment_file_gives_back_what_was_written(tmp_path: Path) -> None:
    endpoints = Endpoints(default="http://127.0.0.1:1", ec2="http://127.0.0.1:2")
    urls, subnets = ("http://127.0.0.1:1/q?a=b", "fleet"), ("subnet-1", "subnet-2")
    environ = app_environ.app_environ(DATABASE, endpoints, urls, subnets, 3, "auto", "k" * 32, "50", "compatible-api")
    (tmp_path / "app.env").write_text(app_environ.to_lines(environ))
    assert app_environ.read(tmp_path / "app.env") == environ
    assert from_environ(environ) == DATABASE
    assert environ["NODE_SUBNETS"] == "subnet-1,subnet-2"
    assert environ["FLEET_NODES"] == "3"


def test_a_database_address_is_read() -> None:
    assert from_url("mysql://user:p%40ss%2Fword@127.0.0.1:3307/images?tls=off") == DATABASE
    assert from_url("mysql://user:p@db.example/images").tls


@pytest.mark.parametrize(
    "url", ["", "mysql://db/images", "postgres://u:p@h/images", "mysql://u:p@h", "mysql://u@h:x/i"]
)
def test_a_wrong_database_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_url(url)
