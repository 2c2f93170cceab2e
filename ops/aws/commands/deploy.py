"""deploy: the tables and the functions of an environment, brought up to this code."""

import argparse

from ops.aws.account import Account
from ops.aws.command import OK, environment_name
from ops.aws.commands.create_env import add_choices, chosen_of
from ops.aws.environment import Environment
from ops.aws.telling import Telling


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = (
        "What was deployed is remembered in the environment's bucket, under a lock: any clone of this project, on any\n"
        "machine, updates the same API. Migrations come first; they must bear the functions that still run."
    )
    parser.add_argument("name", type=environment_name)
    add_choices(parser)


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    environment = Environment(account, arguments.name, telling)
    environment.chosen = chosen_of(arguments)
    told = environment.told()
    environment.records(told)
    environment.tables(told)
    _, address = environment.functions(told)
    environment.smoke(address)
    telling.result(
        [f"Deployed: {address}  ({telling.elapsed_seconds:.0f} s)"],
        {"environment": arguments.name, "address": address, "seconds": round(telling.elapsed_seconds, 1)},
    )
    return OK
