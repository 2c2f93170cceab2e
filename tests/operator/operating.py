"""The operator's command as an operator gives it, and what one looks at then."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ops.local import bootstrap
from tests.answer import Answer
from tests.e2e.store_client import StoreClient
from tests.local_cloud import PROJECT, until
from tests.operator.stand_in import StandIn


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
