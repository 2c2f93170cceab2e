"""destroy-env: removes an environment, its data only if they are told by name and count."""

import argparse

from ops.aws.account import Account
from ops.aws.command import FAILED, OK, environment_name
from ops.aws.destroying import Destroying, find
from ops.aws.destruction import Destruction, data_told, destruction
from ops.aws.environment import Environment
from ops.aws.telling import Telling


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = (
        "Without flags: what goes and what stays, and nothing is changed.\n"
        "  ./ops/store destroy-env blue --yes                         functions, nodes, stacks; data stay\n"
        "  ./ops/store destroy-env blue --yes --delete-data blue=42   also bucket, database and secrets, for ever\n"
        "Only what bears the environment's tags goes. May be repeated; ends with a look for what is left."
    )
    parser.add_argument("name", type=environment_name)
    parser.add_argument("--yes", action="store_true", help="do it")
    parser.add_argument("--dry-run", action="store_true", help="as without flags")
    parser.add_argument(
        "--delete-data", metavar="NAME=COUNT", help="the data too: its name and how many objects it has"
    )


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    environment = Environment(account, arguments.name, telling)
    told = data_told(arguments.delete_data) if arguments.delete_data else None
    found = find(account, arguments.name, environment.stacks)
    wanted = destruction(found, arguments.name, told)
    if arguments.dry_run or not arguments.yes:
        telling.result(_listed(arguments.name, wanted, found.objects), _values(wanted, found.objects, None))
        return OK
    destroying = Destroying(account, arguments.name, environment.stacks, telling.progress)
    destroying.run(found, wanted)
    left = destroying.left(wanted)
    lines = [f"Gone in {telling.elapsed_seconds:.0f} s.", *(f"stays: {one}" for one in wanted.stays)]
    lines += [f"LEFT OVER: {one}" for one in left] or ["Nothing that was to go is left."]
    telling.result(lines, _values(wanted, found.objects, left))
    return FAILED if left else OK


def _listed(name: str, wanted: Destruction, objects: int) -> list[str]:
    if not wanted.goes and not wanted.stays:
        return [f"There is nothing of {name}."]
    how = f"./ops/store destroy-env {name} --yes"
    return [
        *(f"goes:  {one}" for one in wanted.goes),
        *(f"stays: {one}" for one in wanted.stays),
        "Nothing was changed.",
        f"Next: {how}" + ("" if wanted.with_data else f"   (data too: add --delete-data {name}={objects})"),
    ]


def _values(wanted: Destruction, objects: int, left: list[str] | None) -> dict[str, object]:
    return {"goes": wanted.goes, "stays": wanted.stays, "objects": objects, "left": left, "changed": left is not None}
