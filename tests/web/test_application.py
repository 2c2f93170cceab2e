"""The application as app.py wires it: every face answers, and the schedule and the queue have their handlers."""

import subprocess
import sys
from typing import Any

import pytest
from chalice.app import Chalice

import app as wired
from tests.fakes import memory_app


@pytest.fixture
def app() -> Chalice:
    """The application that pytest-chalice's `client` calls."""
    return memory_app()


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/health", "application/json"),
        ("/api/v1/images", "application/json"),
        ("/api/list_keys", "application/json"),
    ],
)
def test_every_face_answers(client: Any, path: str, content_type: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)


def test_the_real_application_has_the_same_routes(app: Chalice) -> None:
    assert wired.app.routes.keys() == app.routes.keys()


def test_the_schedule_and_the_queue_have_their_handlers() -> None:
    assert {"scale_fleet", "resend_jobs", "perform_job", "sweep"} <= wired.app.handler_map.keys()


def test_importing_the_application_needs_no_environment_and_no_heavy_module() -> None:
    program = "import app, sys; print([name for name in ('boto3', 'PIL', 'pymysql') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
