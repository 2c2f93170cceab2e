"""One id from the request to the worker, in the logs of a running store; its parts are ready."""

import json
import secrets

from tests import hostile_images
from tests.e2e.store_client import StoreClient
from tests.local_cloud import LocalCloud, until


def _said(cloud: LocalCloud, request_id: str) -> list[dict[str, object]]:
    """The lines about the request in all logs of the run."""
    lines = [
        line
        for log in (cloud.state.root / "logs").glob("*.log")
        for line in log.read_text(errors="replace").splitlines()
    ]
    return [json.loads(line) for line in lines if request_id in line and line.startswith("{")]


def test_a_request_is_followed_through_the_queue_to_the_worker(cloud: LocalCloud) -> None:
    answer = StoreClient(cloud.address).put(f"traced {secrets.token_hex(4)}", hostile_images.good_png(8, 8, 7))
    assert answer.status == 201
    request_id = answer.headers["x-request-id"]

    def loggers() -> set[object]:
        return {line["logger"] for line in _said(cloud, request_id) if line["request_id"] == request_id}

    assert until(lambda: {"chalicelib.web.observing", "chalicelib.services.worker"} <= loggers(), timeout_seconds=60)


def test_a_run_that_a_message_started_is_measured(cloud: LocalCloud) -> None:
    def functions() -> set[object]:
        return {line["Function"] for line in _said(cloud, '"_aws"') if "Runs" in line}

    assert until(lambda: "perform_job" in functions(), timeout_seconds=90)


def test_every_part_of_a_running_store_is_ready(cloud: LocalCloud) -> None:
    answer = StoreClient(cloud.address)("GET", "/readyz")
    assert (answer.status, answer.json["status"]) == (200, "ready"), answer.json
