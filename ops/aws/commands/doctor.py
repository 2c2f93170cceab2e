"""doctor: what lacks on this machine and in the account, each with its fix."""

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from importlib.util import cache_from_source

from botocore.exceptions import BotoCoreError, ClientError

from ops.aws.account import Account
from ops.aws.command import FAILED, OK
from ops.aws.errors import OperatorError
from ops.aws.functions import refuse_old_python
from ops.aws.stage import FUNCTIONS
from ops.aws.telling import Telling
from ops.aws.templates import PROJECT

CHALICE = "1.34.0"  # whose ways with packages and records were looked at
GOOD, LACKS, UNKNOWN = "good", "LACKS", "unknown"
# Quotas that a new account may have too little of: service, code, the least, what for.
_QUOTAS = (
    ("lambda", "L-B99A9384", 100 + sum(one.at_once[0] for one in FUNCTIONS.values()), "functions at once (tiny)"),
    ("vpc", "L-F678F1CE", 1, "VPCs in the region"),
    ("ec2", "L-0263D0A3", 1, "elastic addresses, one for each NAT gateway"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """`fix` is what to do, empty where nothing lacks."""

    what: str
    state: str
    said: str
    fix: str = ""


def add(parser: argparse.ArgumentParser) -> None:
    """It has no arguments of its own."""
    parser.epilog = "Exit status 1 if something lacks. What it may not read it calls unknown."


def run(_arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    found = [*machine(account.endpoint is not None), *_of_account(account)]
    lines = []
    for one in found:
        lines += [f"{one.state:8}{one.what}: {one.said}", *([f"        fix: {one.fix}"] if one.fix else [])]
    lacking = sum(one.state == LACKS for one in found)
    lines.append(f"{lacking} lacking." if lacking else "Nothing lacks that was looked at.")
    telling.result(lines, {"findings": [asdict(one) for one in found], "lacking": lacking})
    return FAILED if lacking else OK


def machine(is_stand_in: bool) -> list[Finding]:
    """This machine."""
    return [
        _python(sys.version_info[:2], is_stand_in),
        chalice(_version("chalice")),
        _tool("git"),
        _bytecode(),
        _links(),
    ]


def _python(version: tuple[int, int], is_stand_in: bool) -> Finding:
    said = f"{version[0]}.{version[1]}, which functions are packaged with and run on"
    try:
        refuse_old_python(version, is_stand_in)
    except OperatorError as error:
        return Finding("Python", LACKS, f"{error.what} {error.why}", error.next)
    return Finding("Python", GOOD, said)


def chalice(version: str | None) -> Finding:
    """Pure."""
    fix = f".venv/bin/python -m pip install chalice=={CHALICE}"
    if version is None:
        return Finding("chalice", LACKS, "it is not installed", "./ops/setup.sh")
    return (
        Finding("chalice", GOOD, version) if version == CHALICE else Finding("chalice", LACKS, f"it is {version}", fix)
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _tool(name: str) -> Finding:
    found = shutil.which(name)
    return Finding(name, GOOD, found) if found else Finding(name, LACKS, "not on PATH", f"install {name}")


def _bytecode() -> Finding:
    said = f"compiled as {cache_from_source('app.py').rpartition('/')[2]} into each package"
    return Finding("bytecode", GOOD, said)


def _links() -> Finding:
    broken = [link.name for link in (PROJECT / "vendor").iterdir() if not link.exists()]
    if broken:
        return Finding(
            "vendor", LACKS, f"{', '.join(broken)} lead nowhere, and would be left out", "git checkout vendor"
        )
    return Finding("vendor", GOOD, "every link leads to what the package takes from it")


def _of_account(account: Account) -> list[Finding]:
    checks: list[tuple[str, Callable[[], str]]] = [
        ("credentials", lambda: account.caller["Arn"]),
        ("region", lambda: account.region),
    ]
    found = []
    for what, check in checks:
        try:
            found.append(Finding(what, GOOD, check()))
        except OperatorError as error:
            found.append(Finding(what, LACKS, f"{error.what} {error.why}".strip(), error.next))
    if any(one.state == LACKS for one in found):
        return found
    return [*found, *(_quota(account, *one) for one in _QUOTAS), _mail(account)]


def _quota(account: Account, service: str, code: str, least: float, words: str) -> Finding:
    try:
        quota = account.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]
    except (ClientError, BotoCoreError) as error:
        return Finding(f"quota of {words}", UNKNOWN, f"it could not be read: {str(error)[:160]}")
    value = float(quota["Value"])
    if value < least:
        fix = f"ask for more in Service Quotas ({service}, {code}); or create-env with --no-reserves"
        return Finding(f"quota of {words}", LACKS, f"{value:g}, and {least:g} are needed", fix)
    return Finding(f"quota of {words}", GOOD, f"{value:g}, what is used is not known")


def _mail(account: Account) -> Finding:
    try:
        answer = account.client("ses").get_send_quota()
    except (ClientError, BotoCoreError) as error:
        return Finding("mail", UNKNOWN, f"it could not be read: {str(error)[:160]}")
    if float(answer["Max24HourSend"]) <= 200:
        return Finding(
            "mail",
            UNKNOWN,
            "SES sends 200 a day at most: perhaps only to confirmed addresses (sandbox)",
            "ask SES for production access",
        )
    return Finding("mail", GOOD, f"{answer['Max24HourSend']:g} a day")
