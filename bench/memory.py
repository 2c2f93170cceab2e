"""Memory of one process: after the import, once it has answered, and after a thousand requests.

Each is measured in a process of its own that holds nothing of the benchmarks, against one that has imported the
libraries that the application is made of.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.rows import Row
from bench.store import Store, event, jpeg_of

PROJECT = Path(__file__).resolve().parents[1]
KEY, SIZE = "memory", 100_000
_PROCESS_SECONDS = 120


def rows(store: Store) -> list[Row]:
    """Resident memory at three moments."""
    store.put(KEY, jpeg_of(SIZE))
    environ = {**os.environ, **store.environ}
    libraries = _figures("libraries", "", environ)["libraries"]
    application = _figures("application", json.dumps(event("GET", KEY)), environ)
    return [
        Row(f"memory {when}, against the libraries imported", _megabytes(found), _megabytes(libraries), *[ratio] * 3)
        for when, found in application.items()
        for ratio in [found / libraries]
    ]


def _figures(what: str, given: str, environ: Mapping[str, str]) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.memory_child", what],
        input=given,
        cwd=PROJECT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_PROCESS_SECONDS,
        check=True,
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
