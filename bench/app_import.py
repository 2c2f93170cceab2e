"""What a cold process does before it can answer: importing the application, and building what a request needs.

Each sample is a process of its own, with compiled modules at hand, that takes the time itself.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.interleaved import Comparison, compared
from bench.rows import Row, row
from tests.fakes.parts import ENVIRON

GOAL = 1.6
WHAT = "import app, against the libraries that it is made of"
PROJECT = Path(__file__).resolve().parents[1]
APP = "import app"
LIBRARIES = "import chalice.app, jinja2, pymysql, pymemcache"
FIRST_GET = "import app, chalicelib.web.api; [app.services().images, app.services().accounts]"
FIRST_UPLOAD = "import app; images = app.services().images; images.objects.put; images.queue.send"
WITH_CLIENTS = f"{LIBRARIES}, boto3; [boto3.session.Session().client(name) for name in ('s3', 'sqs')]"
TAKEN = "import time; started = time.perf_counter(); {}; print(time.perf_counter() - started)"
_PROCESS_SECONDS = 60


def rows(rounds: int = 15) -> list[Row]:
    """The import, and the import with what a first request needs."""
    return [
        row(WHAT, against_libraries(rounds), GOAL),
        # The application loads late what a request may not need, so its import alone does not tell everything.
        row("ready for a first cached GET, against the same libraries", _compared(FIRST_GET, LIBRARIES, 9)),
        row("ready for a first upload, against libraries and AWS clients", _compared(FIRST_UPLOAD, WITH_CLIENTS, 9)),
    ]


def against_libraries(rounds: int = 15) -> Comparison:
    """The application's import against that of the libraries that it uses."""
    return _compared(APP, LIBRARIES, rounds)


def _compared(ours: str, theirs: str, rounds: int) -> Comparison:
    for statement in (ours, theirs):
        _seconds(statement)  # what is not compiled yet is compiled now
    return compared([(_seconds(ours), _seconds(theirs)) for _ in range(rounds)])


def _seconds(statements: str) -> float:
    """What the statements take in a new process."""
    with tempfile.TemporaryDirectory(prefix="bench-") as elsewhere:
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))},
            **ENVIRON,
            "PYTHONPATH": str(PROJECT),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
        done = subprocess.run(
            [sys.executable, "-c", TAKEN.format(statements)],
            cwd=elsewhere,
            env=environ,
            capture_output=True,
            text=True,
            timeout=_PROCESS_SECONDS,
            check=True,
        )
    return float(done.stdout)
