"""A stage of Chalice's configuration, made of what the stacks tell: nothing in it is copied by hand. Pure.

`stage` and `policies` go to .chalice/config.json and .chalice/policies/STAGE/, by `ops.aws.stage_files`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ops.aws import policies as policy_files
from ops.aws.errors import StageError
from ops.aws.templates import tags_of

API_HANDLER = "api_handler"
SCALER_FUNCTIONS = frozenset({"scale_fleet", "change_fleet"})
_ENVIRONMENT = r"(?!api$)[a-z][a-z0-9]{1,11}"  # as in every template
SIZES = ("tiny", "standard", "ha")
ARCHITECTURES = {"arm64": "arm64", "x86": "x86_64"}  # as stacks name them: as Chalice does
TIMEOUT_SECONDS = 29  # API Gateway waits no longer, and queues reckon with it
DATABASE_NAME = "images"  # which data.yaml makes
# Beside the code that reads it, from the root of the package.
DATABASE_CA_FILE = "chalicelib/adapters/mysql/rds-root-certificates.pem"


@dataclass(frozen=True, slots=True)
class Function:
    """How much a function gets. Of memory follows its share of processors: 1769 MB is one whole.

    `at_once` is how many may run at once, by size: together they must leave connections of the database free. A queue's
    function has at least five, since SQS hands out messages to as many pollers.
    """

    memory_mb: int
    at_once: tuple[int, int, int]


FUNCTIONS = {
    API_HANDLER: Function(1769, (25, 120, 250)),
    "perform_job": Function(1769, (5, 20, 40)),  # decodes images of up to 512 MiB in a process of its own
    "ingest_images": Function(1769, (5, 20, 40)),
    "scale_fleet": Function(1024, (1, 1, 1)),
    "change_fleet": Function(1024, (5, 5, 5)),
    "resend_jobs": Function(1024, (1, 1, 1)),
    "sweep": Function(1024, (1, 1, 1)),
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the operator chose and where it is. `settings` are further environment variables of the application.

    Without `reserves` no function is kept its share of the account's: a new account may have none to give.
    """

    environment: str
    account_id: str
    region: str
    partition: str = "aws"
    size: str = "tiny"
    architecture: str = "arm64"
    site_address: str = ""
    traces: bool = False
    reserves: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)


def stage(outputs: Mapping[str, str], choices: Choices) -> dict[str, Any]:
    """The stage named as the environment. `outputs` are those of its network, data and app stacks, together.

    Raises StageError if one lacks, or a choice is none.
    """
    if re.fullmatch(_ENVIRONMENT, choices.environment) is None:
        raise StageError(
            f"“{choices.environment}” is no environment's name: "
            "2 to 12 small letters and digits, a letter first, and not api."
        )
    if choices.architecture not in ARCHITECTURES:
        raise StageError(f"The architecture is {' or '.join(ARCHITECTURES)}, not {choices.architecture}.")
    if choices.size not in SIZES:
        raise StageError(f"The size is {', '.join(SIZES[:-1])} or {SIZES[-1]}, not {choices.size}.")
    return {
        "api_gateway_stage": choices.environment,  # alarms tell environments apart by it
        "api_gateway_endpoint_type": "REGIONAL",
        "lambda_architecture": ARCHITECTURES[choices.architecture],
        "lambda_timeout": TIMEOUT_SECONDS,
        "autogen_policy": False,
        "automatic_layer": False,
        "xray": choices.traces,
        "tags": tags_of(choices.environment),
        "subnet_ids": _list(outputs, "PrivateSubnetIds"),
        "security_group_ids": [_value(outputs, "AppSecurityGroupId")],
        "environment_variables": environment_variables(outputs, choices),
        "lambda_functions": {name: _function(name, outputs, choices) for name in FUNCTIONS},
    }


def environment_variables(outputs: Mapping[str, str], choices: Choices) -> dict[str, str]:
    """What the application reads (chalicelib/config.py). No secret is among them, only where to ask for it."""
    optional = {
        "DATABASE_READER_HOST": outputs.get("DatabaseReaderHost", ""),
        "DATABASE_READER_PORT": outputs.get("DatabaseReaderPort", "") if outputs.get("DatabaseReaderHost") else "",
        "MAIL_SENDER": outputs.get("MailSender", ""),
        "NOTICE_TOPIC_ARN": outputs.get("NoticeTopicArn", ""),
        "SITE_ADDRESS": choices.site_address,
        "IMAGE_SIGNING_KEY_ID": outputs.get("ImageSigningKeyId", ""),
        "IMAGE_SIGNING_SECRET_ARN": outputs.get("ImageSigningSecretArn", ""),
    }
    return {
        "ENVIRONMENT": choices.environment,
        "BUCKET": _value(outputs, "BucketName"),
        "QUEUE_PREFIX": queue_prefix(choices.environment),
        "JOB_QUEUE_URL": _value(outputs, "JobQueueUrl"),
        "FLEET_QUEUE_URL": _value(outputs, "FleetQueueUrl"),
        "DATABASE_HOST": _value(outputs, "DatabaseHost"),
        "DATABASE_PORT": _value(outputs, "DatabasePort"),
        "DATABASE_NAME": DATABASE_NAME,
        "DATABASE_SECRET_ARN": _value(outputs, "DatabaseSecretArn"),
        "DATABASE_CA_FILE": DATABASE_CA_FILE,
        "FORM_SECRET_ARN": _value(outputs, "FormSecretArn"),
        "NODE_LAUNCH_TEMPLATE": _value(outputs, "NodeLaunchTemplateName"),
        "NODE_SUBNETS": ",".join(_list(outputs, "PrivateSubnetIds")),
        **{name: value for name, value in optional.items() if value},
        **choices.settings,
    }


def policies(outputs: Mapping[str, str], choices: Choices) -> dict[str, dict[str, Any]]:
    """Each function's policy, with this environment's names. Raises StageError if one lacks."""
    values = policy_values(outputs, choices)
    made = {name: policy_files.filled(policy_files.template_of(name), values) for name in FUNCTIONS}
    return {name: policy_files.with_traces(policy) if choices.traces else policy for name, policy in made.items()}


def policy_values(outputs: Mapping[str, str], choices: Choices) -> dict[str, str | tuple[str, ...]]:
    """What fills the places of policies. Raises StageError."""
    where = f"arn:{choices.partition}:ec2:{choices.region}:{choices.account_id}"
    arns = ("BucketArn", "JobQueueArn", "FleetQueueArn", "IncomingQueueArn", "DatabaseSecretArn", "FormSecretArn")
    return {
        "Partition": choices.partition,
        "Region": choices.region,
        "AccountId": choices.account_id,
        "Environment": choices.environment,
        **{name: _value(outputs, name) for name in (*arns, "NodeLaunchTemplateId", "NodeSecurityGroupId")},
        "NodeRoleArn": outputs.get("NodeRoleArn", ""),
        "MailSender": outputs.get("MailSender", ""),
        "NoticeTopicArn": outputs.get("NoticeTopicArn", ""),
        "ImageSigningSecretArn": outputs.get("ImageSigningSecretArn", ""),
        "EveryImage": "*" if choices.settings.get("LABELS") == "rekognition" else "",  # Rekognition takes bytes
        "NodeSubnetArns": tuple(f"{where}:subnet/{subnet}" for subnet in _list(outputs, "PrivateSubnetIds")),
    }


def policy_file(environment: str, function: str) -> str:
    """Where the function's policy is, below .chalice."""
    return f"policies/{environment}/{function}.json"


def queue_prefix(environment: str) -> str:
    """What the names of the environment's queues begin with."""
    return f"elastic-images-{environment}-"


def with_stage(config: Mapping[str, Any], name: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """Chalice's configuration with the stage put in, others left as they are."""
    return {**config, "stages": {**config.get("stages", {}), name: made}}


def _function(name: str, outputs: Mapping[str, str], choices: Choices) -> dict[str, Any]:
    asked = FUNCTIONS[name]
    made: dict[str, Any] = {
        "lambda_memory_size": asked.memory_mb,
        "lambda_timeout": TIMEOUT_SECONDS,
        "iam_policy_file": policy_file(choices.environment, name),
    }
    if choices.reserves:
        made["reserved_concurrency"] = asked.at_once[SIZES.index(choices.size)]
    if name in SCALER_FUNCTIONS:
        made["security_group_ids"] = [_value(outputs, "ScalerSecurityGroupId")]
    return made


def _value(outputs: Mapping[str, str], name: str) -> str:
    value = outputs.get(name, "")
    if not value:
        raise StageError(f"The stacks do not tell {name}.")
    return value


def _list(outputs: Mapping[str, str], name: str) -> list[str]:
    return _value(outputs, name).split(",")
