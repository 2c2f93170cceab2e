"""Deploys the functions of an environment by Chalice, and removes them."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ops.aws import stage_files
from ops.aws.account import Account
from ops.aws.bytecode import ZIP_BYTES, with_bytecode
from ops.aws.deploy_state import DEPLOYED, Records, api_id_of, resources_of
from ops.aws.errors import OperatorError
from ops.aws.package_folder import make_package_folder
from ops.aws.stage import FUNCTIONS, Choices
from ops.aws.templates import PROJECT, PROJECT_TAG
from ops.local.state import write_whole

CHALICE_SECONDS = 1500
LEAST_PYTHON = (3, 12)
_API = "rest_api"


def refuse_old_python(version: tuple[int, int], is_stand_in: bool) -> None:
    """Raises OperatorError for a Python whose packages AWS's Linux cannot run; a stand-in runs this machine's own."""
    if version < LEAST_PYTHON and not is_stand_in:
        raise OperatorError(
            f"This is Python {version[0]}.{version[1]}; functions are packaged with 3.12 or newer.",
            "The runtime on Lambda is the Python that packages, and for older ones Chalice compiles image libraries "
            "against this machine's own C library.",
            "install Python 3.12 or 3.13, make .venv with it (rm -r .venv; python3.12 -m venv .venv; "
            ".venv/bin/pip install -r requirements-run.txt), "
            "then the same command again",
        )


def function_name(environment: str, function: str) -> str:
    """As Chalice names it."""
    return f"{PROJECT_TAG}-{environment}" if function == "api_handler" else f"{PROJECT_TAG}-{environment}-{function}"


def mappings_to_drop(found: list[Mapping[str, Any]], deployed: Any) -> list[str]:
    """The ids of event source mappings that an interrupted deployment made and no record names. Pure."""
    known = {one["event_uuid"] for one in resources_of(deployed, "sqs_event")}
    return [one["UUID"] for one in found if one["UUID"] not in known]


def with_found_api(deployed: Any, api_id: str, address: str) -> Any:
    """The record with an API in it that an interrupted deployment made, so that no second one is made. Pure."""
    if not api_id or api_id_of(deployed):
        return deployed
    made = {"name": _API, "resource_type": _API, "rest_api_id": api_id, "rest_api_url": address}
    before = deployed or {"resources": [], "schema_version": "2.0", "backend": "api"}
    return {**before, "resources": [*before["resources"], made]}


class Functions:
    """Of one environment, whose record lies in `records`."""

    def __init__(
        self, account: Account, environment: str, records: Records, say: Callable[[str], None], project: Path = PROJECT
    ) -> None:
        self._account, self._environment, self._records, self._say = account, environment, records, say
        self._project = project

    def deploy(self, outputs: Mapping[str, str], choices: Choices) -> str:
        """The API's id. Raises OperatorError, StageError."""
        refuse_old_python(sys.version_info[:2], self._account.endpoint is not None)
        with self._records.locked(time.time, self._say):
            deployed, etag = self._mended()
            with tempfile.TemporaryDirectory(prefix="elastic-images-") as folder:
                project = make_package_folder(self._project, Path(folder) / "project")
                stage_files.write_stage(project, outputs, choices)
                if deployed is not None:
                    write_whole(self._record_in(project), json.dumps(deployed))
                self._say("functions: packaging")
                self._chalice(project, "package", "--stage", self._environment, str(Path(folder) / "out"))
                self._compile(project)
                self._say("functions: deploying")
                self._chalice(project, "deploy", "--stage", self._environment)
                made = json.loads(self._record_in(project).read_text(encoding="utf-8"))
            self._keep(made, etag)
        return api_id_of(made)

    def remove(self) -> list[str]:
        """The names of functions that went. What Chalice's record does not name is found by name, and goes too."""
        with self._records.locked(time.time, self._say):
            deployed, etag = self._mended()
            if deployed is not None:
                with tempfile.TemporaryDirectory(prefix="elastic-images-") as folder:
                    project = make_package_folder(self._project, Path(folder) / "project")
                    config = project / ".chalice" / "config.json"
                    made = json.loads(config.read_text(encoding="utf-8"))
                    made["stages"] = {self._environment: {}}
                    write_whole(config, json.dumps(made))
                    write_whole(self._record_in(project), json.dumps(deployed))
                    self._chalice(project, "delete", "--stage", self._environment)
                if etag:
                    self._records.remove(DEPLOYED)
            return self._remove_by_name()

    def found_api(self) -> str:
        """The id of the API that leads to this environment's functions, recorded or not; empty if there is none."""
        calls = self._account.client("apigateway")
        here = f":function:{function_name(self._environment, 'api_handler')}/"
        for page in calls.get_paginator("get_rest_apis").paginate():
            for api in page["items"]:
                if api["name"] == PROJECT_TAG and here in json.dumps(
                    calls.get_resources(restApiId=api["id"], embed=["methods"], limit=500)["items"], default=str
                ):
                    return str(api["id"])
        return ""

    def _mended(self) -> tuple[Any, str]:
        """The record, with what an interrupted deployment made taken up, or removed where it cannot be; its ETag."""
        deployed, etag = self._records.read(DEPLOYED)
        if not api_id_of(deployed):
            found = self.found_api()
            if found:
                self._say(f"functions: the API {found} of an interrupted deployment is taken up")
            deployed = with_found_api(deployed, found, self._account.api_address(found, self._environment))
        calls = self._account.client("lambda")
        for function in FUNCTIONS:
            name = function_name(self._environment, function)
            try:
                mappings = calls.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
            except calls.exceptions.ResourceNotFoundException:
                continue
            for id_ in mappings_to_drop(mappings, deployed):
                self._say(f"functions: a half-made event source of {name} goes")
                calls.delete_event_source_mapping(UUID=id_)
        return deployed, etag

    def _keep(self, made: Any, etag: str) -> None:
        if not self._records.write(DEPLOYED, made, etag):
            raise OperatorError(
                "What was deployed could not be written down: somebody else wrote meanwhile, in spite of the lock.",
                next_=f"`./ops/store deploy {self._environment}` again",
            )

    def _compile(self, project: Path) -> None:
        for package in (project / ".chalice" / "deployments").glob("*.zip"):
            with_bytecode(package)
            size = package.stat().st_size
            self._say(f"functions: bytecode is in the package, {size / 1e6:.1f} MB")
            if size > ZIP_BYTES:
                raise OperatorError(f"The package has {size} bytes; {ZIP_BYTES} is the most.", next_="make it smaller")

    def _record_in(self, project: Path) -> Path:
        path = project / ".chalice" / "deployed" / f"{self._environment}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _chalice(self, project: Path, *arguments: str) -> None:
        profile = {"AWS_PROFILE": self._account.profile} if self._account.profile else {}
        try:
            done = self._ran(project, arguments, profile)
        except subprocess.TimeoutExpired as error:
            raise OperatorError(
                f"`chalice {arguments[0]}` was ended after {CHALICE_SECONDS} s.",
                next_="the same command again: it goes on here",
            ) from error
        # Chalice says so and still exits 0.
        if done.returncode != 0 or "Could not install dependencies" in done.stdout:
            raise OperatorError(
                f"`chalice {arguments[0]}` failed.",
                f"It said: {done.stdout.strip()[-3000:]}",
                "mend that, then the same command again: it goes on here",
            )

    def _ran(
        self, project: Path, arguments: tuple[str, ...], profile: dict[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "ops.aws.chalice_process", str(self._account.poll_seconds), *arguments],
            cwd=project,
            env={
                **os.environ,
                **profile,
                "AWS_DEFAULT_REGION": self._account.region,
                "PYTHONDONTWRITEBYTECODE": "1",  # importing app.py must not add to what is packaged
                "PYTHONPATH": str(PROJECT),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=CHALICE_SECONDS,
            check=False,
        )

    def _remove_by_name(self) -> list[str]:
        """Functions, their rules and their roles. Every name begins with the environment's own, whole."""
        functions, events, iam = (self._account.client(name) for name in ("lambda", "events", "iam"))
        gone = []
        for function in FUNCTIONS:
            name = function_name(self._environment, function)
            try:
                functions.delete_function(FunctionName=name)
                gone.append(name)
            except functions.exceptions.ResourceNotFoundException:
                pass
            rule = f"{PROJECT_TAG}-{self._environment}-{function}-event"
            try:
                targets = events.list_targets_by_rule(Rule=rule)["Targets"]
                if targets:
                    events.remove_targets(Rule=rule, Ids=[one["Id"] for one in targets])
                events.delete_rule(Name=rule)
            except events.exceptions.ResourceNotFoundException:
                pass
            role = f"{PROJECT_TAG}-{self._environment}-{function}"
            try:
                for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                    iam.delete_role_policy(RoleName=role, PolicyName=policy)
                iam.delete_role(RoleName=role)
            except iam.exceptions.NoSuchEntityException:
                pass
        return gone
