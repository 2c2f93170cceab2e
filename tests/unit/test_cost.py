"""The month's cost by line, and change sets in words."""

import io
from types import SimpleNamespace
from typing import cast

import pytest

from ops.aws import change_words, cost
from ops.aws.artefact import node_artefact
from ops.aws.commands import plan
from ops.aws.commands.plan import load_of
from ops.aws.environment import Environment
from ops.aws.errors import UsageError
from ops.aws.telling import Telling
from ops.aws.templates import PARTS, PROJECT, template_of
from ops.aws.wanted_resources import resources_made

TEMPLATES = {part: template_of(part) for part in PARTS}
KNOWN = cost.prices()["prices"]


def lines(given: dict[str, str]) -> dict[str, cost.Line]:
    return {one.what: one for one in cost.idle(TEMPLATES, given, KNOWN)}


def test_each_size_has_the_gateways_and_databases_of_its_templates() -> None:
    tiny, ha = lines({"Size": "tiny"}), lines({"Size": "ha"})
    assert (tiny["NAT gateways"].quantity, ha["NAT gateways"].quantity) == (730, 2 * 730)
    assert tiny["database db.t4g.micro"].usd == pytest.approx(730 * KNOWN["database db.t4g.micro hour"])
    assert "database's replica db.m7g.large" in ha
    assert ha["database db.m7g.large, in two zones"].quantity == 2 * 730
    assert not any("replica" in what for what in tiny)


def test_what_the_operator_brings_costs_nothing_here() -> None:
    own = {"ExistingVpcId": "vpc-1", "ExistingDatabaseHost": "db", "ExistingNodeLaunchTemplateName": "mine"}
    assert not any(one.startswith(("NAT", "database", "2 nodes")) for one in lines(own))


def test_what_has_no_price_is_unknown_and_not_nothing() -> None:
    unknown = cost.idle(TEMPLATES, {}, {})
    assert all(one.usd is None for one in unknown)
    assert cost.total(unknown) == (0, len(unknown))
    assert "unknown" in cost.in_words(unknown[0])
    assert lines({"NodeInstanceType": "m9z.huge"})["2 nodes m9z.huge"].usd is None
    assert cost.prices_for(cost.prices(), "eu-west-1") == {}


def test_every_kind_of_resource_is_priced_free_or_called_unknown_by_name() -> None:
    told = lines({"Size": "ha", "AlarmEmail": "a@b.c", "MonthlyBudgetUsd": "9"})
    assert [what for what in told if what.startswith("AWS::")] == []


def test_a_load_adds_to_the_sum() -> None:
    load = load_of("requests=1000000,out-gb=10")
    more = cost.under_load(load, {}, KNOWN)
    assert next(one.usd for one in more if one.what == "requests at the API") == pytest.approx(3.5)
    assert next(one.usd for one in more if one.what == "bytes to the internet") == pytest.approx(0.9)
    with pytest.raises(UsageError, match="is no load"):
        load_of("people=3")


def test_replacing_what_holds_data_is_marked() -> None:
    of = {"Action": "Modify", "LogicalResourceId": "Bucket", "ResourceType": "AWS::S3::Bucket", "Replacement": "True"}
    details = [{"Target": {"Name": "BucketName"}}]
    change = change_words.in_words("data", {"ResourceChange": {**of, "Details": details}})
    assert change.endangers
    assert change.words == "data: REPLACES S3 Bucket Bucket, its BucketName; what is there stays, outside the stack"
    removed = {"Action": "Remove", "LogicalResourceId": "Database", "ResourceType": "AWS::RDS::DBInstance"}
    assert change_words.in_words("data", {"ResourceChange": removed}).endangers
    for harmless in (
        {**of, "Replacement": "False"},
        {**of, "Action": "Add"},
        {**of, "ResourceType": "AWS::SQS::Queue"},
    ):
        assert not change_words.in_words("data", {"ResourceChange": harmless}).endangers


def test_conditions_are_reckoned_as_cloudformation_does() -> None:
    def made(**given: str) -> set[str]:
        return set(resources_made(TEMPLATES["network"], given))

    assert {"NatA", "NatB"} & made() == {"NatA"}
    assert {"NatA", "NatB", "NatC"} <= made(NatGateways="each-zone", Zones="3")
    assert not {"Vpc", "NatA"} & made(ExistingVpcId="vpc-1")


def test_a_plan_asks_for_the_nodes_script_that_creating_would_store() -> None:
    asked: dict[str, dict[str, str]] = {}

    class Stacks:
        def status(self, _part: str) -> str:
            return "CREATE_COMPLETE"

        def parameters(self, _part: str) -> dict[str, str]:
            return {}

        outputs = parameters

        def change_set(self, part: str, parameters: dict[str, str], _move: object) -> tuple[str, list[object]]:
            asked[part] = parameters
            return "", []

    environment = cast(Environment, SimpleNamespace(name="blue", stacks=Stacks()))
    plan.planned(environment, {}, Telling(err=io.StringIO()))
    assert asked["app"] == node_artefact(PROJECT, "blue").parameters
    plan.planned(environment, {"ExistingNodeLaunchTemplateName": "mine"}, Telling(err=io.StringIO()))
    assert asked["app"] == {"ExistingNodeLaunchTemplateName": "mine"}
