"""`python -m ops.local.http_server` starts, and ends when told to."""

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chalice_sample import RawClient

ROOT = Path(__file__).resolve().parents[2]
APP = """
from chalice import Chalice
app = Chalice("tiny")

@app.route("/")
def index():
    return {"hello": "world"}

def gateway_answer(status, message, path, cookies):
    return {"Content-Type": "text/plain"}, str(status).encode()
"""


@contextlib.contextmanager
def program(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program as a process, with the app.py of `folder` in place of the project's."""
    (folder / "app.py").write_text(APP)
    code = f"import sys; sys.path[:0] = {[str(folder), str(ROOT)]!r}\n"
    code += "from ops.local.http_server import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_though_connections_are_open(tmp_path: Path, number: signal.Signals) -> None:
    with program(tmp_path, "--port", "0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("Serving on http://127.0.0.1:")
        with RawClient(int(address.rpartition(":")[2])) as client:
            assert client.get("/").body == b'{"hello":"world"}'
            assert client.get("/nowhere").body == b"404"
            process.send_signal(number)
            assert client.ended()
            _, log = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "GET / 200 17 " in log
        assert "Traceback" not in log


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with program(tmp_path, "--port", str(port)) as process:
            _, errors = process.communicate(timeout=20)
            assert process.returncode == 1
            assert errors == (
                f"Port {port} on 127.0.0.1 is taken by another program: stop it, or choose another port with --port.\n"
            )
