"""`chalice package` with the merged template: the second way to deploy, as far as it goes without AWS."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.web import http
from ops.aws.stage import FUNCTIONS
from ops.aws.stage_files import write_stage
from ops.aws.templates import PROJECT, parsed, template_of
from tests.deployed.project_copy import copy_project
from tests.infrastructure.stack_outputs import CHOICES, OUTPUTS

PACKAGE_SECONDS = 120
RESPONSES = "x-amazon-apigateway-gateway-responses"


@pytest.fixture(scope="module")
def merged_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Chalice makes of a copy of the project; without its dependencies, which no template names."""
    folder = copy_project(tmp_path_factory.mktemp("merged") / "project")
    (folder / "requirements.txt").write_text("")
    write_stage(folder, OUTPUTS, CHOICES)
    chalice = str(Path(sys.executable).with_name("chalice"))
    form = ("--template-format", "yaml", "--merge-template", ".chalice/merge.yaml")
    done = subprocess.run(
        [chalice, "package", "--stage", "blue", *form, "out"],
        cwd=folder,
        env={**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PACKAGE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out" / "sam.yaml"


@pytest.fixture(scope="module")
def merged(merged_file: Path) -> dict[str, Any]:
    return parsed(merged_file.read_text(encoding="utf-8"))


def test_cfn_lint_finds_nothing(merged_file: Path) -> None:
    lint = str(Path(sys.executable).with_name("cfn-lint"))
    done = subprocess.run(
        [lint, "--non-zero-exit-code", "warning", "--", str(merged_file)],
        capture_output=True,
        text=True,
        timeout=PACKAGE_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_functions_have_the_names_that_logs_and_alarms_look_for(merged: dict[str, Any]) -> None:
    functions = [one for one in merged["Resources"].values() if one["Type"] == "AWS::Serverless::Function"]
    names = {one["Properties"]["FunctionName"]["Fn::Sub"] for one in functions}
    logs = [one for one in template_of("app")["Resources"].values() if one["Type"] == "AWS::Logs::LogGroup"]
    assert {one["Properties"]["LogGroupName"]["Fn::Sub"].removeprefix("/aws/lambda/") for one in logs} == names
    assert merged["Resources"]["RestAPI"]["Properties"]["Name"] == "elastic-images"
    assert merged["Resources"]["RestAPI"]["Properties"]["StageName"] == "blue"


def test_every_function_stays_in_the_network_under_its_own_role(merged: dict[str, Any]) -> None:
    functions = {
        name: one["Properties"]
        for name, one in merged["Resources"].items()
        if "Function" in one["Type"].split("::")[-1]
    }
    assert len(functions) == len(FUNCTIONS)
    assert len({json.dumps(one["Role"]) for one in functions.values()}) == len(FUNCTIONS)
    assert all(one["VpcConfig"]["SubnetIds"] == OUTPUTS["PrivateSubnetIds"].split(",") for one in functions.values())


def test_routes_are_still_there_beside_the_gateways_answers(merged: dict[str, Any]) -> None:
    body = merged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    assert "/api/v1/images" in body["paths"]
    assert RESPONSES in body
    assert merged["Resources"]["RestAPI"]["Properties"]["EndpointConfiguration"] == "REGIONAL"


def test_the_gateways_own_answers_are_the_applications_problems() -> None:
    merge = parsed((PROJECT / ".chalice" / "merge.yaml").read_text(encoding="utf-8"))
    answers = merge["Resources"]["RestAPI"]["Properties"]["DefinitionBody"][RESPONSES]
    known = {slug: title for _, _, slug, title in http._TABLE} | dict(http._BY_STATUS.values())
    known["bad-request"] = http.status_answer(400, "").title
    assert {"MISSING_AUTHENTICATION_TOKEN", "DEFAULT_4XX", "DEFAULT_5XX", "REQUEST_TOO_LARGE"} <= set(answers)
    for name, answer in answers.items():
        problem = json.loads(answer["responseTemplates"]["application/json"])
        assert set(problem) == {"type", "title", "status", "detail", "errors", "request_id"}, name
        assert known[problem["type"].removeprefix("urn:elastic-images:problem:")] == problem["title"], name
        assert str(problem["status"]) == answer.get("statusCode", "400"), name
        headers = answer["responseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert ("gatewayresponse.header.Retry-After" in headers) == (problem["status"] in (429, 503)), name
