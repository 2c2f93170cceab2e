"""A small Chalice application for the event pump's tests: it writes what it was given to the file SAMPLE_EVENTS."""

import os
from pathlib import Path

from chalice.app import Chalice, CloudWatchEvent, Rate, SQSEvent

app = Chalice(app_name="sample-events")


def note(line: str) -> None:
    with Path(os.environ["SAMPLE_EVENTS"]).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


@app.schedule(Rate(1, unit=Rate.MINUTES))
def every_minute(event: CloudWatchEvent) -> None:
    note("scheduled")


@app.schedule(Rate(1, unit=Rate.HOURS))
def always_fails(event: CloudWatchEvent) -> None:
    note("fails")
    raise ValueError("this one always fails")


@app.on_sqs_message(queue="image-jobs", batch_size=1)
def on_job(event: SQSEvent) -> None:
    for record in event:
        note(f"job {record.body}")
        if record.body == "bad":
            raise ValueError("a bad job")
