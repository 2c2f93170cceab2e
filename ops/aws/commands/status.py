"""status: how an environment stands."""

import argparse
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pymysql

from ops.aws import fleet_drift, tables, tagged
from ops.aws.account import Account
from ops.aws.command import FAILED, OK, environment_name
from ops.aws.environment import Environment
from ops.aws.errors import OperatorError
from ops.aws.functions import function_name
from ops.aws.stack_moves import stands
from ops.aws.stage import FUNCTIONS
from ops.aws.telling import Telling
from ops.aws.templates import PARTS, text_of


def add(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.epilog = (
        "Exit status 1 if a part that is needed does not stand. A template that differs from this code's is named;\n"
        "`plan` says what it would change. The fleet map is read from the database, as `deploy` reaches it:\n"
        "nodes that only one of map and EC2 knows are named. The scaler mends that each minute."
    )
    parser.add_argument("name", type=environment_name)


def run(arguments: argparse.Namespace, account: Account, telling: Telling) -> int:
    """The exit status."""
    environment = Environment(account, arguments.name, telling)
    told = environment.told()
    environment.records(told)
    stacks = {part: _stack(environment, account, part) for part in PARTS if environment.stacks.status(part)}
    there = tagged.functions(account, arguments.name)
    lacking = [name for one in FUNCTIONS if (name := function_name(arguments.name, one)) not in there]
    nodes = tagged.nodes(account, arguments.name)
    fleet = _fleet(account, told, nodes)
    address = environment.address(told)
    ready = _ready(address) if address else {"state": "not deployed"}
    values = {
        "stacks": stacks,
        "functions": there,
        "lacking": lacking,
        "nodes": list(nodes),
        "fleet": fleet,
        "address": address,
        "ready": ready,
    }
    lines = [
        f"stack {part}: {one['status']}, template {one['template']}, drift {one['drift']}"
        for part, one in stacks.items()
    ]
    lines += [f"functions: {len(there)} of {len(FUNCTIONS)}" + (f"; lacking: {', '.join(lacking)}" if lacking else "")]
    lines += [f"nodes: {len(nodes)} instances", *fleet["words"]]
    lines += [f"address: {address or 'none'}", f"ready: {json.dumps(ready)}"]
    telling.result(lines, values)
    good = all(stands(one["status"]) for one in stacks.values()) and not lacking and is_ready(ready)
    return OK if good else FAILED


def _fleet(account: Account, told: Mapping[str, str], nodes: Mapping[str, str]) -> dict[str, Any]:
    """How EC2 differs from the fleet map, which stands in the database: from outside that takes a way in."""
    try:
        database = tables.operators_database(account.client("secretsmanager"), told, tables.environ())
        found = fleet_drift.drift(fleet_drift.published_map(database), nodes)
    except OperatorError as error:
        return {"drift": "unknown", "words": [f"fleet: the map was not read: {error}"]}
    except pymysql.err.MySQLError as error:
        way = f"give {tables.VIA_VARIABLE} a way to the database"
        return {"drift": "unknown", "words": [f"fleet: the map was not read: {error.args[-1]}; {way}"]}
    words = fleet_drift.in_words(found)
    return {"drift": "none" if not any(asdict(found).values()) else "found", "words": words, **asdict(found)}


def is_ready(answer: Any) -> bool:
    """Whether /readyz said so. A gateway before functions that fail answers JSON too. Pure."""
    return isinstance(answer, dict) and answer.get("status") in {"ready", "degraded"}


def _stack(environment: Environment, account: Account, part: str) -> dict[str, str]:
    name = f"elastic-images-{environment.name}-{part}"
    body = account.client("cloudformation").get_template(StackName=name).get("TemplateBody", "")
    same = isinstance(body, str) and body.strip() == text_of(part).strip()
    return {
        "status": environment.stacks.status(part),
        "template": "as here" if same else "differs from this code's",
        "drift": environment.stacks.drift(part).lower().replace("_", " "),
    }


def _ready(address: str) -> Any:
    try:
        asked = urllib.request.Request(f"{address}readyz", headers={"Accept": "*/*"})  # noqa: S310  # ours, http or https
        with urllib.request.urlopen(asked, timeout=29) as response:  # noqa: S310
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        text = error.read(4000).decode(errors="replace")
        return json.loads(text) if text.startswith("{") else {"status": "unreachable", "said": text[:300]}
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        return {"status": "unreachable", "said": str(error)}
