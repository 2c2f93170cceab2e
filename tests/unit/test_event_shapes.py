"""Schedules and the shapes of events."""

from datetime import UTC, datetime

import pytest
from chalice.app import Chalice, CloudWatchEvent, Rate, SQSEvent
from hypothesis import given
from hypothesis import strategies as st

from ops.local.event_shapes import next_start, rate_seconds, scheduled_event, sqs_event


@pytest.mark.parametrize(
    ("expression", "seconds"), [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(2 hours)", 7200)]
)
def test_a_rate_is_a_period(expression: str, seconds: int) -> None:
    assert rate_seconds(expression) == seconds


def test_chalices_own_rates_are_read() -> None:
    assert rate_seconds(Rate(1, unit=Rate.DAYS).to_string()) == 86400


@pytest.mark.parametrize("expression", ["cron(0 12 * * ? *)", "rate(0 minutes)", "rate(1 second)", ""])
def test_other_schedules_are_refused_in_words(expression: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        rate_seconds(expression)


@given(st.floats(0, 1e6), st.integers(1, 86400), st.floats(0, 1e6))
def test_the_next_start_is_to_come_and_lies_on_the_grid(due: float, period: int, elapsed: float) -> None:
    after = next_start(due, period, due + elapsed)
    assert after >= due + elapsed - 1e-3
    assert after - due >= period * 0.999
    assert abs((after - due) / period - round((after - due) / period)) < 1e-3


def test_chalice_takes_the_events() -> None:
    app = Chalice(app_name="sample")
    seen: list[object] = []

    @app.schedule(Rate(1, unit=Rate.MINUTES))
    def every_minute(event: CloudWatchEvent) -> None:
        seen.append((event.source, event.time))

    @app.on_sqs_message(queue="jobs")
    def on_job(event: SQSEvent) -> None:
        seen.extend((record.body, record.receipt_handle) for record in event)

    app.handler_map["every_minute"](scheduled_event("every_minute", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)), None)
    message = {"MessageId": "1", "ReceiptHandle": "handle", "Body": "body", "MD5OfBody": "0"}
    app.handler_map["on_job"](sqs_event("jobs", [message]), None)
    assert seen == [("aws.events", "2026-01-02T03:04:05Z"), ("body", "handle")]
