"""Kills one part after another under load: each acknowledged upload is there, rendered, and nothing else is.

A part is one process: the HTTP server, the event pump (which ingests and renders), MariaDB, a memcached node, the
stand-in for S3 and SQS, each killed by SIGKILL at a random moment while clients upload by every door. What killed it
starts it again, as a supervisor does. Processes are killed, not the machine: what the kernel had taken for the disk
stays. The stand-in keeps objects so, but neither queues nor events; on AWS these would be kept too.

After the load the schedule makes good what was lost. Then every key is read over HTTP, and both sides are looked at.
"""

import hashlib
import http.client
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from bench.proofs import both_sides
from bench.proofs.persistent_uploader import DOORS, GIVE_UP_SECONDS, REQUEST_SECONDS, PersistentUploader
from ops.local import processes
from tests.local_cloud import PROJECT, LocalCloud, until

APP, WORKER, DATABASE, OBJECTS, NODE = "web", "events", "mariadb", "ministack", "node"
VICTIMS = (APP, WORKER, DATABASE, OBJECTS, NODE)
TITLES = {APP: "HTTP server", WORKER: "event pump", DATABASE: "MariaDB", OBJECTS: "S3 stand-in", NODE: "node"}
UPLOADERS = 6
READERS = 4
BACK_SECONDS = 60.0
RECOVERY_SECONDS = 1800.0  # rendering may lag far behind on a busy machine
LOST = "lost:"
_RESEND = "from chalicelib.bootstrap import services; services().worker.resend()"


@dataclass(frozen=True, slots=True)
class Size:
    """Acknowledged uploads and kills of one round, and how long an event is waited for until the page's call is made.

    `pauses` says whether the pauses before a job is sent again are waited for, or passed by changing the rows.
    """

    uploads: int
    kills: int
    event_seconds: float
    pauses: bool


FULL = Size(uploads=2500, kills=5, event_seconds=20.0, pauses=True)
SMALL = Size(uploads=60, kills=5, event_seconds=2.0, pauses=False)


@dataclass
class RoundResult:
    """What one round saw. `recovered_seconds` is from the end of the load until nothing was due any more."""

    acknowledged: dict[str, int] = field(default_factory=dict)  # by door
    kills: dict[str, int] = field(default_factory=dict)  # by what was killed
    tried_again: int = 0
    by_call_after_all: int = 0
    load_seconds: float = 0.0
    recovered_seconds: float = 0.0
    looked_at: int = 0
    rendered: int = 0
    announced: int = 0
    wrong: list[str] = field(default_factory=list)


def run_round(state_dir: Path, seed: int, say: Callable[[str], None], size: Size = FULL) -> RoundResult:
    """One round. What earlier rounds in the same folder found is looked at again."""
    kept_file = state_dir.with_suffix(".sent.json")
    sent: dict[str, str] = json.loads(kept_file.read_text()) if kept_file.exists() else {}
    result = RoundResult()
    cloud = LocalCloud(state_dir)
    cloud.start()
    try:
        sent |= _load(cloud, random.Random(seed), f"{seed}", size, result, say)
        result.recovered_seconds = _recover(cloud.environ, size)
        say(f"seed {seed}: {sum(result.acknowledged.values())} acknowledged in {result.load_seconds:.0f} s, recovered")
        result.wrong += _not_read(cloud.address, sent)
        result.looked_at = len(sent)
        _look(cloud.environ, sent, result)
    finally:
        cloud.stop()
    unfinished = kept_file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(sent))
    unfinished.replace(kept_file)
    return result


def _load(
    cloud: LocalCloud, rng: random.Random, name: str, size: Size, result: RoundResult, say: Callable[[str], None]
) -> dict[str, str]:
    """Uploads until enough are acknowledged, and kills meanwhile; what was acknowledged, by key."""
    uploaders: list[PersistentUploader] = []

    def acknowledged() -> int:
        return sum(sum(one.seen.acknowledged.values()) for one in uploaders)

    def reached(count: float) -> bool:
        return acknowledged() >= count

    enough = partial(reached, size.uploads)
    uploaders += [
        PersistentUploader(cloud.address, f"{name}-{number}", rng.randrange(2**32), enough, size.event_seconds)
        for number in range(UPLOADERS)
    ]
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(size.kills)]
    rng.shuffle(victims)
    moments = sorted(rng.uniform(0.05, 0.95) * size.uploads for _ in victims)
    began = time.monotonic()
    for uploader in uploaders:
        uploader.start()
    for victim, moment in zip(victims, moments, strict=True):
        until(partial(reached, moment), timeout_seconds=GIVE_UP_SECONDS)
        process = _kill(cloud, victim, rng)
        result.kills[TITLES[victim]] = result.kills.get(TITLES[victim], 0) + 1
        say(f"seed {name}: killed the {TITLES[victim]} (pid {process.pid}) at {acknowledged()} acknowledged")
    sent: dict[str, str] = {}
    by_door: Counter[str] = Counter()
    for uploader in uploaders:
        uploader.join()
        sent |= uploader.seen.sent
        by_door += uploader.seen.acknowledged
        result.tried_again += uploader.seen.tried_again
        result.by_call_after_all += uploader.seen.by_call_after_all
        result.wrong += uploader.seen.wrong
    result.acknowledged = dict(by_door)
    result.load_seconds = time.monotonic() - began
    return sent


def _kill(cloud: LocalCloud, victim: str, rng: random.Random) -> processes.Process:
    """One running process of that part, gone."""
    if not until(lambda: bool(_of(cloud, victim)), timeout_seconds=BACK_SECONDS):
        raise AssertionError(f"the {TITLES[victim]} does not run: {cloud.said}")
    process = rng.choice(_of(cloud, victim))
    if processes.kill([process]):
        raise AssertionError(f"the {TITLES[victim]} did not end")
    return process


def _of(cloud: LocalCloud, victim: str) -> list[processes.Process]:
    """The running processes of that part; each node is a process of its own."""
    return [one for one in cloud.pids() if one.part == victim or (victim == NODE and one.part.startswith("node "))]


def _recover(environ: Mapping[str, str], size: Size) -> float:
    """Waits until nothing is due, so that both sides stand still; how long that took."""
    began = time.monotonic()
    # Without the schedule's pauses what is due is sent again and again: a message that a killed worker had taken, or
    # whose job failed once, would come back after three minutes only.
    over = (lambda: _due(environ) == 0) if size.pauses else (lambda: _all_done(environ))
    if not until(over, timeout_seconds=RECOVERY_SECONDS):
        raise AssertionError(f"after {RECOVERY_SECONDS:g} s still due: {_due(environ)} jobs")
    return time.monotonic() - began


def _due(environ: Mapping[str, str]) -> int:
    ((count,),) = both_sides.rows(environ, "SELECT COUNT(*) FROM jobs WHERE due_at <= UTC_TIMESTAMP(6)")
    return int(count)


def _send_again(environ: Mapping[str, str]) -> None:
    """What the minute schedule does once all pauses are over."""
    both_sides.change(environ, "UPDATE jobs SET sent_at = NULL WHERE due_at <= UTC_TIMESTAMP(6)")
    subprocess.run([sys.executable, "-c", _RESEND], cwd=PROJECT, env={**os.environ, **environ}, timeout=60, check=True)


def _not_read(address: str, sent: Mapping[str, str]) -> list[str]:
    """The keys whose bytes, read over HTTP, are not those that were acknowledged last."""
    host = urlsplit(address).netloc

    def read(keys: list[str]) -> list[str]:
        connection = http.client.HTTPConnection(host, timeout=REQUEST_SECONDS)
        wrong = []
        for key in keys:
            connection.request("GET", f"/api/v1/image?key={quote(key, safe='')}")
            answer = connection.getresponse()
            data = answer.read()
            if answer.status != 200 or hashlib.sha256(data).hexdigest() != sent[key]:
                wrong.append(f"{LOST} {key} was answered with {answer.status} and {len(data)} bytes")
        connection.close()
        return wrong

    keys = list(sent)
    with ThreadPoolExecutor(READERS) as pool:
        return [one for found in pool.map(read, [keys[n::READERS] for n in range(READERS)]) for one in found]


def _look(environ: Mapping[str, str], sent: Mapping[str, str], result: RoundResult) -> None:
    """At both sides: as they are, and once the removals that were announced for later have fallen due."""
    before = both_sides.look(environ)
    result.wrong += both_sides.dangling(before)
    result.announced = sum(1 for key in before.objects if key in before.owed)
    both_sides.change(environ, "UPDATE jobs SET due_at = UTC_TIMESTAMP(6)")
    if not until(lambda: _all_done(environ), timeout_seconds=RECOVERY_SECONDS):
        raise AssertionError("removals that fell due are not done")
    after = both_sides.look(environ)
    result.wrong += both_sides.dangling(after) + both_sides.unfinished(after)
    if missing := sent.keys() ^ {key.decode() for _, key, _, _ in after.images.values()}:
        result.wrong.append(f"{len(missing)} keys that were acknowledged have no row, or the other way round")
    made = [(row[5], row[6]) for row in after.renditions if row[3] == "ready"]
    result.wrong += both_sides.other_bytes(environ, made)
    result.rendered = len(made)


def _all_done(environ: Mapping[str, str]) -> bool:
    if not _due(environ):
        return True
    _send_again(environ)
    return until(lambda: _due(environ) == 0, timeout_seconds=5.0)


def verdict(results: Sequence[RoundResult]) -> tuple[bool, str]:
    """Whether the rounds together hold, and a line about them."""
    wrong = [one for each in results for one in each.wrong]
    lost = sum(one.startswith(LOST) for one in wrong)
    doors = Counter(dict.fromkeys(DOORS, 0))
    kills: Counter[str] = Counter()
    for each in results:
        doors.update(each.acknowledged)
        kills.update(each.kills)
    return not wrong and len(kills) == len(VICTIMS), (
        f"{lost} lost or altered of {sum(doors.values())} acknowledged uploads (API {doors['put']}, form and page "
        f"{doors['page']}, form and event {doors['event']}, of these {sum(each.by_call_after_all for each in results)} "
        f"by the page after all) over {sum(kills.values())} kills ("
        f"{', '.join(f'{title} {count}' for title, count in kills.items())}), "
        f"{sum(each.tried_again for each in results)} tries in vain; {results[-1].looked_at} keys read back, "
        f"{results[-1].rendered} renditions ready, all of the right bytes, at most "
        f"{max(each.recovered_seconds for each in results):.0f} s after the load; "
        f"{sum(each.announced for each in results)} objects to be removed, and gone when due; "
        f"{len(wrong) - lost} dangling, in processing or wrong" + "".join(f"<br>{one}" for one in wrong[:20])
    )
