"""The parts that run the project's own code: the supervisor of the nodes, the HTTP server and the event pump."""

import sys
from collections.abc import Mapping

from ops.local.ministack import answers
from ops.local.parts import Part
from ops.local.state import StateFolder


def nodes(state: StateFolder, environ: Mapping[str, str]) -> Part:
    return Part(
        name="nodes",
        title="The supervisor of the nodes",
        command=(sys.executable, "-m", "ops.local.nodes", "--state", str(state.root)),
        environ=environ,
        is_ready=state.nodes.exists,
        prepare=None,
        ready_seconds=30,
        stop_seconds=10,
    )


def web(state: StateFolder, port: int, environ: Mapping[str, str]) -> Part:
    """Ready once the application says so: the database is read and the fleet map has its nodes."""
    return Part(
        name="web",
        title="The HTTP server",
        command=(sys.executable, "-m", "ops.local.http_server", "--port", str(port), "--mail", str(state.mail)),
        environ=environ,
        is_ready=lambda: answers(f"http://127.0.0.1:{port}/health"),
        prepare=None,
        ready_seconds=150,  # nodes that are up just after a run of the scaler serve from the next minute's on
        stop_seconds=10,
    )


def events(environ: Mapping[str, str]) -> Part:
    return Part(
        name="events",
        title="The event pump",
        command=(sys.executable, "-m", "ops.local.events"),
        environ=environ,
        is_ready=lambda: True,
        prepare=None,
        ready_seconds=30,
        stop_seconds=15,
    )
