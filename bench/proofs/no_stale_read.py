"""Real processes: readers and writers over HTTP while the fleet is resized and nodes and servers are killed or stopped.

Two servers with memories of their own, real memcached nodes, MariaDB and the stand-in for S3. A read that began after a
write was acknowledged must show that write or a later one of its key, and nothing that was never stored under it.
"""

import contextlib
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ops.local.ports import free_port
from tests.e2e.store_client import StoreClient
from tests.hostile_images import good_jpeg
from tests.local_cloud import LocalCloud

WRITERS, READERS, KEYS = 2, 5, 3
JSON = {"Content-Type": "application/json"}
PROJECT = Path(__file__).parents[2]


@dataclass
class RoundResult:
    """What was seen. `unavailable` are answers 503 with Retry-After, which are allowed."""

    reads: int = 0
    writes: int = 0
    unavailable: int = 0
    wrong: list[str] = field(default_factory=list)
    troubles: dict[str, int] = field(default_factory=dict)


class Key:
    """One key's history. Only its writer sends, one write after another."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.numbers: dict[str | None, int] = {None: 0}  # of each content ever sent; before the first there is none
        self.acknowledged = 0

    def sent(self, data: bytes) -> int:
        number = len(self.numbers)
        self.numbers[hashlib.sha256(data).hexdigest()] = number
        return number


def run_round(folder: Path, seed: int, seconds: float, say: Callable[[str], None]) -> RoundResult:
    """So many seconds of load and trouble."""
    cloud = LocalCloud(folder, fleet_nodes=2, fleet_mode="manual", extra_environ={"CACHE_TIMEOUT_MS": "200"})
    cloud.start()
    result, over = RoundResult(), threading.Event()
    try:
        with _second_server(cloud) as (address, server):
            clients = [StoreClient(cloud.address), StoreClient(address)]
            keys = [[Key(f"{writer}-{number}") for number in range(KEYS)] for writer in range(WRITERS)]
            lock, everything = threading.Lock(), [key for each in keys for key in each]
            work: list[Callable[[], None]] = [
                *(_writer(clients, each, random.Random(f"{seed} w {n}"), result, lock) for n, each in enumerate(keys)),
                *(_reader(clients, everything, random.Random(f"{seed} r {n}"), result, lock) for n in range(READERS)),
                _trouble(cloud, clients[0], server, random.Random(f"{seed} t"), result),
            ]
            threads = [threading.Thread(target=_until_over, args=(over, one, result), daemon=True) for one in work]
            for thread in threads:
                thread.start()
            over.wait(seconds)
            over.set()
            for thread in threads:
                thread.join(60)
        say(f"seed {seed}: {result.reads} reads, {result.writes} writes, {result.troubles}, wrong: {result.wrong[:3]}")
        return result
    finally:
        over.set()
        cloud.stop()


def _until_over(over: threading.Event, work: Callable[[], None], result: RoundResult) -> None:
    try:
        while not over.is_set():
            work()
    except Exception as error:  # noqa: BLE001  # a thread that ends in silence would prove nothing
        result.wrong.append(f"{type(error).__name__}: {error}")


def _writer(
    clients: list[StoreClient], keys: list[Key], source: random.Random, result: RoundResult, lock: threading.Lock
) -> Callable[[], None]:
    def write() -> None:
        key = source.choice(keys)
        data = good_jpeg(source.randrange(16, 64), source.randrange(16, 64), source.randrange(2**31))
        with lock:
            number = key.sent(data)
        try:
            answer = source.choice(clients).put(key.name, data)
        except (OSError, http.client.HTTPException):
            return  # nobody knows how it ended
        if answer.status in (200, 201):
            with lock:
                key.acknowledged = number
                result.writes += 1
        else:
            _refused(answer.status, answer.headers, f"PUT {key.name}", result)

    return write


def _reader(
    clients: list[StoreClient], keys: list[Key], source: random.Random, result: RoundResult, lock: threading.Lock
) -> Callable[[], None]:
    def read() -> None:
        key = source.choice(keys)
        with lock:
            needed = key.acknowledged
        try:
            answer = source.choice(clients).get(key.name)
        except (OSError, http.client.HTTPException):
            return  # the server was stopped for longer than a client waits
        if answer.status not in (200, 404):
            _refused(answer.status, answer.headers, f"GET {key.name}", result)
            return
        found = None if answer.status == 404 else hashlib.sha256(answer.body).hexdigest()
        with lock:
            number = key.numbers.get(found)
        if number is None:
            result.wrong.append(f"GET {key.name}: bytes that were never stored under it")
        elif number < needed:
            result.wrong.append(f"GET {key.name}: write {number} was shown after write {needed} was acknowledged")
        result.reads += 1

    return read


def _refused(status: int, headers: dict[str, str] | object, what: str, result: RoundResult) -> None:
    if status == 503 and isinstance(headers, dict) and "retry-after" in headers:
        result.unavailable += 1
    else:
        result.wrong.append(f"{what} was answered with {status}")


def _trouble(
    cloud: LocalCloud,
    client: StoreClient,
    server: "subprocess.Popen[bytes]",
    source: random.Random,
    result: RoundResult,
) -> Callable[[], None]:
    def resize() -> None:
        nodes = source.randint(1, 4)
        client("POST", "/api/configure_cache", json.dumps({"numNodes": str(nodes)}).encode(), JSON)

    def node_pid() -> int | None:
        with contextlib.suppress(OSError, ValueError):
            told = list(json.loads(cloud.state.nodes.read_text()).values())
            return int(source.choice(told)["pid"]) if told else None
        return None

    def kill_node() -> None:
        pid = node_pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop_node() -> None:
        pid = node_pid()
        if pid is not None:
            _stopped(pid, source.uniform(0.2, 6.0))

    def stop_server() -> None:
        _stopped(server.pid, source.uniform(0.2, 2.0))

    def one() -> None:
        chosen = source.choices((resize, kill_node, stop_node, stop_server), (5, 1, 2, 2))[0]
        name = chosen.__name__.replace("_", " ")
        result.troubles[name] = result.troubles.get(name, 0) + 1
        chosen()
        time.sleep(source.uniform(0.2, 1.5))  # the pace of the trouble, not a wait for anything

    return one


def _stopped(pid: int, seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)  # for so long it stands still
        os.kill(pid, signal.SIGCONT)


@contextmanager
def _second_server(cloud: LocalCloud) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """Another process of the application, with connections and a fleet map of its own."""
    port = free_port()
    environ = {**os.environ, **cloud.environ, "CACHE_TIMEOUT_MS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.local.http_server", "--port", str(port)],
        cwd=PROJECT,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + 60
    try:
        while not _answers(address):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError("the second server did not start")
            time.sleep(0.05)
        yield address, process
    finally:
        process.kill()
        process.wait()


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        return StoreClient(address)("GET", "/health").status == 200
    return False
