"""What the scaler's last run saw of the fleet, as plain values, and their JSON."""

import json
from dataclasses import asdict, dataclass

LAUNCHING, SERVING, LEAVING, FAILING, ENDING = "launching", "serving", "leaving", "failing", "ending"


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One instance. `note` says in words why it is not simply serving; `launched_at` is in Unix seconds."""

    id: str
    address: str
    state: str
    answering: bool
    note: str = ""
    launched_at: float = 0.0


@dataclass(frozen=True, slots=True)
class FleetReport:
    """`at` is when it was made, in Unix seconds; `notes` are what an operator should know, such as EC2's refusals."""

    at: float
    run: int
    nodes: tuple[NodeReport, ...]
    notes: tuple[str, ...] = ()


def to_json(report: FleetReport) -> str:
    """The report as it is stored."""
    return json.dumps(asdict(report))


def from_json(body: str) -> FleetReport:
    """The report that `to_json` wrote. Raises LookupError, TypeError or ValueError on others."""
    stored = json.loads(body)
    nodes = tuple(NodeReport(**node) for node in stored["nodes"])
    return FleetReport(stored["at"], stored["run"], nodes, tuple(stored["notes"]))
