"""create-env: from nothing to an environment that serves."""

import argparse
import sys

from ops.aws import cost_words
from ops.aws.account import Account
from ops.aws.command import OK, environment_name, pair
from ops.aws.commands.plan import tell_plan
from ops.aws.confirming import confirmed
from ops.aws.creating import Known, check_cdn, check_parameters, create, steps_to_create
from ops.aws.environment import Environment
from ops.aws.functions import refuse_old_python
from ops.aws.settings import check_settings
from ops.aws.stage import SIZES
from ops.aws.tables import URL_VARIABLE, VIA_VARIABLE
from ops.aws.telling import Telling
from ops.aws.templates import CDN

_EPILOG = f"""\
Stacks (network, data, app), node script, tables, functions, the CDN's stack where one is wanted, rotation of passwords,
and a smoke test, in this order. What it costs in a month is told first.
Parts of your own:
  --parameter ExistingVpcId=vpc-0a --parameter ExistingPrivateSubnetIds=subnet-0a,subnet-0b
  --parameter ExistingBucketName=images
  --parameter ExistingDatabaseHost=db.example.org, with {URL_VARIABLE}=mysql://USER:PASSWORD@HOST:PORT/images
All parameters and settings: ./ops/store parameters
The database stands in private subnets. From outside give {VIA_VARIABLE}=127.0.0.1:PORT, a way to it.
Interrupted or failed, the same command goes on where it was."""


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = _EPILOG
    add_wishes(parser)
    parser.add_argument("--yes", action="store_true", help="without asking")
    parser.add_argument("--dry-run", action="store_true", help="as `plan`: change nothing")


def add_wishes(parser: argparse.ArgumentParser) -> None:
    """Those that say what environment is wanted."""
    parser.add_argument("name", type=environment_name, help="2 to 12 small letters and digits, such as blue")
    parser.add_argument("--size", choices=SIZES, help="tiny (default) for trying it out, standard for a team, ha")
    parser.add_argument("--architecture", choices=("arm64", "x86"), help="of functions and nodes; arm64 by default")
    parser.add_argument("--mail-sender", metavar="ADDRESS", help="mails come from it; needed so that people sign up")
    parser.add_argument("--alarm-email", metavar="ADDRESS", help="who is told of alarms")
    parser.add_argument(
        "--parameter", action="append", type=pair, default=[], metavar="NAME=VALUE", help="any other of the templates"
    )
    parser.add_argument(
        "--cdn",
        action="store_true",
        help="CloudFront before it, with a name if SiteName and a certificate or zone are given; stays once it is made",
    )
    add_choices(parser)


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Those that say how its functions are."""
    parser.add_argument(
        "--setting", action="append", type=pair, default=[], metavar="NAME=VALUE", help="of the application; remembered"
    )
    parser.add_argument("--traces", action=argparse.BooleanOptionalAction, help="X-Ray; remembered")
    parser.add_argument(
        "--reserves",
        action=argparse.BooleanOptionalAction,
        help="keep each function its share of the account's concurrency (default); --no-reserves for a new account",
    )


def given_of(arguments: argparse.Namespace) -> dict[str, str]:
    """The templates' parameters that were asked for. Raises UsageError."""
    short = {
        "Size": arguments.size,
        "NodeArchitecture": arguments.architecture,
        "MailSender": arguments.mail_sender,
        "AlarmEmail": arguments.alarm_email,
    }
    given = {**{name: value for name, value in short.items() if value}, **dict(arguments.parameter)}
    check_parameters(given)
    return given


def wants_cdn(environment: Environment, given: dict[str, str], arguments: argparse.Namespace) -> bool:
    """Also without being asked again: what is there is kept up. Raises UsageError for a name that cannot be."""
    cdn = bool(arguments.cdn or environment.stacks.status(CDN))
    check_cdn({**environment.stacks.parameters(CDN), **given} if cdn else given, cdn, environment.account.region)
    return cdn


def chosen_of(arguments: argparse.Namespace) -> dict[str, object]:
    """What was chosen for the functions. Raises UsageError."""
    several = {"traces": arguments.traces, "reserves": arguments.reserves}
    architecture = getattr(arguments, "architecture", None)
    return {
        **{name: value for name, value in several.items() if value is not None},
        **({"architecture": architecture} if architecture else {}),
        **({"settings": check_settings(arguments.setting)} if arguments.setting else {}),
    }


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    given, chosen = given_of(arguments), chosen_of(arguments)
    environment = Environment(account, arguments.name, telling)
    cdn = wants_cdn(environment, given, arguments)
    if arguments.dry_run:
        return tell_plan(environment, given, telling, cdn=cdn)
    refuse_old_python(sys.version_info[:2], account.endpoint is not None)
    where = f"{account.region}, account {account.id}"
    for line in cost_words.told(account.region, {**environment.given_before(), **given}, cdn=cdn)[0]:
        telling.progress(line)
    if not arguments.yes and not confirmed(f"Make the environment {arguments.name} in {where}?", telling):
        return OK
    environment.chosen = chosen
    known = Known(given)
    create(steps_to_create(given, cdn=cdn), known, environment, telling.progress)
    site = known.told.get("SiteAddress", "") if cdn else ""
    telling.result(
        [f"{arguments.name} serves at {site or known.address}  ({telling.elapsed_seconds:.0f} s)"],
        {
            "environment": arguments.name,
            "address": known.address,
            "site": site,
            "seconds": round(telling.elapsed_seconds, 1),
        },
    )
    return OK
