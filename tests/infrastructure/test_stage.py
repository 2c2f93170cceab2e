"""A stage made of stacks' outputs: as Chalice reads it, and as the application does."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from chalice.cli.factory import CLIFactory
from chalice.config import Config
from chalice.deploy.appgraph import ApplicationGraphBuilder
from chalice.deploy.models import FileBasedIAMPolicy, LambdaFunction, ManagedIAMRole
from chalice.deploy.validate import validate_configuration

import app
from chalicelib.config import config_from
from ops.aws.artefact import node_artefact
from ops.aws.errors import StageError
from ops.aws.stage import DATABASE_CA_FILE, FUNCTIONS, environment_variables, queue_prefix, stage, with_stage
from ops.aws.stage_files import write_stage
from ops.aws.templates import PROJECT, template_of
from ops.node_user_data import USER_DATA_BYTES
from tests.infrastructure.stack_outputs import CHOICES, OUTPUTS


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The part of a project that a stage is written to."""
    (tmp_path / ".chalice").mkdir()
    shutil.copy(PROJECT / ".chalice" / "config.json", tmp_path / ".chalice")
    write_stage(tmp_path, OUTPUTS, CHOICES)
    return tmp_path


@pytest.fixture
def config(project: Path) -> Config:
    """As Chalice's own loader makes it, with the application."""
    factory = CLIFactory(str(project), environ={})
    return Config(
        chalice_stage="blue",
        user_provided_params={"project_dir": str(project), "chalice_app": app.app},
        config_from_disk=factory.load_project_config(),
        default_params={"autogen_policy": True},
    )


def functions_of(config: Config) -> dict[str, LambdaFunction]:
    """The functions that Chalice would make, by name."""
    found = {}
    graph = ApplicationGraphBuilder().build(config, "blue")
    waiting = list(graph.resources)
    while waiting:
        one = waiting.pop()
        if isinstance(one, LambdaFunction):
            found[one.resource_name] = one
        waiting += one.dependencies()
    return found


def test_chalice_takes_the_stage(config: Config) -> None:
    validate_configuration(config)
    assert config.api_gateway_stage == "blue"
    assert config.api_gateway_endpoint_type == "REGIONAL"
    assert not config.autogen_policy


def test_each_function_has_its_own_role_place_in_the_network_and_size(config: Config, project: Path) -> None:
    made = functions_of(config)
    assert set(made) == set(FUNCTIONS)
    for name, function in made.items():
        assert function.timeout == 29
        assert function.memory_size == FUNCTIONS[name].memory_mb >= 1024
        assert function.reserved_concurrency == FUNCTIONS[name].at_once[1]
        assert function.architecture == "arm64"
        assert function.subnet_ids == ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]
        scaler = name in ("scale_fleet", "change_fleet")
        assert function.security_group_ids == (["sg-0a1b2c3b"] if scaler else ["sg-0a1b2c3a"])
        assert function.tags.items() >= {"project": "elastic-images", "environment": "blue"}.items()
        assert isinstance(function.role, ManagedIAMRole)
        assert isinstance(function.role.policy, FileBasedIAMPolicy)
        assert function.role.policy.filename == str(project / ".chalice" / "policies" / "blue" / f"{name}.json")
        json.loads(Path(function.role.policy.filename).read_text())
    assert len({id(function.role) for function in made.values()}) == len(made)


def test_functions_have_the_names_that_logs_and_alarms_look_for(config: Config) -> None:
    names = {function.function_name for function in functions_of(config).values()}
    template = template_of("app")["Resources"]
    groups = [one["Properties"]["LogGroupName"]["Fn::Sub"] for one in template.values() if "LogGroup" in one["Type"]]
    assert {group.replace("${Environment}", "blue").removeprefix("/aws/lambda/") for group in groups} == names


def test_the_application_reads_what_the_stage_gives_it(config: Config) -> None:
    read = config_from(config.environment_variables)
    assert (read.environment, read.bucket) == ("blue", OUTPUTS["BucketName"])
    assert read.database_secret_arn == OUTPUTS["DatabaseSecretArn"]
    assert read.form_secret_arn == OUTPUTS["FormSecretArn"]
    assert read.database_reader_host == OUTPUTS["DatabaseReaderHost"]
    assert read.node_subnets == ("subnet-0a1b2c3d", "subnet-1a1b2c3d")
    assert read.database_tls
    assert read.signed_in_as is None
    assert (PROJECT / str(read.database_ca_file)).is_file()
    assert str(read.database_ca_file) == DATABASE_CA_FILE


def test_queues_have_the_names_that_functions_listen_to() -> None:
    for template, name in (("app", "JobQueue"), ("app", "FleetQueue"), ("data", "IncomingQueue")):
        said = template_of(template)["Resources"][name]["Properties"]["QueueName"]["Fn::Sub"]
        assert said.replace("${Environment}", "blue") in {
            queue_prefix("blue") + queue for queue in (app.JOB_QUEUE, app.FLEET_QUEUE, app.INCOMING_QUEUE)
        }


def test_no_secret_is_in_the_stage() -> None:
    variables = environment_variables(OUTPUTS, CHOICES)
    assert {name for name in variables if "PASSWORD" in name or "KEY" in name} == {"IMAGE_SIGNING_KEY_ID"}  # public


def test_what_there_is_not_is_left_out() -> None:
    bare = {**OUTPUTS, "DatabaseReaderHost": "", "MailSender": ""}
    assert (
        environment_variables(bare, CHOICES).keys()
        & {
            "DATABASE_READER_HOST",
            "DATABASE_READER_PORT",
            "MAIL_SENDER",
            "SITE_ADDRESS",
        }
        == set()
    )
    assert environment_variables(bare, replace(CHOICES, site_address="https://a.test"))["SITE_ADDRESS"]
    made = stage(OUTPUTS, replace(CHOICES, reserves=False))
    assert not any("reserved_concurrency" in one for one in made["lambda_functions"].values())


def test_the_operators_settings_come_last() -> None:
    assert environment_variables(OUTPUTS, replace(CHOICES, settings={"FLEET_MODE": "manual"}))["FLEET_MODE"] == "manual"


@pytest.mark.parametrize("name", ["PrivateSubnetIds", "BucketName", "DatabaseSecretArn", "ScalerSecurityGroupId"])
def test_what_no_stack_tells_is_named_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text("{}")
    with pytest.raises(StageError, match=name):
        write_stage(tmp_path, {**OUTPUTS, name: ""}, CHOICES)
    assert [path.name for path in (tmp_path / ".chalice").iterdir()] == ["config.json"]
    assert (tmp_path / ".chalice" / "config.json").read_text() == "{}"


def test_choices_that_are_none_are_refused() -> None:
    for name in ("api", "Blue", "b", "blue-green", "a-name-that-is-too-long"):
        with pytest.raises(StageError, match="no environment's name"):
            stage(OUTPUTS, replace(CHOICES, environment=name))
    with pytest.raises(StageError, match="arm64 or x86, not sparc"):
        stage(OUTPUTS, replace(CHOICES, architecture="sparc"))
    with pytest.raises(StageError, match="tiny, standard or ha, not huge"):
        stage(OUTPUTS, replace(CHOICES, size="huge"))


def test_other_stages_are_left_as_they_are() -> None:
    config = with_stage({"app_name": "a", "stages": {"local": {"x": 1}}}, "blue", {"y": 2})
    assert config == {"app_name": "a", "stages": {"local": {"x": 1}, "blue": {"y": 2}}}


def test_every_output_of_a_stage_is_one_of_a_stack() -> None:
    told = {name for part in ("network", "data", "app", "cdn") for name in template_of(part)["Outputs"]}
    assert set(OUTPUTS) <= told


def test_a_nodes_artefact_lies_under_its_own_hash() -> None:
    artefact = node_artefact(PROJECT, "blue")
    assert artefact == node_artefact(PROJECT, "blue")
    assert artefact.key == f"artefacts/nodes/{artefact.sha256}.sh"
    assert len(artefact.data) <= USER_DATA_BYTES
    assert b'ENVIRONMENT="${ENVIRONMENT:-blue}"' in artefact.data
    assert node_artefact(PROJECT, "green").key != artefact.key
