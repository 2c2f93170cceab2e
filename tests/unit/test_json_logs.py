"""What a line of the log says."""

import json
import logging

from chalicelib.adapters.json_logs import JsonLines
from chalicelib.domain.metrics import embedded, request_measured, run_measured


def _line(record: logging.LogRecord) -> dict[str, object]:
    text = JsonLines(lambda: "request-1").format(record)
    assert "\n" not in text  # CloudWatch takes each line for an event
    said: dict[str, object] = json.loads(text)
    return said


def test_a_line_says_when_who_what_and_in_which_request() -> None:
    said = _line(
        logging.makeLogRecord({"name": "a.b", "levelname": "INFO", "msg": "%s ×", "args": ("x",), "created": 0})
    )
    assert said == {
        "time": "1970-01-01T00:00:00.000+00:00",
        "level": "INFO",
        "logger": "a.b",
        "message": "x ×",
        "request_id": "request-1",
    }


def test_an_exception_and_a_message_of_many_lines_stay_in_one() -> None:
    error = ValueError("of\ntwo lines")
    said = _line(logging.makeLogRecord({"msg": "a\nb", "exc_info": (ValueError, error, None)}))
    assert said["message"] == "a\nb"
    assert "ValueError: of\ntwo lines" in str(said["exception"])


def test_metrics_lie_where_cloudwatch_looks_for_them() -> None:
    fields = embedded("production", "api", 1_700_000_000_000, request_measured(12.345, 500))
    said = _line(logging.makeLogRecord({"msg": "GET", **fields}))
    metrics = said["_aws"]["CloudWatchMetrics"][0]  # type: ignore[index]
    for dimension in metrics["Dimensions"][0]:
        assert isinstance(said[dimension], str)
    values = {each["Name"]: (said[each["Name"]], each["Unit"]) for each in metrics["Metrics"]}
    assert values == {
        "Requests": (1, "Count"),
        "Errors": (1, "Count"),
        "Unavailable": (0, "Count"),
        "Latency": (12.35, "Milliseconds"),
    }


def test_a_503_is_told_apart_from_a_fault_of_ours() -> None:
    assert (request_measured(1, 503)["Errors"][0], request_measured(1, 503)["Unavailable"][0]) == (0, 1)
    assert (request_measured(1, 404)["Errors"][0], request_measured(1, 404)["Unavailable"][0]) == (0, 0)


def test_a_run_that_failed_is_counted_as_one() -> None:
    assert run_measured(5, failed=True)["Failures"] == (1, "Count")
    assert run_measured(5, failed=False)["Failures"] == (0, "Count")
