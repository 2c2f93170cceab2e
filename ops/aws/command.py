"""The operator's command: an environment of the image store on AWS, from an empty account and back."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from ops.aws.account import Account
from ops.aws.errors import OperatorError, StageError, UsageError
from ops.aws.tables import in_words
from ops.aws.telling import Telling

OK, FAILED, USAGE, CHANGES = 0, 1, 2, 3
_EPILOG = """\
first time:   ./ops/store doctor
              ./ops/store plan blue --size tiny       what it makes, and what it costs in a month
              ./ops/store create-env blue --size tiny --mail-sender images@example.org
              ./ops/store first-admin blue            a link, good once
              ./ops/store status blue
and back:     ./ops/store destroy-env blue            lists what goes and what stays; changes nothing

Every command may be stopped (Ctrl-C, or worse) and given again: it goes on where it was. Results go to standard output,
progress to standard error. Exit status: 0 done, 1 failed, 2 not understood, 3 changes found (plan).
NO_COLOR switches colours off."""

# Each of these modules has `add(parser)` and `run(arguments, account, telling) -> exit status`.
COMMANDS = {
    "doctor": ("doctor", "what lacks on this machine and in the account, each with its fix"),
    "plan": ("plan", "what create-env would change, and what it costs in a month"),
    "create-env": ("create_env", "make an environment, or go on making it; ends with one that serves"),
    "first-admin": ("first_admin", "a link that makes its first admin, who makes others"),
    "deploy": ("deploy", "bring the tables and the functions of an environment up to this code"),
    "upgrade": ("upgrade", "this code in place of the release that runs, with a way back"),
    "status": ("status", "its stacks, their drift, its functions and its fleet"),
    "logs": ("logs", "what its functions wrote"),
    "backup": ("backup", "an encrypted dump of its whole database, and a list of its objects"),
    "restore": ("restore", "a backup into a new environment, where people sign in as before"),
    "destroy-env": ("destroy_env", "remove an environment; without flags it lists and changes nothing"),
    "parameters": ("parameters", "every parameter of the templates and setting of the application, and what it means"),
}


def main(words: Sequence[str]) -> int:
    """The exit status."""
    arguments = parser().parse_args(words)
    telling = Telling(as_json=arguments.json)
    try:
        run: Callable[[argparse.Namespace, Account, Telling], int] = import_module(
            f"ops.aws.commands.{COMMANDS[arguments.command][0]}"
        ).run
        return run(arguments, Account(arguments.profile, arguments.region), telling)
    except UsageError as error:
        return _said(error, USAGE)
    except OperatorError as error:
        return _said(error, FAILED)
    except StageError as error:
        return _said(OperatorError(str(error), next_="`./ops/store create-env NAME`, which makes what lacks"), FAILED)
    except (ClientError, BotoCoreError) as error:
        return _said(OperatorError("AWS refused a call.", str(error), "`./ops/store doctor`"), FAILED)
    except pymysql.err.MySQLError as error:
        return _said(in_words(error), FAILED)
    except KeyboardInterrupt:
        return _said(OperatorError("Stopped.", next_="the same command again: it goes on where it was"), FAILED)


def parser() -> argparse.ArgumentParser:
    """Of all commands."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--profile", help="of ~/.aws/config; else what the environment says")
    shared.add_argument("--region", help="such as eu-west-1; else the profile's")
    shared.add_argument("--json", action="store_true", help="the result as JSON")
    made = argparse.ArgumentParser(
        prog="./ops/store", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    several = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (module, summary) in COMMANDS.items():
        one = several.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            parents=[shared],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        import_module(f"ops.aws.commands.{module}").add(one)
    return made


def environment_name(text: str) -> str:
    """As argparse takes it. Raises ArgumentTypeError."""
    if re.fullmatch(r"(?!api$)[a-z][a-z0-9]{1,11}", text) is None:
        raise argparse.ArgumentTypeError(
            f"“{text}” is no environment's name: 2 to 12 small letters and digits, a letter first, and not api"
        )
    return text


def pair(text: str) -> tuple[str, str]:
    """NAME=VALUE, as argparse takes it. Raises ArgumentTypeError."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"“{text}” is not NAME=VALUE")
    return name, value


def _said(error: OperatorError, status: int) -> int:
    lines = [
        f"Error: {error.what}",
        *([error.why] if error.why else []),
        *([f"Next: {error.next}"] if error.next else []),
    ]
    print("\n".join(lines), file=sys.stderr, flush=True)
    return status
