"""Measurements as CloudWatch reads them out of a line of the log: its embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
Dimensions are the environment and the function, so that there are as many metrics as functions and never one a person.
"""

from collections.abc import Mapping

NAMESPACE = "ElasticImages/Application"
COUNT, MILLISECONDS = "Count", "Milliseconds"


def embedded(
    environment: str, function: str, now_milliseconds: int, measured: Mapping[str, tuple[float, str]]
) -> dict[str, object]:
    """The fields of one line; `measured` is value and unit by the metric's name."""
    return {
        "_aws": {
            "Timestamp": now_milliseconds,
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Environment", "Function"]],
                    "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in measured.items()],
                }
            ],
        },
        "Environment": environment,
        "Function": function,
        **{name: value for name, (value, _) in measured.items()},
    }


def request_measured(milliseconds: float, status: int) -> dict[str, tuple[float, str]]:
    """A request that was answered. A 503 is not an error of ours alone, so it has a metric to itself."""
    return {
        "Requests": (1, COUNT),
        "Errors": (int(status >= 500 and status != 503), COUNT),
        "Unavailable": (int(status == 503), COUNT),
        "Latency": (round(milliseconds, 2), MILLISECONDS),
    }


def run_measured(milliseconds: float, failed: bool) -> dict[str, tuple[float, str]]:
    """A run of a function that a schedule or a queue started."""
    return {
        "Runs": (1, COUNT),
        "Failures": (int(failed), COUNT),
        "Duration": (round(milliseconds, 2), MILLISECONDS),
    }
