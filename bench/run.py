"""`make bench`: every ratio, each from one run in which both sides take turns, written to bench/RESULTS.md.

    python -m bench.run [NAME ...]

What is not run keeps its last result. bench/recorded.json holds what the page is made from.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench import (
    app_import,
    cached_get,
    gallery_pages,
    http_get,
    memory,
    package_import,
    router,
    scaler_run,
    sign_in,
    thumbnail,
    upload,
)
from bench.page import Recorded, page, recorded_from, to_json
from bench.rows import Row
from bench.store import Store, running

PROJECT = Path(__file__).resolve().parents[1]
RECORDED = PROJECT / "bench" / "recorded.json"
RESULTS = PROJECT / "bench" / "RESULTS.md"
ALONE: dict[str, Callable[[], list[Row]]] = {
    "router": router.rows,
    "import": app_import.rows,
    "package-import": package_import.rows,
    "thumbnail": thumbnail.rows,
    "scaler-run": scaler_run.rows,
    "gallery-pages": gallery_pages.rows,
}
ON_A_STORE: dict[str, Callable[[Store], list[Row]]] = {
    "cached-get": cached_get.rows,
    "http-get": http_get.rows,
    "upload": upload.rows,
    "memory": memory.rows,
    "sign-in": sign_in.rows,
}
NAMES = (*ALONE, *ON_A_STORE)
LONG = {"gallery-pages"}  # minutes: only when it is asked for


def main() -> int:
    """Runs the benchmarks that are asked for, or all but long ones; 1 if a goal was missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)}; all but {', '.join(LONG)} if none")
    asked = set(parser.parse_args().names or set(NAMES) - LONG)
    if unknown := asked - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    names = [name for name in NAMES if name in asked]
    recorded = last_recorded()
    commit = _commit()  # before this run's own results change the tree
    with ExitStack() as stack:
        store: Store | None = None
        for name in names:
            if name in ON_A_STORE and store is None:
                _say("Starting a store")
                store = stack.enter_context(running())
            conditions = _conditions(commit)
            rows = ALONE[name]() if store is None else ON_A_STORE[name](store)
            recorded[name] = Recorded(conditions, tuple(rows))
            for row in rows:
                _say(f"{row.what}: {row.ours} : {row.theirs} = {row.ratio:.3g}  {row.verdict}")
            RECORDED.write_text(to_json(recorded), encoding="utf-8")  # at once: a run that is stopped has been of use
            RESULTS.write_text(page({name: recorded[name] for name in NAMES if name in recorded}), encoding="utf-8")
    return 0 if all(row.reached for name in names for row in recorded[name].rows) else 1


def last_recorded() -> dict[str, Recorded]:
    """What was measured last, by the benchmarks' names."""
    return recorded_from(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()


def _conditions(commit: str) -> str:
    """Where and when, in words."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f}"
    )


def _say(text: str) -> None:
    """Progress goes to stderr."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
