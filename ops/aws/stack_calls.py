"""Makes, changes and removes the stacks of an environment by change sets. Interrupted, each call may be repeated."""

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ops.aws.errors import OperatorError
from ops.aws.stack_moves import ABSENT, Move, move_to_make, move_to_remove, parameters_of_change, stands
from ops.aws.templates import capabilities_of, stack_name, tags_of, template_of, text_of

STACK_SECONDS = 3600  # a database in two zones and its replica take half of it
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


class Stacks:
    """`calls` is CloudFormation's client; `say` hears progress."""

    def __init__(
        self,
        calls: Any,
        environment: str,
        say: Callable[[str], None],
        poll_seconds: float,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.environment = environment
        self._calls, self._say, self._poll_seconds, self._pause = calls, say, poll_seconds, pause

    def status(self, part: str) -> str:
        """As CloudFormation says it; empty if there is none."""
        return str((self._described(part) or {}).get("StackStatus", ABSENT))

    def outputs(self, part: str) -> dict[str, str]:
        """None at all if the stack does not stand."""
        found = self._described(part) or {}
        return {one["OutputKey"]: one.get("OutputValue", "") for one in found.get("Outputs", [])}

    def parameters(self, part: str) -> dict[str, str]:
        found = self._described(part) or {}
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in found.get("Parameters", [])}

    def resources(self, part: str) -> list[dict[str, str]]:
        """LogicalResourceId, PhysicalResourceId, ResourceType, ResourceStatus of each."""
        try:
            pages = self._calls.get_paginator("list_stack_resources").paginate(StackName=self._name(part))
            return [one for page in pages for one in page["StackResourceSummaries"]]
        except ClientError as error:
            if _is_absent(error):
                return []
            raise

    def ensure(self, part: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """The stack as its template and these parameters say; its outputs. Others keep their value.

        Raises OperatorError, with CloudFormation's own reasons, if it cannot be.
        """
        while True:
            status = self.status(part)
            match move_to_make(status):
                case Move.WAIT:
                    self._settled(part)
                case Move.REMOVE:
                    self.remove(part)
                case Move.MEND:
                    self._calls.continue_update_rollback(StackName=self._name(part))
                    self._settled(part)
                case Move.REFUSE:
                    raise OperatorError(
                        f"The stack {self._name(part)} is in the state {status}.",
                        "No command mends that.",
                        "look at it in CloudFormation's console",
                    )
                case move:
                    return self._changed(part, parameters, move)

    def change_set(self, part: str, parameters: Mapping[str, str], move: Move) -> tuple[str, list[dict[str, Any]]]:
        """The name of a change set that waits to be carried out, and its changes; no name if nothing changes."""
        name = f"operator-{uuid.uuid4().hex}"
        template = template_of(part)
        given = {"Environment": self.environment, **parameters}
        before = self.parameters(part) if move is Move.CHANGE else {}
        try:
            self._calls.create_change_set(
                StackName=self._name(part),
                ChangeSetName=name,
                ChangeSetType="UPDATE" if move is Move.CHANGE else "CREATE",
                TemplateBody=text_of(part),
                Capabilities=capabilities_of(part),
                Parameters=parameters_of_change(given, before, frozenset(template["Parameters"])),
                Tags=[{"Key": key, "Value": value} for key, value in tags_of(self.environment).items()],
            )
        except ClientError as error:
            said = error.response["Error"]["Message"]
            if any(words in said for words in _NO_CHANGES):
                return "", []
            raise OperatorError(
                f"CloudFormation refuses the stack {self._name(part)}.",
                f"It said: {said}",
                "the same command with other parameters",
            ) from error
        return self._reviewed(part, name)

    def drop_change_set(self, part: str, name: str) -> None:
        """Without carrying it out. A stack that was only reviewed goes with it."""
        self._calls.delete_change_set(StackName=self._name(part), ChangeSetName=name)
        if self.status(part) == "REVIEW_IN_PROGRESS":
            self._calls.delete_stack(StackName=self._name(part))

    def remove(self, part: str) -> None:
        """Until there is none. Raises OperatorError if something of it cannot be removed."""
        tried = False
        while (move := move_to_remove(self.status(part))) is not None:
            if move is Move.REMOVE:
                if tried:
                    raise OperatorError(
                        f"The stack {self._name(part)} could not be removed.",
                        "; ".join(self._failures(part)),
                        "mend that, then the same command again",
                    )
                self._say(f"{part}: removing the stack")
                self._calls.delete_stack(StackName=self._name(part))
                tried = True
            self._settled(part)

    def drift(self, part: str) -> str:
        """IN_SYNC, DRIFTED, or NOT_CHECKED as CloudFormation last knew it."""
        return str((self._described(part) or {}).get("DriftInformation", {}).get("StackDriftStatus", "NOT_CHECKED"))

    def _changed(self, part: str, parameters: Mapping[str, str], move: Move) -> dict[str, str]:
        name, changes = self.change_set(part, parameters, move)
        if not name:
            self._say(f"{part}: as wanted already")
            return self.outputs(part)
        self._say(f"{part}: {move.value}, {len(changes)} resources")
        # What is to be kept later is not kept of a creation that fails: its names would stand in the next one's way.
        kept = {"RetainExceptOnCreate": True} if move is Move.CREATE else {}
        self._calls.execute_change_set(StackName=self._name(part), ChangeSetName=name, **kept)
        status = self._settled(part, total=len(changes))
        if not stands(status) or "ROLLBACK" in status:
            raise OperatorError(
                f"The stack {self._name(part)} ended as {status}.",
                "; ".join(self._failures(part)),
                "mend that, then the same command again: it goes on here",
            )
        return self.outputs(part)

    def _reviewed(self, part: str, name: str) -> tuple[str, list[dict[str, Any]]]:
        while True:
            found = self._calls.describe_change_set(StackName=self._name(part), ChangeSetName=name)
            if found["Status"] in {"CREATE_COMPLETE", "FAILED"}:
                break
            self._pause(self._poll_seconds)
        if found["Status"] == "CREATE_COMPLETE":
            changes = list(found.get("Changes", []))
            while found.get("NextToken"):
                found = self._calls.describe_change_set(
                    StackName=self._name(part), ChangeSetName=name, NextToken=found["NextToken"]
                )
                changes += found.get("Changes", [])
            return name, changes
        said = found.get("StatusReason", "")
        self._calls.delete_change_set(StackName=self._name(part), ChangeSetName=name)
        if any(words in said for words in _NO_CHANGES):
            return "", []
        raise OperatorError(
            f"CloudFormation refuses the change of the stack {self._name(part)}.",
            f"It said: {said}",
            "the same command with other parameters",
        )

    def _settled(self, part: str, total: int = 0) -> str:
        """Its state once nothing is under way. Raises OperatorError after an hour."""
        deadline, said = time.monotonic() + STACK_SECONDS, ""
        while True:
            status = self.status(part)
            if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
                return status
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"The stack {self._name(part)} is still {status} after an hour.",
                    next_="the same command again: it goes on waiting",
                )
            done = sum(one["ResourceStatus"].endswith("_COMPLETE") for one in self.resources(part))
            line = f"{part}: {status.lower().replace('_', ' ')}, {done}{f' of {total}' if total else ''} resources"
            if line != said:
                self._say(line)
                said = line
            self._pause(self._poll_seconds)

    def _failures(self, part: str) -> list[str]:
        try:
            events = self._calls.describe_stack_events(StackName=self._name(part))["StackEvents"]
        except ClientError as error:
            if _is_absent(error):
                return []
            raise
        failed = [one for one in events if one["ResourceStatus"].endswith("_FAILED")]
        return [
            f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'no reason given')}" for one in failed[:8]
        ]

    def _described(self, part: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._calls.describe_stacks(StackName=self._name(part))["Stacks"][0]
        except ClientError as error:
            if _is_absent(error):
                return None
            raise
        return found

    def _name(self, part: str) -> str:
        return stack_name(self.environment, part)


def _is_absent(error: ClientError) -> bool:
    return (
        error.response["Error"]["Code"] == "ValidationError" and "does not exist" in error.response["Error"]["Message"]
    )
