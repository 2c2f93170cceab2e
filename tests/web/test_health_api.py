"""/healthz and /readyz, and the id that every answer carries."""

import json
import logging

import pytest

from chalicelib.domain.errors import RowsUnavailableError
from tests.fakes import MemoryParts
from tests.web.caller import Caller


def test_alive_asks_nothing() -> None:
    parts = MemoryParts()
    before = list(parts.steps.taken)
    assert Caller(parts)("GET", "/healthz").json == {"status": "ok"}
    assert list(parts.steps.taken) == before


def test_ready_names_every_part() -> None:
    answer = Caller()("GET", "/readyz")
    assert (answer.status, answer.json["status"]) == (200, "ready")
    assert {name: part["state"] for name, part in answer.json["parts"].items()} == dict.fromkeys(
        ("database", "bucket", "queue", "fleet"), "answers"
    )


def test_without_nodes_images_still_come_from_the_origin() -> None:
    answer = Caller(MemoryParts(nodes=()))("GET", "/readyz")
    assert (answer.status, answer.json["status"]) == (200, "degraded")
    assert answer.json["parts"]["fleet"]["state"] == "refuses"


def test_without_the_database_it_is_not_ready() -> None:
    parts = MemoryParts()
    parts.steps.stop("maps", RowsUnavailableError("The database cannot be reached."))
    answer = Caller(parts)("GET", "/readyz")
    assert (answer.status, answer.json["status"]) == (503, "not ready")


def test_every_answer_and_its_line_in_the_log_carry_one_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "chalicelib.web.observing"):
        answer = Caller()("GET", "/api/v1/images/a-secret-key")
    assert answer.status == 404
    assert answer.headers["x-request-id"] == answer.json["request_id"]
    line = caplog.records[-1]
    assert (line.route, line.status, line.Requests) == ("/api/v1/images/{key}", 404, 1)  # type: ignore[attr-defined]
    assert "a-secret-key" not in json.dumps(vars(line), default=str)
