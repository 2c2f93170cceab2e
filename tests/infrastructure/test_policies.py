"""What each function may do: no more than it does, in its own environment only."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import app
from ops.aws.errors import StageError
from ops.aws.policies import filled, functions, places_in, template_of
from ops.aws.stage import API_HANDLER, FUNCTIONS, policies, policy_values
from ops.aws.templates import PROJECT
from tests.infrastructure.policy_rules import actions, findings, many
from tests.infrastructure.stack_outputs import CHOICES, OUTPUTS

TEMPLATES = {name: template_of(name) for name in functions()}
MADE = policies(OUTPUTS, CHOICES)
SCALER = {"scale_fleet", "change_fleet"}


def test_each_function_of_the_application_has_a_policy_and_a_size() -> None:
    events = {source.name for source in app.app.event_sources} | {one.name for one in app.app.pure_lambda_functions}
    assert set(TEMPLATES) == set(FUNCTIONS) == {API_HANDLER} | events


def test_a_stage_that_was_not_made_of_stacks_has_policies_without_values() -> None:
    config = json.loads((PROJECT / ".chalice" / "config.json").read_text(encoding="utf-8"))
    assert "iam_policy_file" not in config
    assert config["lambda_functions"] == {
        name: {"iam_policy_file": f"policies/{name}.json"} for name in sorted(FUNCTIONS)
    }
    assert all(places_in(policy) for policy in TEMPLATES.values())


@pytest.mark.parametrize("function", TEMPLATES)
def test_a_policy_allows_nothing_wide(function: str) -> None:
    assert list(findings(TEMPLATES[function])) == []


@pytest.mark.parametrize("function", TEMPLATES)
def test_every_statement_says_what_it_is_for(function: str) -> None:
    names = [statement["Sid"] for statement in TEMPLATES[function]["Statement"]]
    assert len(set(names)) == len(names)
    assert all(name.isalnum() for name in names)  # IAM takes no other characters


def broken(change: Callable[[dict[str, Any]], object], sid: str, function: str) -> list[str]:
    policy = copy.deepcopy(TEMPLATES[function])
    (statement,) = [one for one in policy["Statement"] if one["Sid"] == sid]
    change(statement)
    return list(findings(policy))


@pytest.mark.parametrize(
    ("function", "sid", "change"),
    [
        ("perform_job", "ReadsOriginals", {"Action": "s3:*"}),
        ("perform_job", "ReadsOriginals", {"Action": "*"}),
        ("perform_job", "ReadsOriginals", {"Resource": "*"}),
        ("perform_job", "ReadsOriginals", {"Resource": "arn:aws:s3:::elastic-images-*/originals/*"}),
        ("perform_job", "TakesJobs", {"Resource": "arn:${Partition}:sqs:*:${AccountId}:image-jobs"}),
        ("api_handler", "SendsMail", {"Condition": {}}),
        ("scale_fleet", "NodesAreEnded", {"Condition": {"StringEquals": {"aws:ResourceTag/role": "cache-node"}}}),
        ("scale_fleet", "NodesAreLaunchedFromTheirTemplate", {"Condition": {}}),
        ("scale_fleet", "NodesHaveTheirRole", {"Condition": {}}),
        ("scale_fleet", "NodesHaveTheirRole", {"Resource": "*"}),
        ("scale_fleet", "NodesAreTaggedAtLaunch", {"Condition": {}}),
    ],
)
def test_a_wider_statement_is_seen(function: str, sid: str, change: dict[str, Any]) -> None:
    assert broken(lambda statement: statement.update(change), sid, function) != []


def test_only_the_scaler_touches_instances_and_passes_their_role() -> None:
    def reaching(service: str) -> set[str]:
        return {name for name, policy in MADE.items() if any(one.startswith(service) for one in actions(policy))}

    for service in ("ec2:RunInstances", "ec2:TerminateInstances", "ec2:CreateTags", "iam:", "cloudwatch:"):
        assert reaching(service) == SCALER, service
    assert reaching("ses:") == {"api_handler", "perform_job"}  # the latter: the receipt of an erasure
    assert reaching("s3:DeleteObject") == {"perform_job", "ingest_images"}
    passed = [one for one in MADE["scale_fleet"]["Statement"] if one["Action"] == "iam:PassRole"]
    assert [one["Resource"] for one in passed] == [OUTPUTS["NodeRoleArn"]]


def test_only_nodes_of_this_environment_may_be_ended() -> None:
    (ending,) = [one for one in MADE["scale_fleet"]["Statement"] if one["Action"] == "ec2:TerminateInstances"]
    assert ending["Condition"] == {
        "StringEquals": {"aws:ResourceTag/environment": "blue", "aws:ResourceTag/role": "cache-node"}
    }


def test_only_who_makes_forms_reads_their_key_and_nobody_the_operators_password() -> None:
    readers = {name for name, policy in MADE.items() if OUTPUTS["FormSecretArn"] in json.dumps(policy)}
    assert readers == {"api_handler"}
    assert "database-operator" not in json.dumps(MADE)


@pytest.mark.parametrize("function", TEMPLATES)
def test_a_policy_that_was_filled_names_this_environment_and_no_place(function: str) -> None:
    policy = MADE[function]
    assert places_in(policy) == set()
    for statement in policy["Statement"]:
        for resource in many(statement["Resource"]):
            own = (
                "elastic-images-blue",
                "elastic-images/blue",
                ":subnet/subnet-",
                "sg-0a1b2c3d",
                "lt-0a1b2c3d",
                "identity/*",
            )
            wide = (":instance/*", ":network-interface/*", ":volume/*", ":image/*")
            assert resource == "*" or any(name in resource for name in own) or resource.endswith(wide), resource


@pytest.mark.parametrize("function", TEMPLATES)
def test_a_policy_is_small_enough_for_a_role(function: str) -> None:
    assert len(json.dumps(MADE[function], separators=(",", ":"))) <= 10_240


def test_several_fill_a_place_that_stands_alone() -> None:
    policy = {"Statement": [{"Resource": ["${Several}", "${One}/x"], "Action": "${One}"}]}
    made = filled(policy, {"Several": ("a", "b"), "One": "c"})
    assert made["Statement"] == [{"Resource": ["a", "b", "c/x"], "Action": "c"}]
    with pytest.raises(StageError, match="Several is several"):
        filled({"Statement": [{"Resource": "x-${Several}"}]}, {"Several": ("a",)})


def test_what_an_environment_does_not_have_is_not_allowed_and_what_is_not_told_is_refused() -> None:
    values = policy_values({**OUTPUTS, "MailSender": ""}, CHOICES)
    for function in ("api_handler", "perform_job"):
        assert "ses:SendEmail" not in actions(filled(TEMPLATES[function], values))
    with pytest.raises(StageError, match="JobQueueArn"):
        policies({name: value for name, value in OUTPUTS.items() if name != "JobQueueArn"}, CHOICES)
    with pytest.raises(StageError, match="Nothing tells Unknown"):
        filled({"Statement": [{"Resource": "${Unknown}"}]}, values)


def test_traces_are_allowed_where_they_are_wanted() -> None:
    assert "xray:PutTraceSegments" not in actions(MADE["api_handler"])
    traced = policies(OUTPUTS, replace(CHOICES, traces=True))
    assert all("xray:PutTraceSegments" in actions(policy) for policy in traced.values())
