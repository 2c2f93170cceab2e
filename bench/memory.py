"""Memory of one process: after the import, once it is ready, and after a thousand requests.

python -m bench.memory    one process's figures as JSON; the environment must be a running store's
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.rows import Row
from bench.store import Store, event, jpeg_of

PROJECT = Path(__file__).resolve().parents[1]
REQUESTS = 1000
KEY, SIZE = "memory", 100_000
LIBRARIES = "import chalice.app, jinja2, pymysql, pymemcache, boto3"
_PROCESS_SECONDS = 120


def rows(store: Store) -> list[Row]:
    """Resident memory of processes of their own, against one that has only imported the libraries."""
    store.put(KEY, jpeg_of(SIZE))
    environ = {**os.environ, **store.environ, "PYTHONPATH": str(PROJECT)}
    libraries = int(_output(["-c", f"{LIBRARIES}; from bench.memory import resident_bytes; print(resident_bytes())"]))
    application: dict[str, int] = json.loads(_output(["-m", "bench.memory"], environ))
    return [
        Row(f"memory {when}", _megabytes(found), _megabytes(libraries), ratio, ratio, ratio)
        for when, found in application.items()
        for ratio in [found / libraries]
    ]


def resident_bytes() -> int:
    """This process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def main() -> None:
    """Measures this process."""
    from app import app

    figures = {"after import": resident_bytes()}
    for count in (1, REQUESTS):
        for _ in range(count):
            app(event("GET", KEY), None)
        figures[f"after {count} cached GETs of 100 KB" if count > 1 else "after a first cached GET"] = resident_bytes()
    print(json.dumps(figures))


def _output(arguments: list[str], environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_PROCESS_SECONDS,
        check=True,
    )
    return done.stdout


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


if __name__ == "__main__":
    main()
