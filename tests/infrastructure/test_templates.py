"""The stacks' templates: linted, held to rules, and each rule seen to refuse a template that breaks it."""

import copy
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.uploads import INCOMING
from ops.aws.templates import PARTS, PROJECT, capabilities_of, parameters_for, parsed, stack_name, template_of, text_of
from ops.local import bootstrap
from tests.infrastructure import template_rules as rules
from tests.infrastructure.template_values import properties

TEMPLATES = {part: template_of(part) for part in PARTS}


def test_cfn_lint_finds_nothing() -> None:
    files = sorted(str(path) for path in (PROJECT / ".chalice" / "stacks").glob("*.yaml"))
    assert [Path(file).stem for file in files] == sorted(PARTS)
    done = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), "--non-zero-exit-code", "informational", "--", *files],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("part", PARTS)
def test_a_template_keeps_to_every_rule(part: str) -> None:
    assert rules.findings(TEMPLATES[part]) == []


@pytest.mark.parametrize("part", PARTS)
def test_a_template_is_small_enough_to_be_sent_whole(part: str) -> None:
    assert len(text_of(part).encode()) <= 51_200


def of(template: Any, name: str) -> Any:
    return template["Resources"][name]["Properties"]


def _world(template: Any) -> None:
    of(template, "NodeSecurityGroup")["SecurityGroupIngress"].append(
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
    )


def _cors(template: Any) -> None:
    of(template, "Bucket")["CorsConfiguration"]["Fn::If"][1]["CorsRules"][0]["AllowedOrigins"] = ["*"]


def _expiry(template: Any) -> None:
    of(template, "Bucket")["LifecycleConfiguration"]["Rules"].append({"Status": "Enabled", "ExpirationInDays": 400})


def _no_incoming_rule(template: Any) -> None:
    lifecycle = of(template, "Bucket")["LifecycleConfiguration"]
    lifecycle["Rules"] = [one for one in lifecycle["Rules"] if one.get("Prefix") != "incoming/"]


def _star(template: Any) -> None:
    of(template, "NodeRole")["Policies"][0]["PolicyDocument"]["Statement"][1]["Action"] = "s3:*"


def _every_bucket(template: Any) -> None:
    of(template, "NodeRole")["Policies"][0]["PolicyDocument"]["Statement"][1]["Resource"] = "*"


def _any_account(template: Any) -> None:
    del of(template, "AlarmTopicPolicy")["PolicyDocument"]["Statement"][0]["Condition"]


def _any_namespace(template: Any) -> None:
    del of(template, "NodeRole")["Policies"][0]["PolicyDocument"]["Statement"][0]["Condition"]


def _everybody(template: Any) -> None:
    of(template, "BucketPolicy")["PolicyDocument"]["Statement"][0]["Effect"] = "Allow"


def _old_metadata(template: Any) -> None:
    of(template, "NodeLaunchTemplate")["LaunchTemplateData"]["MetadataOptions"]["HttpTokens"] = "optional"


def _plain_disk(template: Any) -> None:
    of(template, "NodeLaunchTemplate")["LaunchTemplateData"]["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] = False


def _without(name: str, *path: str) -> Callable[[Any], None]:
    def mutate(template: Any) -> None:
        one = template["Resources"][name]
        for step in path[:-1]:
            one = one[step]
        del one[path[-1]]

    return mutate


def _with(name: str, key: str, value: Any) -> Callable[[Any], None]:
    def mutate(template: Any) -> None:
        of(template, name)[key] = value

    return mutate


def _plain_cdn(template: Any) -> None:
    of(template, "Distribution")["DistributionConfig"]["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "allow-all"


def _free_parameter(template: Any) -> None:
    template["Parameters"]["More"] = {"Type": "String"}


MUTATIONS: list[tuple[rules.Rule, str, Callable[[Any], None]]] = [
    (rules.no_port_is_open, "network", _world),
    (
        rules.no_port_is_open,
        "network",
        lambda template: of(template, "DatabaseSecurityGroup")["SecurityGroupIngress"][0].update(FromPort=1),
    ),
    (rules.the_way_out_is_narrow, "network", _without("AppSecurityGroup", "Properties", "SecurityGroupEgress")),
    (
        rules.the_way_out_is_narrow,
        "network",
        lambda template: of(template, "NodeSecurityGroup")["SecurityGroupEgress"][0].update(FromPort=1),
    ),
    (rules.nothing_is_public, "network", _with("PublicSubnetA", "MapPublicIpOnLaunch", True)),
    (rules.nothing_is_public, "data", _with("DatabaseReader", "PubliclyAccessible", True)),
    (rules.nothing_is_public, "data", _without("Bucket", "Properties", "PublicAccessBlockConfiguration")),
    (rules.nothing_is_public, "data", _without("Bucket", "Properties", "OwnershipControls")),
    (rules.no_policy_is_a_star, "app", _star),
    (rules.no_policy_is_a_star, "app", _every_bucket),
    (rules.no_policy_is_a_star, "app", _any_account),
    (rules.no_policy_is_a_star, "app", _any_namespace),
    (rules.no_policy_is_a_star, "data", _everybody),
    (rules.data_are_kept, "data", _without("Bucket", "DeletionPolicy")),
    (rules.data_are_kept, "data", _without("Database", "UpdateReplacePolicy")),
    (rules.data_are_kept, "data", _without("FormSecret", "DeletionPolicy")),
    (rules.all_is_encrypted, "data", _without("Bucket", "Properties", "BucketEncryption")),
    (rules.all_is_encrypted, "data", _with("Database", "StorageEncrypted", False)),
    (rules.all_is_encrypted, "app", _without("JobQueue", "Properties", "SqsManagedSseEnabled")),
    (rules.all_is_encrypted, "app", _plain_disk),
    (rules.all_is_said_by_tls, "data", _without("BucketPolicy", "Properties")),
    (
        rules.all_is_said_by_tls,
        "data",
        _without("DatabaseSettings", "Properties", "Parameters", "require_secure_transport"),
    ),
    (rules.all_is_said_by_tls, "cdn", _plain_cdn),
    (rules.buckets_are_as_the_store_needs_them, "data", _without("Bucket", "Properties", "VersioningConfiguration")),
    (rules.buckets_are_as_the_store_needs_them, "data", _cors),
    (rules.buckets_are_as_the_store_needs_them, "data", _expiry),
    (rules.buckets_are_as_the_store_needs_them, "data", _no_incoming_rule),
    (rules.nodes_tell_their_facts_by_tokens, "app", _old_metadata),
    (rules.all_is_tagged, "network", _without("Vpc", "Properties", "Tags")),
    (rules.all_is_tagged, "app", _without("NodeLaunchTemplate", "Properties", "TagSpecifications")),
    (rules.queues_wait_and_give_up, "app", _with("JobQueue", "VisibilityTimeout", 60)),
    (rules.queues_wait_and_give_up, "data", _without("IncomingQueue", "Properties", "RedrivePolicy")),
    (rules.alarms_reach_somebody, "app", _without("MissRateAlarm", "Properties", "AlarmActions")),
    (rules.alarms_reach_somebody, "app", _with("MissRateAlarm", "AlarmDescription", "Too many misses.")),
    (rules.alarms_reach_somebody, "app", _without("MissRateAlarm", "Properties", "TreatMissingData")),
    (rules.logs_end, "app", _without("ScaleFleetLog", "Properties", "RetentionInDays")),
    (rules.names_are_an_environments_own, "app", _with("JobQueue", "QueueName", "elastic-images-image-jobs")),
    (rules.names_are_an_environments_own, "app", _with("JobQueue", "QueueName", {"Fn::Sub": "${AWS::Region}-jobs"})),
    (rules.parameters_have_rules, "app", _free_parameter),
]


@pytest.mark.parametrize(("rule", "part", "mutate"), MUTATIONS)
def test_a_rule_refuses_what_breaks_it(rule: rules.Rule, part: str, mutate: Callable[[Any], None]) -> None:
    broken = copy.deepcopy(TEMPLATES[part])
    mutate(broken)
    assert rules.findings(broken, (rule,)) != []


def test_every_rule_was_seen_to_refuse_something() -> None:
    assert {rule for rule, _, _ in MUTATIONS} == set(rules.RULES)


def test_memcached_and_the_database_are_reached_by_the_functions_that_use_them_only() -> None:
    groups = properties(TEMPLATES["network"], "AWS::EC2::SecurityGroup")
    reached = {
        name: {
            (rule["FromPort"], rule["SourceSecurityGroupId"]["Fn::GetAtt"][0]) for rule in group["SecurityGroupIngress"]
        }
        for name, group in groups.items()
        if "SecurityGroupIngress" in group
    }
    assert reached == {
        "NodeSecurityGroup": {(11211, "AppSecurityGroup"), (11211, "ScalerSecurityGroup")},
        "DatabaseSecurityGroup": {
            (3306, "AppSecurityGroup"),
            (3306, "ScalerSecurityGroup"),
            (3306, "RotationSecurityGroup"),
        },
    }


def test_ha_has_a_way_out_in_each_zone_and_two_databases_in_two_zones() -> None:
    data, network = TEMPLATES["data"], TEMPLATES["network"]
    assert of(data, "Database")["MultiAZ"] == {"Fn::If": ["IsHa", True, False]}
    assert "MakesNatInEachZone" in str(of(network, "PrivateWayOutB"))
    assert network["Resources"]["NatB"]["Condition"] == "MakesNatInEachZone"


@pytest.mark.parametrize("part", PARTS)
def test_what_a_stack_is_given_is_told_by_those_before_it_or_chosen(part: str) -> None:
    """A parameter whose description says that it is of a stack is an output of one made earlier."""
    earlier = [TEMPLATES[one] for one in PARTS[: PARTS.index(part)]]
    told = {name for template in earlier for name in template.get("Outputs", {})}
    for name, parameter in TEMPLATES[part]["Parameters"].items():
        later = name == "DistributionArn"  # given in an update, once there is a CDN
        if re.match(r"Of the .*'s stack", parameter.get("Description", "")) and not later:
            assert name in told, name


def test_outputs_fill_the_parameters_of_their_names_and_empty_ones_do_not() -> None:
    known = {"BucketName": "b", "DatabaseId": "", "NodeSecurityGroupId": "sg-1", "Environment": "blue", "Other": "x"}
    assert parameters_for("app", known) == {"BucketName": "b", "NodeSecurityGroupId": "sg-1", "Environment": "blue"}


def test_what_cloudformation_is_to_be_told_of() -> None:
    assert {part: capabilities_of(part) for part in PARTS} == {
        "network": [],
        "data": [],
        "app": ["CAPABILITY_NAMED_IAM"],
        "rotation": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "cdn": [],
    }
    assert stack_name("blue", "app") == "elastic-images-blue-app"


def test_a_template_is_read_with_its_short_forms() -> None:
    read = parsed("a: !Ref X\nb: !GetAtt Y.Arn.More\nc: !If [Z, !Sub 's', 2012-10-17]\nd: !Join ['', [a]]")
    assert read == {
        "a": {"Ref": "X"},
        "b": {"Fn::GetAtt": ["Y", "Arn.More"]},
        "c": {"Fn::If": ["Z", {"Fn::Sub": "s"}, "2012-10-17"]},
        "d": {"Fn::Join": ["", ["a"]]},
    }


def test_the_bucket_is_as_that_of_the_local_cloud() -> None:
    rules_of = of(TEMPLATES["data"], "Bucket")["LifecycleConfiguration"]["Rules"]
    assert [one["ExpirationInDays"] for one in rules_of if one.get("Prefix") == INCOMING] == [bootstrap._INCOMING_DAYS]
    queue = of(TEMPLATES["data"], "IncomingQueue")
    assert queue["RedrivePolicy"]["maxReceiveCount"] == bootstrap._RECEIVES


def test_every_alarm_is_told_of_in_the_runbook() -> None:
    runbook = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    said = [alarm["AlarmDescription"] for alarm in properties(TEMPLATES["app"], "AWS::CloudWatch::Alarm").values()]
    anchors = {re.search(r"#(alarm-[a-z-]+)$", text)[1] for text in said}  # type: ignore[index]
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in runbook.splitlines()
        if line.startswith("#")
    }
    assert anchors | {"alarm-cost"} <= headings
    assert len(anchors) == len(said)
