"""One whole run of the scaler over a fleet of eight real nodes, against the five seconds that it may take."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app import scaler_of
from bench.rows import Row, in_words
from bench.store import expect, store_of
from tests.local_cloud import LocalCloud, until

NODES, RUNS, MOST_SECONDS = 8, 9, 5.0


def rows() -> list[Row]:
    """The median run, and the slowest and quickest beside it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        cloud = LocalCloud(Path(folder), fleet_nodes=NODES)
        try:
            cloud.start()
            with store_of(cloud) as store:
                scaler = scaler_of(store.services)
                expect(until(lambda: len(scaler.run(10).nodes) == NODES, timeout_seconds=60), "eight nodes serve")
                taken = sorted(_seconds(scaler.run) for _ in range(RUNS))
        finally:
            cloud.stop()
    share = [seconds / MOST_SECONDS for seconds in taken]
    what = f"scaler: one run with {NODES} nodes : {MOST_SECONDS:.0f} s"
    return [Row(what, in_words(statistics.median(taken)), "5 s", statistics.median(share), share[0], share[-1], 1.0)]


def _seconds(run: Callable[[], object]) -> float:
    began = time.monotonic()
    run()
    return time.monotonic() - began
