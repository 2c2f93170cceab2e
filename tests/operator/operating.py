"""The operator's command as an operator gives it, and what one looks at then."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from chalicelib.adapters.argon2_passwords import Argon2Passwords
from ops.database import from_url
from ops.local import bootstrap
from tests.answer import Answer
from tests.e2e.store_client import StoreClient, image_path
from tests.local_cloud import PROJECT, until
from tests.operator.stand_in import StandIn

PASSWORD = "correct horse battery"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}


def store(account: StandIn, *words: str, code: Path = PROJECT) -> "subprocess.CompletedProcess[str]":
    """Runs the command of the code in that folder."""
    return subprocess.run(
        [sys.executable, "-m", "ops.aws", *words],
        cwd=code,
        env={**os.environ, **account.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def told(account: StandIn, *words: str, code: Path = PROJECT) -> Any:
    """What the command says as JSON; asserts that it ended well."""
    done = store(account, *words, "--json", code=code)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def killed_while(account: StandIn, said: str, *words: str, code: Path = PROJECT) -> None:
    """Starts the command and kills it, as kill -9 does, once it has said that; nothing that it started goes on."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.aws", *words],
        cwd=code,
        env={**os.environ, **account.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if said in line:
            break
    else:
        raise AssertionError("".join(lines))
    functions = bootstrap.client("lambda", account.environ["AWS_ENDPOINT_URL"])
    assert until(lambda: functions.list_functions()["Functions"] != [], timeout_seconds=120)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()


class Site(StoreClient):
    """The deployed application by its host name, under the stage's name, as on AWS."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        *_, api_id, stage = address.rstrip("/").split("/")
        self._root, self._named = f"/{stage}", f"{api_id}.execute-api.localhost:{urlsplit(address).port}"

    def __call__(self, method: str, path: str, body: bytes = b"", headers: Any = None) -> Answer:
        usual = {"Host": self._named, "Accept": "*/*"} | ({"Content-Type": "application/octet-stream"} if body else {})
        return super().__call__(method, self._root + path, body, usual | dict(headers or {}))


class Person:
    """Somebody with an account, by a browser."""

    def __init__(self, site: Site, email: str) -> None:
        self._site, self._email = site, email
        self._cookies: dict[str, str] = {}
        self._token = ""

    def __call__(self, method: str, path: str, body: bytes = b"", headers: Any = None) -> Answer:
        kept = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        known = {**({"Cookie": kept} if kept else {}), **({"X-CSRF-Token": self._token} if self._token else {})}
        answer = self._site(method, path, body, {**(headers or {}), **known})
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            self._cookies[name] = morsel.value
        return answer

    def sign_in(self) -> int:
        """The status that the form is answered with: 303 says that they are in."""
        status = self._submit("/sign-in")
        self._token = self._form_token("/upload")
        return status

    def become_first_admin(self, link: str) -> int:
        """The status that the form behind the link is answered with."""
        return self._submit("/first-admin", link=link)

    def _submit(self, page: str, **more: str) -> int:
        token = self._form_token(page + "".join(f"?{name}={quote(value)}" for name, value in more.items()))
        fields = {"form_token": token, "email": self._email, "password": PASSWORD, **more}
        body = "&".join(f"{name}={quote(value)}" for name, value in fields.items())
        return self("POST", page, body.encode(), FORM).status

    def _form_token(self, page: str) -> str:
        found = re.search(rb'name="form_token" value="(\w+)"', self("GET", page, headers=FORM).body)
        assert found is not None
        return found[1].decode()

    def put(self, key: str, data: bytes) -> int:
        return self("PUT", image_path(key), data).status

    def sha256_of(self, key: str) -> str:
        """Of the image's bytes, as they are served; what was answered in its place, if none is."""
        answer = self("GET", image_path(key))
        return hashlib.sha256(answer.body).hexdigest() if answer.status == 200 else f"{answer.status}"


def joined(account: StandIn, email: str) -> None:
    """Makes an account for somebody, as signing up does after the mail was read."""
    owner_id = os.urandom(16)
    with closing(from_url(account.environ["OPERATOR_DATABASE_URL"]).connect()) as connection:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO owners (id, name, version, created_at) VALUES (%s, %s, 0, NOW(6))", (owner_id, email)
            )
            cursor.execute(
                "INSERT INTO accounts (owner_id, email, password, created_at) VALUES (%s, %s, %s, NOW(6))",
                (owner_id, email, Argon2Passwords().hashed(PASSWORD)),
            )
        connection.commit()


def left_with_tags(account: StandIn, name: str) -> list[str]:
    """What bears the environment's tags, asked without the command."""
    endpoint = account.environ["AWS_ENDPOINT_URL"]
    found = bootstrap.client("resourcegroupstaggingapi", endpoint).get_resources(
        TagFilters=[{"Key": "environment", "Values": [name]}]
    )["ResourceTagMappingList"]
    filters = [{"Name": "tag:environment", "Values": [name]}]
    calls = bootstrap.client("ec2", endpoint)
    nodes = bootstrap.client("ec2", account.environ["AWS_ENDPOINT_URL_EC2"]).describe_instances(Filters=filters)
    running = [
        one["InstanceId"]
        for several in nodes["Reservations"]
        for one in several["Instances"]
        if one["State"]["Name"] != "terminated"
    ]
    groups = [one["GroupId"] for one in calls.describe_security_groups(Filters=filters)["SecurityGroups"]]
    return [*(one["ResourceARN"] for one in found), *running, *groups]
