"""The database's password in a secret: against the stand-in for Secrets Manager, and a real MariaDB that refuses."""

import dataclasses
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from chalicelib.adapters import aws_clients
from chalicelib.adapters.mysql.database import Database
from chalicelib.adapters.mysql.sign_ins import SecretSignIns
from chalicelib.adapters.secrets_manager import PAUSE_SECONDS, Secret
from chalicelib.domain.errors import RowsUnavailableError, SecretsUnavailableError
from ops.database import Database as Administrator
from ops.local.mariadb import APPLICATION_USER, DATABASE
from ops.local.ports import free_port
from tests.contract.real_parts import MariaDb, Server

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@pytest.fixture
def client(stack: Server) -> Iterator["SecretsManagerClient"]:
    made = aws_clients.secrets()
    yield made
    made.close()


class Counted:
    """The client, and how often the secret was read."""

    def __init__(self, client: "SecretsManagerClient") -> None:
        self.client = client
        self.reads = 0

    def get_secret_value(self, *, SecretId: str) -> object:  # noqa: N803
        self.reads += 1
        return self.client.get_secret_value(SecretId=SecretId)


@pytest.fixture
def arn(client: "SecretsManagerClient") -> str:
    return client.create_secret(Name=f"elastic-images/{secrets.token_hex(4)}", SecretString="first")["ARN"]


def of(counted: Counted, arn: str, clock: list[float]) -> Secret:
    return Secret(counted, arn, lambda: clock[0])  # type: ignore[arg-type]


def test_a_secret_is_read_when_it_is_needed_and_once(client: "SecretsManagerClient", arn: str) -> None:
    counted = Counted(client)
    secret = of(counted, arn, [0.0])
    assert counted.reads == 0
    assert [secret.current() for _ in range(3)] == ["first"] * 3
    assert counted.reads == 1


def test_many_at_once_read_it_once(client: "SecretsManagerClient", arn: str) -> None:
    counted, told = Counted(client), list[str]()
    secret = of(counted, arn, [0.0])
    threads = [threading.Thread(target=lambda: told.append(secret.current())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (told, counted.reads) == (["first"] * 8, 1)


def test_a_wrong_one_is_read_again_once_in_a_while(client: "SecretsManagerClient", arn: str) -> None:
    counted, clock = Counted(client), [0.0]
    secret = of(counted, arn, clock)
    assert secret.current() == "first"
    client.put_secret_value(SecretId=arn, SecretString="second")
    assert secret.current() == "first"
    assert secret.after("first") == "second"
    assert secret.after("first") == "second"  # somebody else had read it meanwhile
    assert counted.reads == 2
    client.put_secret_value(SecretId=arn, SecretString="third")
    assert secret.after("second") == "second"
    clock[0] += PAUSE_SECONDS
    assert secret.after("second") == "third"


def test_what_cannot_be_read_is_said_and_asked_for_again(client: "SecretsManagerClient", arn: str) -> None:
    with pytest.raises(SecretsUnavailableError):
        Secret(client, arn + "-of-another").current()
    nowhere = boto3.client(
        "secretsmanager",
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        config=Config(connect_timeout=0.5, retries={"total_max_attempts": 1}),
    )
    secret = Secret(nowhere, arn)
    with pytest.raises(SecretsUnavailableError):
        secret.current()
    secret._client = client
    assert secret.current() == "first"


class Told:
    """A secret of the test's own."""

    def __init__(self, text: str) -> None:
        self.text, self.newest, self.asked_again = text, text, 0

    def current(self) -> str:
        return self.text

    def after(self, wrong: str) -> str:
        self.asked_again += 1
        self.text = self.newest
        return self.text


def told(password: str) -> str:
    return json.dumps({"username": APPLICATION_USER, "password": password, "host": "what rotation adds"})


@pytest.fixture
def change_password(maria: MariaDb) -> Iterator[Callable[[str, str], None]]:
    """Gives the application's user another password, knowing its own; afterwards it has the first one again."""
    first = holds = maria.secrets["application_password"]

    def change(old: str, new: str) -> None:
        nonlocal holds
        with Administrator("127.0.0.1", maria.port, APPLICATION_USER, old, DATABASE, tls=False).connect() as connection:
            connection.cursor().execute("SET PASSWORD = PASSWORD(%s)", (new,))
        holds = new

    yield change
    if holds != first:
        change(holds, first)


@pytest.fixture
def told_by(maria: MariaDb) -> Iterator[Callable[[Told], Database]]:
    """Databases whose password is told by a secret."""
    made: list[Database] = []

    def make(secret: Told) -> Database:
        plain = maria.database()._address
        made.append(Database(dataclasses.replace(plain, user="", password="", sign_ins=SecretSignIns(secret))))
        return made[-1]

    yield make
    for database in made:
        database.close()


def test_the_application_signs_in_with_what_the_secret_tells(
    maria: MariaDb, told_by: Callable[[Told], Database]
) -> None:
    secret = Told(told(maria.secrets["application_password"]))
    assert told_by(secret).select("SELECT 1") == [(1,)]
    assert secret.asked_again == 0


def test_after_a_rotation_connections_that_stand_go_on_and_new_ones_ask_again(
    maria: MariaDb, told_by: Callable[[Told], Database], change_password: Callable[[str, str], None]
) -> None:
    old, new = maria.secrets["application_password"], secrets.token_hex(20)
    secret = Told(told(old))
    database = told_by(secret)
    assert database.select("SELECT 1") == [(1,)]
    change_password(old, new)
    secret.newest = told(new)
    assert database.select("SELECT 2") == [(2,)]
    assert secret.asked_again == 0
    database.close()
    assert database.transaction(lambda transaction: transaction.select("SELECT 3")) == [(3,)]
    assert secret.asked_again == 1
    with database.exclusive("anything") as alone:  # on a fresh connection, with what is known by now
        assert alone
    assert secret.asked_again == 1


def test_a_password_that_stays_wrong_is_an_unavailable_database(told_by: Callable[[Told], Database]) -> None:
    secret = Told(told("wrong"))
    database = told_by(secret)
    with pytest.raises(RowsUnavailableError):
        database.select("SELECT 1")
    assert secret.asked_again >= 1


def test_a_password_that_nobody_tells_is_an_unavailable_database(told_by: Callable[[Told], Database]) -> None:
    database = told_by(Told("no JSON"))
    with pytest.raises(RowsUnavailableError, match="password is not known"):
        database.select("SELECT 1")
    with pytest.raises(RowsUnavailableError, match="password is not known"):
        database.transaction(lambda transaction: transaction.select("SELECT 1"))


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"username": "application"}', "7"])
def test_a_secret_of_another_form_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(SecretsUnavailableError, match="not JSON with username and password") as refused:
        SecretSignIns(Told(text)).current()
    assert text not in str(refused.value)
    assert refused.value.__cause__ is None
