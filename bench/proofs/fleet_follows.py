"""In real minutes and by the real schedule: load that misses, then load that hits, then none; the fleet follows.

Nothing is compressed and nothing is called by hand: agents publish, the schedule runs the scaler, the scaler decides.
"""

import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chalicelib.adapters.mysql.database import Database, DatabaseAddress
from chalicelib.adapters.mysql.decision_rows import MySqlDecisionRows
from chalicelib.adapters.mysql.fleet_maps import MySqlFleetMaps
from chalicelib.domain.decisions import MINUTE_SECONDS, Decision, minute_of
from tests.e2e.store_client import StoreClient, image_path
from tests.hostile_images import good_jpeg
from tests.local_cloud import LocalCloud, until

MOST_NODES = 4
READS_PER_SECOND = 10.0
HOT_IMAGES = 40  # what the load that hits reads again and again
MINUTES_A_STEP = (
    6  # at most, for one change of the number of nodes: the minute, its decision, the handoff, the cooldown
)
MINUTES_TO_HOLD = 5


@dataclass(frozen=True)
class RoundResult:
    """What one round saw. `minutes` are lines of the decision log; `wrong` is what did not go as it should."""

    most: int
    sizes: list[int]
    minutes: list[str]
    reads: int
    refused: int  # answers 503
    wrong: list[str]


def run_round(state_dir: Path, seed: int, say: Callable[[str], None], most_nodes: int = MOST_NODES) -> RoundResult:
    """A fleet of one node that may grow to `most_nodes`, and shrink again. What is in the folder is removed first."""
    shutil.rmtree(state_dir, ignore_errors=True)
    began = minute_of(datetime.now(UTC))
    cloud = LocalCloud(state_dir, fleet_nodes=1, fleet_mode="auto")
    cloud.start()
    wrong: list[str] = []
    reads = refused = 0
    try:
        client = StoreClient(cloud.address)
        answer = client("POST", f"/api/configure_cache?minNodes=1&maxNodes={most_nodes}")
        if answer.status != 200:
            wrong.append(f"configure_cache was answered with {answer.status}: {answer.body[:200]!r}")
        minutes = (most_nodes.bit_length() - 1) * MINUTES_A_STEP
        with fleet_log(cloud) as log:
            for load, size in (
                (Load(client, seed, misses=True), most_nodes),
                (Load(client, seed + 1, misses=False), 1),
            ):
                say(f"load that {'misses' if load.misses else 'hits'}: until {size} serve")
                with load:
                    if not log.reached(size, timeout_seconds=minutes * 60):
                        wrong.append(f"the fleet did not come to {size} in {minutes} minutes")
                reads += load.reads
                refused += load.refused
                wrong += load.wrong
            say("no load: waiting until the fleet holds and says so")
            if not log.holds_quietly(minute_of(datetime.now(UTC)) + 1, timeout_seconds=MINUTES_TO_HOLD * 60):
                wrong.append(f"no hold for want of traffic after {MINUTES_TO_HOLD} minutes")
            decisions = log.since(began)
    finally:
        cloud.stop()
    decided = [one.minute for one in decisions]
    if decided != list(range(began, began + len(decided))):
        wrong.append("a minute is missing in the log of decisions")
    changes = [one for one in decisions if one.target != one.before]
    wrong += [f"changed by {one.rule}" for one in changes if one.rule not in ("above-maximum", "below-minimum")]
    return RoundResult(
        most=most_nodes,
        sizes=[1, *(one.target for one in changes)],
        minutes=[line(one) for one in decisions],
        reads=reads,
        refused=refused,
        wrong=wrong,
    )


class Load(threading.Thread):
    """Reads images at a steady pace: each a new one, stored just before, or a few over and over."""

    def __init__(self, client: StoreClient, seed: int, *, misses: bool) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._rng = random.Random(seed)
        self._name = f"load-{seed}"
        self.misses = misses
        self._ending = threading.Event()
        self.reads = 0
        self.refused = 0
        self.wrong: list[str] = []

    def __enter__(self) -> "Load":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self.join(timeout=60)

    def run(self) -> None:
        due = time.monotonic()
        while not self._ending.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / READS_PER_SECOND, time.monotonic() - 1)
            fresh = self.misses or self.reads < HOT_IMAGES
            key = f"{self._name}/{self.reads if fresh else self._rng.randrange(HOT_IMAGES)}"
            if fresh and not self._answered("PUT", key, 201, good_jpeg(24, 16, self._rng.randrange(2**31))):
                continue
            self._answered("GET", key, 200)
            self.reads += 1

    def _answered(self, method: str, key: str, expected: int, data: bytes = b"") -> bool:
        """Whether it was answered as it should be. A 503 is an answer too: this machine may have stood still."""
        status = self._client(method, image_path(key), data).status
        if status == 503:
            self.refused += 1
        elif status != expected:
            self.wrong.append(f"{method} {key} was answered with {status}")
        return status == expected


@dataclass(frozen=True)
class FleetLog:
    """What a running cloud decided, and how many nodes its fleet map names, read from its database."""

    decisions: MySqlDecisionRows
    maps: MySqlFleetMaps

    def since(self, minute: int) -> list[Decision]:
        """The decisions on minutes from that one on, oldest first."""
        return self.decisions.since(minute)

    def serving(self) -> int:
        """How many nodes serve."""
        return len(self.maps.current().nodes)

    def reached(self, size: int, *, timeout_seconds: float) -> bool:
        """Whether the scaler comes to decide on so many nodes, and so many serve, in time."""

        def is_so() -> bool:
            latest = self.decisions.latest(1)
            return bool(latest) and latest[0].target == size == self.serving()

        return until(is_so, timeout_seconds=timeout_seconds)

    def holds_quietly(self, minute: int, *, timeout_seconds: float) -> bool:
        """Whether a minute from that one on comes to be decided as one without traffic, in time."""
        return until(
            lambda: any(one.rule == "no-traffic" for one in self.since(minute)), timeout_seconds=timeout_seconds
        )


@contextmanager
def fleet_log(cloud: LocalCloud) -> Iterator[FleetLog]:
    """Of a running cloud."""
    environ = cloud.environ
    database = Database(
        DatabaseAddress(
            host=environ["DATABASE_HOST"],
            port=int(environ["DATABASE_PORT"]),
            user=environ["DATABASE_USER"],
            password=environ["DATABASE_PASSWORD"],
            name=environ["DATABASE_NAME"],
            tls=environ["DATABASE_TLS"] == "on",
            answer_timeout_seconds=30,  # who only watches can wait
        )
    )
    try:
        yield FleetLog(MySqlDecisionRows(database), MySqlFleetMaps(database))
    finally:
        database.close()


def line(decision: Decision) -> str:
    """A minute's nodes, miss rate and decision, for the page of proofs."""
    at = datetime.fromtimestamp((decision.minute or 0) * MINUTE_SECONDS, UTC)
    requests = sum(one.requests for one in decision.samples)
    rate = f"{sum(one.misses for one in decision.samples) / requests:.1%} of {requests}" if requests else "no requests"
    changed = f" → {decision.target}" if decision.target != decision.before else ""
    nodes = "1 node" if decision.before == 1 else f"{decision.before} nodes"
    return f"{at:%H:%M} {nodes}, missed {rate}: {decision.rule}{changed}"
