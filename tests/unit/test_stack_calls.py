"""Stacks are made and removed from whatever state an interruption left them in."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.aws.errors import OperatorError
from ops.aws.stack_calls import Stacks
from ops.aws.stack_moves import Move, move_to_make, move_to_remove, parameters_of_change
from ops.aws.templates import stack_name

PART, GIVEN = "network", {"NatGateways": "none"}
NAME = stack_name("blue", PART)


class Killed(BaseException):
    """As by kill -9: nothing catches it."""


class CloudFormation:
    """Enough of CloudFormation for a stack, in which each thing under way takes two questions to end."""

    def __init__(self, fails: int = 0) -> None:
        self.stack: dict[str, Any] | None = None
        self.sets: dict[str, dict[str, Any]] = {}
        self.calls = 0
        self.kill_at = 0  # before this call is carried out, or after it if negative
        self._asked = 0
        self._fails = fails  # how many creations go wrong

    def __getattr__(self, name: str) -> Callable[..., Any]:
        act: Callable[..., Any] = getattr(type(self), f"do_{name}").__get__(self)

        def called(**words: Any) -> Any:
            self.calls += 1
            if self.calls == self.kill_at:
                raise Killed
            try:
                return act(**words)
            finally:
                if -self.calls == self.kill_at:
                    raise Killed

        return called

    def get_paginator(self, _name: str) -> Any:
        class Pages:
            def paginate(self, **_words: Any) -> list[dict[str, Any]]:
                return [{"StackResourceSummaries": []}]

        return Pages()

    def do_describe_stacks(self, StackName: str) -> Any:  # noqa: N803
        if self.stack is None:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")
        self._asked += 1
        if self._asked >= 2 and (after := self.stack.get("after")) is not None:
            self.stack = after and {**self.stack, "StackStatus": after, "after": None}
        if self.stack is None or self.stack["StackStatus"] == "gone":
            self.stack = None
            return self.do_describe_stacks(StackName)
        return {"Stacks": [self.stack]}

    def do_create_change_set(self, ChangeSetName: str, ChangeSetType: str, Parameters: Any, **_: Any) -> None:  # noqa: N803
        if ChangeSetType == "CREATE":
            assert self.stack is None or self.stack["StackStatus"] == "REVIEW_IN_PROGRESS", self.stack
            self.stack = {"StackStatus": "REVIEW_IN_PROGRESS", "Parameters": [], "Outputs": []}
        else:
            assert self.stack is not None
            assert not self.stack["StackStatus"].endswith("_IN_PROGRESS")
        given = {one["ParameterKey"]: one["ParameterValue"] for one in Parameters if "ParameterValue" in one}
        same = ChangeSetType == "UPDATE" and given == self.stack["given"]
        self.sets[ChangeSetName] = {"type": ChangeSetType, "given": given, "same": same}

    def do_describe_change_set(self, ChangeSetName: str, **_: Any) -> Any:  # noqa: N803
        if self.sets[ChangeSetName]["same"]:
            return {"Status": "FAILED", "StatusReason": "The submitted information didn't contain changes."}
        return {"Status": "CREATE_COMPLETE", "Changes": [{}]}

    def do_delete_change_set(self, ChangeSetName: str, **_: Any) -> None:  # noqa: N803
        del self.sets[ChangeSetName]

    def do_execute_change_set(self, ChangeSetName: str, **_: Any) -> None:  # noqa: N803
        made = self.sets.pop(ChangeSetName)
        verb = "CREATE" if made["type"] == "CREATE" else "UPDATE"
        ends = f"{verb}_COMPLETE"
        if verb == "CREATE" and self._fails:
            self._fails -= 1
            ends = "ROLLBACK_COMPLETE"
        assert self.stack is not None
        outputs = [{"OutputKey": "VpcId", "OutputValue": "vpc-1"}]
        self.stack |= {"given": made["given"], "StackStatus": f"{verb}_IN_PROGRESS", "after": ends, "Outputs": outputs}
        self._asked = 0

    def do_delete_stack(self, **_: Any) -> None:
        assert self.stack is not None
        self.stack |= {"StackStatus": "DELETE_IN_PROGRESS", "after": "gone"}
        self._asked = 0

    def do_describe_stack_events(self, **_: Any) -> Any:
        reason = "The maximum number of VPCs has been reached."
        failed = {"LogicalResourceId": "Vpc", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": reason}
        return {"StackEvents": [failed]}


def stacks(calls: CloudFormation) -> Stacks:
    return Stacks(calls, "blue", lambda _line: None, 0, lambda _seconds: None)


def test_a_stack_is_made_and_left_alone_when_nothing_changes() -> None:
    calls = CloudFormation()
    assert stacks(calls).ensure(PART, GIVEN) == {"VpcId": "vpc-1"}
    before = calls.stack
    assert stacks(calls).ensure(PART, GIVEN) == {"VpcId": "vpc-1"}
    assert (calls.stack, calls.sets) == (before, {})


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_the_same_again_finishes(after: bool) -> None:
    for at in itertools.count(1):
        calls = CloudFormation()
        calls.kill_at = -at if after else at
        try:
            stacks(calls).ensure(PART, GIVEN)
        except Killed:
            assert stacks(calls).ensure(PART, GIVEN) == {"VpcId": "vpc-1"}
            assert calls.stack is not None
            assert calls.stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        else:
            assert at > 7  # it was killed at each of its calls before
            return


@pytest.mark.parametrize("after", [False, True])
def test_a_removal_killed_at_any_call_finishes_too(after: bool) -> None:
    for at in itertools.count(1):
        calls = CloudFormation()
        stacks(calls).ensure(PART, GIVEN)
        calls.calls, calls.kill_at = 0, -at if after else at
        try:
            stacks(calls).remove(PART)
        except Killed:
            stacks(calls).remove(PART)
            assert calls.stack is None
        else:
            assert at > 2
            return


def test_why_a_stack_was_not_made_is_said_and_the_next_try_makes_it() -> None:
    calls = CloudFormation(fails=1)
    with pytest.raises(OperatorError, match=f"{NAME} ended as ROLLBACK_COMPLETE. Vpc: The maximum number of VPCs"):
        stacks(calls).ensure(PART, GIVEN)
    assert stacks(calls).ensure(PART, GIVEN) == {"VpcId": "vpc-1"}


@pytest.mark.parametrize(
    ("status", "making", "removing"),
    [
        ("", Move.CREATE, None),
        ("REVIEW_IN_PROGRESS", Move.CREATE, Move.REMOVE),
        ("CREATE_IN_PROGRESS", Move.WAIT, Move.WAIT),
        ("ROLLBACK_COMPLETE", Move.REMOVE, Move.REMOVE),
        ("UPDATE_ROLLBACK_COMPLETE", Move.CHANGE, Move.REMOVE),
        ("UPDATE_ROLLBACK_FAILED", Move.MEND, Move.REMOVE),
        ("DELETE_IN_PROGRESS", Move.WAIT, Move.WAIT),
        ("DELETE_FAILED", Move.REMOVE, Move.REMOVE),
        ("IMPORT_ROLLBACK_FAILED", Move.REFUSE, Move.REMOVE),
    ],
)
def test_each_state_has_its_move(status: str, making: Move, removing: Move | None) -> None:
    assert (move_to_make(status), move_to_remove(status)) == (making, removing)


def test_what_is_not_given_stays_as_it_was_unless_the_template_forgot_it() -> None:
    asked = parameters_of_change(
        {"Size": "ha"}, {"Size": "tiny", "Zones": "3", "Old": "1"}, frozenset({"Size", "Zones"})
    )
    assert asked == [
        {"ParameterKey": "Size", "ParameterValue": "ha"},
        {"ParameterKey": "Zones", "UsePreviousValue": True},
    ]
