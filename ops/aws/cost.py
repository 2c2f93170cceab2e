"""What an environment costs in a month, by line: idle, and at a stated load. Pure.

What the price table does not know has no price, and is called unknown; it is never taken for nothing.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.aws.templates import APP, DATA, NETWORK
from ops.aws.wanted_resources import resources_made, value_of

HOURS = 730  # in a month, as AWS reckons
NODES = 2  # the fleet's size until somebody or a decision chooses another
NODE_DISK_GB = 8
MINUTES = HOURS * 60
# Seconds that a function takes, as assumed: an idle run of a schedule, a request.
IDLE_SECONDS, REQUEST_SECONDS, JOB_SECONDS = 0.3, 0.06, 1.0
REQUEST_GB, SCHEDULE_GB = 1769 / 1024, 1.0
PRICES = Path(__file__).with_name("prices.json")
_FREE = frozenset(
    {
        "AWS::EC2::VPC",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::EC2::Subnet",
        "AWS::EC2::RouteTable",
        "AWS::EC2::Route",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::LaunchTemplate",
        "AWS::IAM::Role",
        "AWS::IAM::InstanceProfile",
        "AWS::RDS::DBSubnetGroup",
        "AWS::RDS::DBParameterGroup",
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::Queue",
        "AWS::SQS::QueuePolicy",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SNS::Subscription",
        "AWS::SES::EmailIdentity",
        "AWS::Logs::LogGroup",
        "AWS::SecretsManager::SecretTargetAttachment",
        "AWS::Budgets::Budget",
    }
)
_EACH = {
    "AWS::EC2::NatGateway": ("NAT gateways", "nat-gateway hour", HOURS),
    "AWS::EC2::EIP": ("public addresses", "public-address hour", HOURS),
    "AWS::SecretsManager::Secret": ("secrets", "secret", 1),
    "AWS::CloudWatch::Alarm": ("alarms", "alarm", 1),
    "AWS::CloudWatch::Dashboard": ("dashboard", "dashboard", 1),
}


@dataclass(frozen=True, slots=True)
class Load:
    """What a month brings."""

    requests: float = 0
    uploads: float = 0
    stored_gb: float = 0
    out_gb: float = 0


@dataclass(frozen=True, slots=True)
class Line:
    """`usd` a month; None is unknown."""

    what: str
    quantity: float
    unit: str
    usd: float | None


def prices(path: Path = PRICES) -> dict[str, Any]:
    """The table with its source and date."""
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table


def prices_for(table: Mapping[str, Any], region: str) -> Mapping[str, float]:
    """None at all for a region that the table is not of."""
    known: Mapping[str, float] = table["prices"] if region == table["region"] else {}
    return known


def idle(templates: Mapping[str, Any], given: Mapping[str, str], known: Mapping[str, float]) -> list[Line]:
    """With nobody there. `templates` are those of the parts that are made."""
    lines: list[Line] = []
    counted: Counter[str] = Counter()
    for part in (NETWORK, DATA, APP):
        template = templates[part]
        for name, one in resources_made(template, given).items():
            kind = one["Type"]
            if kind == "AWS::RDS::DBInstance":
                lines += _database(name, one["Properties"], template, given, known)
            elif kind not in _FREE:
                counted[kind] += 1
        if part == APP and "NodeLaunchTemplate" in resources_made(template, given):
            lines += _nodes(template, given, known)
    for kind, number in sorted(counted.items()):
        words, price, times = _EACH.get(kind, (kind, kind, 1))
        lines.append(_line(words, number * times, price, known))
    runs = 2 * MINUTES + MINUTES / 10  # scaler and jobs each minute, sweep each ten
    lines.append(_line("runs of the schedules", runs, "function call", known))
    power = f"function GB-second {given.get('NodeArchitecture', 'arm64')}"
    lines.append(_line(f"their time, {IDLE_SECONDS} s each assumed", runs * IDLE_SECONDS * SCHEDULE_GB, power, known))
    lines.append(Line("metrics of nodes and fleet, logs of idle runs", 1, "month", None))
    return lines


def under_load(load: Load, given: Mapping[str, str], known: Mapping[str, float]) -> list[Line]:
    """What the load adds."""
    power = f"function GB-second {given.get('NodeArchitecture', 'arm64')}"
    busy = load.requests * REQUEST_SECONDS + load.uploads * JOB_SECONDS
    return [
        _line("requests at the API", load.requests, "api call", known),
        _line("calls of functions", load.requests + load.uploads, "function call", known),
        _line(
            f"their time, {REQUEST_SECONDS} s a request, {JOB_SECONDS:g} s a job assumed",
            busy * REQUEST_GB,
            power,
            known,
        ),
        _line("objects written, four for each upload", 4 * load.uploads, "object write", known),
        _line("objects read, every request a miss", load.requests, "object read", known),
        _line("calls of queues", 3 * load.uploads, "queue call", known),
        _line("objects kept", load.stored_gb, "object GB", known),
        _line("bytes to the internet", load.out_gb, "out GB", known),
    ]


def total(lines: list[Line]) -> tuple[float, int]:
    """US dollars of what is known, and how many lines are not."""
    return sum(one.usd or 0 for one in lines), sum(one.usd is None for one in lines)


def in_words(line: Line) -> str:
    """One line of the table."""
    cost = "unknown" if line.usd is None else f"{line.usd:10.2f}"
    return f"  {cost:>10}  {line.what} ({line.quantity:,.10g} × {line.unit})"


def _database(
    name: str, of: Mapping[str, Any], template: Mapping[str, Any], given: Mapping[str, str], known: Mapping[str, float]
) -> list[Line]:
    words = "database's replica" if "SourceDBInstanceIdentifier" in of else "database"
    kind = value_of(of["DBInstanceClass"], template, given) or name
    copies = 2 if value_of(of.get("MultiAZ", "false"), template, given) == "True" else 1
    # A replica says nothing of its storage: it is its source's.
    storage = value_of(template["Resources"]["Database"]["Properties"]["AllocatedStorage"], template, given) or "0"
    zones = ", in two zones" if copies == 2 else ""
    return [
        _line(f"{words} {kind}{zones}", HOURS * copies, f"database {kind} hour", known),
        _line(f"{words}'s storage", int(storage) * copies, "database storage gp3 GB", known),
    ]


def _nodes(template: Mapping[str, Any], given: Mapping[str, str], known: Mapping[str, float]) -> list[Line]:
    data = template["Resources"]["NodeLaunchTemplate"]["Properties"]["LaunchTemplateData"]
    kind = value_of(data["InstanceType"], template, given)
    return [
        _line(f"{NODES} nodes {kind}", NODES * HOURS, f"instance {kind} hour", known),
        _line("their disks", NODES * NODE_DISK_GB, "volume gp3 GB", known),
    ]


def _line(what: str, quantity: float, price: str, known: Mapping[str, float]) -> Line:
    each = known.get(price)
    return Line(what, quantity, price, None if each is None else quantity * each)
