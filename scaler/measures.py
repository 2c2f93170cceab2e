"""What a run of the scaler tells of the fleet as a whole, for alarms and the dashboard; pure.

CloudWatch takes metrics out of a function's log lines of this form (the embedded metric format), so that no further
call and no further permission is needed. The environment is the only dimension.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from chalicelib.domain.decisions import minute_of
from chalicelib.domain.fleet import FleetMap
from scaler.cloudwatch import NAMESPACE
from scaler.observed import Seen

MEASURED_MINUTES_AGO = 2  # the newest closed minute may not have been published by all


def measures(seen: Seen, fleet_map: FleetMap, now: datetime) -> dict[str, float]:
    """By name. Without requests there is no MissRate: nothing was measured, which is not zero."""
    target, serving = seen.settings.num_nodes, len(fleet_map.nodes)
    minute = minute_of(now) - MEASURED_MINUTES_AGO
    samples = [one for one in seen.samples if one.minute == minute]
    requests = sum(one.requests for one in samples)
    told = {
        "ScalerRuns": 1.0,
        "NodesTarget": float(target),
        "NodesServing": float(serving),
        "NodesMissing": float(max(0, target - serving)),
        "NodesNotAnswering": float(len(seen.gone)),
    }
    return told | ({"MissRate": sum(one.misses for one in samples) / requests} if requests else {})


def log_line(environment: str, told: Mapping[str, float], now: datetime) -> str:
    """The line that CloudWatch takes them from."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["environment"]],
        "Metrics": [{"Name": name, "Unit": "None" if name == "MissRate" else "Count"} for name in told],
    }
    at = int(now.timestamp() * 1000)
    return json.dumps({"_aws": {"Timestamp": at, "CloudWatchMetrics": [directive]}, "environment": environment, **told})
