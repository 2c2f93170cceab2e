"""plan: what would change, in words, and what the environment costs in a month."""

import argparse
from dataclasses import asdict

from ops.aws import change_words, cost, cost_words
from ops.aws.account import Account
from ops.aws.artefact import node_artefact
from ops.aws.command import CHANGES, OK
from ops.aws.creating import Step, steps_to_create
from ops.aws.environment import Environment
from ops.aws.errors import OperatorError, UsageError
from ops.aws.stack_moves import Move, move_to_make
from ops.aws.telling import Telling
from ops.aws.templates import CDN, PARTS, PROJECT, ROTATION, parameters_for, template_of
from ops.aws.wanted_resources import resources_made

_LOADS = {"requests": "requests", "uploads": "uploads", "stored-gb": "stored_gb", "out-gb": "out_gb"}


_ITS_KEY = {"ImageSigningPublicKey": "made", "ImageSigningKey": "made"}  # by create-env, when it comes to it


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    from ops.aws.commands.create_env import add_wishes

    parser.epilog = (
        "Exit status 3 if something would change, 0 if nothing. Nothing is changed by asking: change sets are made,\n"
        "read and dropped. What endangers data is marked with DATA, and red."
    )
    add_wishes(parser)
    parser.add_argument(
        "--load",
        default="requests=1000000,uploads=10000,stored-gb=50,out-gb=100",
        help="of a month, for the second sum (default: %(default)s)",
    )


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    from ops.aws.commands.create_env import given_of, wants_cdn

    environment = Environment(account, arguments.name, telling)
    given = given_of(arguments)
    cdn = wants_cdn(environment, given, arguments)
    return tell_plan(environment, given, telling, load_of(arguments.load), cdn=cdn)


def load_of(text: str) -> cost.Load:
    """Of requests=N,uploads=N,stored-gb=N,out-gb=N. Raises UsageError."""
    try:
        told = dict(one.split("=", 1) for one in text.split(",") if one)
        return cost.Load(**{_LOADS[name]: float(value) for name, value in told.items()})
    except (KeyError, ValueError) as error:
        raise UsageError(f"“{text}” is no load.", next_=f"--load {','.join(f'{name}=1' for name in _LOADS)}") from error


def tell_plan(
    environment: Environment,
    given: dict[str, str],
    telling: Telling,
    load: cost.Load | None = None,
    *,
    cdn: bool = False,
) -> int:
    """The exit status."""
    changes, parameters = planned(environment, given, telling, cdn=cdn)
    words, values = cost_words.told(environment.account.region, parameters, load or cost.Load(), cdn=cdn)
    lines = [f"{'DATA ' if one.endangers else ''}{one.words}" for one in changes]
    lines = [telling.red(line) if one.endangers else line for line, one in zip(lines, changes, strict=True)]
    lines = lines or ["Nothing would change."]
    telling.result([*lines, "", *words], {"changes": [asdict(one) for one in changes], **values})
    return CHANGES if changes else OK


def planned(
    environment: Environment, given: dict[str, str], telling: Telling, *, cdn: bool = False
) -> tuple[list[change_words.Change], dict[str, str]]:
    """The changes, and all parameters as they would be. Raises OperatorError if a stack is in no state to change."""
    changes: list[change_words.Change] = []
    parameters = dict(given)
    steps = steps_to_create(given, cdn=cdn)
    wanted = {str(step) for step in steps}
    told = node_artefact(PROJECT, environment.name).parameters if Step.ARTEFACT in steps else {}
    for part in PARTS:
        before = environment.stacks.parameters(part)
        parameters = {**{name: value for name, value in before.items() if name != "Environment"}, **parameters}
        move = move_to_make(environment.stacks.status(part))
        if move is Move.CHANGE:
            telling.progress(f"{part}: asking CloudFormation what would change")
            asked = parameters_for(part, {**told, **given})
            name, found = environment.stacks.change_set(part, asked, move)
            if name:
                environment.stacks.drop_change_set(part, name)
            changes += [change_words.in_words(part, one) for one in found]
            told |= environment.stacks.outputs(part)
        elif move in {Move.CREATE, Move.REMOVE} and part in wanted:
            if part == ROTATION and given.get("ExistingDatabaseHost"):
                continue
            made = resources_made(template_of(part), {**(_ITS_KEY if part == CDN else {}), **parameters})
            changes += [change_words.new(part, name, one["Type"]) for name, one in made.items()]
        elif move in {Move.WAIT, Move.MEND, Move.REFUSE}:
            raise OperatorError(
                f"The stack {part} is in the state {environment.stacks.status(part)}.",
                next_=f"`./ops/store create-env {environment.name}`, which waits for it and goes on",
            )
    return changes, parameters
