"""upgrade: this code in place of the release that runs, with a way back."""

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ops.aws import snapshots
from ops.aws.account import Account
from ops.aws.command import CHANGES, FAILED, OK, environment_name
from ops.aws.commands.backup import write_backup
from ops.aws.confirming import confirmed
from ops.aws.environment import SMOKE_SECONDS, Environment
from ops.aws.errors import UsageError
from ops.aws.releases import Release, Releases
from ops.aws.sealed_file import new_key, read_key
from ops.aws.telling import Telling
from ops.aws.upgrade_acts import Upgrade
from ops.aws.upgrading import Plan, Step, plan_of_contract, plan_of_return, plan_of_upgrade
from ops.database import Database
from ops.migrate import applied_ids

_EPILOG = """\
With the code of the new release:
  ./ops/store upgrade blue --dry-run      the steps and the migrations; changes nothing (exit status 3: there are some)
  ./ops/store upgrade blue
Steps: a test of what runs, a snapshot, migrations that expand the tables, the functions, a smoke test (health,
readiness, an image put, got equal and deleted by an account of the test's own). If it fails, the former release's
package is deployed again and the exit status is 1. The expanded tables stay: the former release runs on them.
By hand, as long as nothing was contracted:
  ./ops/store upgrade blue --back
What contracts the tables waits until no older release runs: for the next upgrade, or for
  ./ops/store upgrade blue --contract     no way leads back afterwards but a backup
RDS takes the snapshot of the environment's own database. For a database of yours the command takes its own backup:
  ./ops/store upgrade blue --backup blue.backup --key blue.key --new-key
Killed or failed, the same command goes on where it was. Stacks are not changed: `plan`, `create-env`."""


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = _EPILOG
    parser.add_argument("name", type=environment_name)
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--back", action="store_true", help="to the release before")
    way.add_argument(
        "--contract", action="store_true", help="what contracts of the release that runs, and nothing else"
    )
    parser.add_argument("--backup", type=Path, metavar="FILE", help="also an encrypted backup, as `backup` makes it")
    parser.add_argument("--key", type=Path, metavar="FILE", help="of the backup")
    parser.add_argument("--new-key", action="store_true", help="make it first")
    parser.add_argument("--without-snapshot", action="store_true", help="you have one that is new enough")
    parser.add_argument("--without-way-back", action="store_true", help="though the package of what runs is not kept")
    parser.add_argument(
        "--smoke-seconds", type=float, default=SMOKE_SECONDS, metavar="N", help="until a smoke test fails (%(default)s)"
    )
    parser.add_argument("--yes", action="store_true", help="without asking")
    parser.add_argument("--dry-run", action="store_true", help="change nothing")


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    environment = Environment(account, arguments.name, telling)
    told = environment.told()
    releases, here, database = environment.releases(told), environment.release(), environment.database(told)
    plan = _plan(arguments, releases, here, database)
    if arguments.dry_run or not plan.steps:
        return _tell_plan(plan, releases, here, telling)
    back_up = _back_up(arguments, plan, account, told, database, telling)
    if not arguments.yes and not confirmed(f"{_question(arguments, releases, here)} {_in_words(plan)}", telling):
        return OK

    def snapshot(name: str) -> None:
        if back_up is not None:
            telling.progress(f"backup: {back_up()}")
        if told.get("DatabaseId") and not arguments.without_snapshot:
            rds, poll = account.client("rds"), account.poll_seconds
            snapshots.take(rds, told["DatabaseId"], name, arguments.name, telling.progress, poll)

    def test() -> None:
        environment.keeps_an_image(told, arguments.smoke_seconds)

    upgrade = Upgrade(environment, told, telling.progress, test, snapshot)
    why = releases.under_way.goes_back if releases.under_way else ""
    serves = here.name
    if Step.BACK in plan.steps:
        serves = upgrade.back()
    elif arguments.contract:
        upgrade.contract(plan)
    elif why := upgrade.towards(plan, here):
        assert releases.running is not None  # noqa: S101  # it has just been gone back to
        serves = releases.running.name
    return _tell(arguments, environment.address(told), serves, "" if arguments.back else why, plan, telling)


def _plan(arguments: argparse.Namespace, releases: Releases, here: Release, database: Database) -> Plan:
    if arguments.back:
        return plan_of_return(releases)
    applied = applied_ids(database)
    if arguments.contract:
        return plan_of_contract(releases, here, applied, time.time())
    return plan_of_upgrade(releases, here, applied, time.time(), without_way_back=arguments.without_way_back)


def _back_up(
    arguments: argparse.Namespace,
    plan: Plan,
    account: Account,
    told: Mapping[str, str],
    database: Database,
    telling: Telling,
) -> Callable[[], str] | None:
    """Makes the backup and says what it is. Raises UsageError if it is to be made and nothing says where."""
    if Step.SNAPSHOT not in plan.steps or (arguments.backup is None and told.get("DatabaseId")):
        return None
    if arguments.backup is None:
        if arguments.without_snapshot:
            return None
        raise UsageError(
            "The database is your own, so the snapshot is a backup, and nothing says where it is to lie.",
            next_="--backup FILE --key FILE --new-key, or --without-snapshot if you have one",
        )
    if arguments.key is None:
        raise UsageError("A backup is encrypted, and no key is given.", next_="--key FILE, and --new-key to make it")

    def back_up() -> str:
        new = arguments.new_key and not arguments.key.exists()  # it may be there of a try that was killed
        key = new_key(arguments.key) if new else read_key(arguments.key)
        written = write_backup(arguments.backup, key, database, account, told["BucketName"], telling)
        return f"{arguments.backup}: {written.rows} rows, {written.objects} objects listed"

    return back_up


def _question(arguments: argparse.Namespace, releases: Releases, here: Release) -> str:
    runs = releases.running.name if releases.running else "a release that is not known"
    if arguments.back:
        return f"Take {arguments.name} back?"
    if arguments.contract:
        return f"Contract the tables of {arguments.name}, after which no way leads back from {runs}?"
    return f"Upgrade {arguments.name} from {runs} to {here.name}?"


def _in_words(plan: Plan) -> str:
    migrations = f" Migrations: {', '.join(plan.applied)}." if plan.applied else ""
    return f"Steps: {', '.join(plan.steps)}.{migrations}"


def _tell_plan(plan: Plan, releases: Releases, here: Release, telling: Telling) -> int:
    runs = releases.running.name if releases.running else None
    lines = [f"It runs {runs or 'a release that is not known'}; this code is {here.name}."]
    lines += [_in_words(plan)] if plan.steps else ["There is nothing to do."]
    if plan.later:
        lines += [f"Later, by the next upgrade or by --contract: {', '.join(plan.later)}."]
    values = {
        "running": runs,
        "release": here.name,
        "steps": list(plan.steps),
        "contract": plan.contract,
        "expand": plan.expand,
        "later": plan.later,
        "changed": False,
    }
    telling.result(lines, values)
    return CHANGES if plan.steps else OK


def _tell(arguments: argparse.Namespace, address: str, serves: str, why: str, plan: Plan, telling: Telling) -> int:
    seconds = telling.elapsed_seconds
    lines = [f"{arguments.name} runs {serves}: {address}  ({seconds:.0f} s)"]
    if why:
        lines = [f"NOT UPGRADED: {why}", "The expanded tables stay.", *lines]
    elif plan.later:
        lines += [f"Later, by the next upgrade or by --contract: {', '.join(plan.later)}."]
    values = {
        "environment": arguments.name,
        "address": address,
        "running": serves,
        "upgraded": not why and not arguments.back,
        "why": why,
        "applied": plan.applied,
        "later": plan.later,
        "seconds": round(seconds, 1),
    }
    telling.result(lines, values)
    return FAILED if why else OK
