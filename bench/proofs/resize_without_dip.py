"""No dip: origin reads in every minute after each resize, against a fleet that is warm at the new size all along.

Zipf 1.0 over 20,000 small images, a tenth of the requests for keys never seen, so that the origin always has work; the
same requests go to three fleets of real memcached nodes: ours, one warm at the new size, and one whose partitions move
cold. The images are made in memory, so that nothing but the resize is measured.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context

from bench.proofs.zipf_fleet import Minute, ZipfFleet

STEPS = (2, 3, 4, 5, 4, 2, 1)
COMPARED = ("handoff", "warm")
KINDS = (*COMPARED, "cold")
COLD_MINUTES = 2  # after a step; its dip is in the first
GROWING, SHRINKING, SLOWER = 1.05, 1.10, 2.0


@dataclass(frozen=True)
class Load:
    """How much is asked of each fleet. `after` minutes are run once a handoff has ended, `most` in all for a step."""

    images: int = 20_000
    requests: int = 80_000
    settled: int = 2
    after: int = 1
    most: int = 40
    steps: tuple[int, ...] = STEPS


SMALL = Load(images=1500, requests=6000, settled=1, steps=(2, 3, 1))


@dataclass(frozen=True)
class Step:
    """One resize: the worst minute of each fleet against the warm one, and the p99 of cached reads while it goes on."""

    before: int
    nodes: int
    moved: int  # partitions
    minutes: int
    handoff_minutes: int
    worst: float
    worst_cold: float
    slower: float
    fewest_origin_reads: int
    errors: int

    @property
    def limit(self) -> float:
        return GROWING if self.nodes > self.before else SHRINKING

    def __str__(self) -> str:
        return (
            f"{self.before}→{self.nodes} ({self.moved} moved): {self.worst:.3f} (cold {self.worst_cold:.2f}), "
            f"handoff {self.handoff_minutes} min, p99 × {self.slower:.2f}"
        )


@dataclass
class RoundResult:
    """Every step of one assignment."""

    assignment: str
    steps: list[dict[str, object]] = field(default_factory=list)
    requests: int = 0

    def of(self) -> list[Step]:
        return [Step(**each) for each in self.steps]  # type: ignore[arg-type]  # JSON kept each field as it was

    @property
    def errors(self) -> int:
        return sum(step.errors for step in self.of())

    @property
    def too_high(self) -> list[str]:
        return [str(step) for step in self.of() if step.worst > step.limit or step.slower > SLOWER]


def run_round(assignment: str, seed: int, say: Callable[[str], None], load: Load | None = None) -> RoundResult:
    """All steps, one after another, with three fleets side by side."""
    load = load or Load()
    fleets = {kind: ProcessPoolExecutor(1, mp_context=get_context("spawn")) for kind in KINDS}
    try:
        most = max(load.steps)
        for future in [pool.submit(_open, kind, assignment, load.images, seed, most) for kind, pool in fleets.items()]:
            future.result(timeout=120)
        result = RoundResult(assignment)
        number, nodes = 0, 1
        for target in load.steps:
            before: list[dict[str, Minute]] = []
            for _ in range(load.settled):
                before.append(_minute(fleets, number, load.requests, COMPARED))
                number += 1
            resized = {kind: pool.submit(_resize, target) for kind, pool in fleets.items()}
            moved = {kind: future.result(timeout=120) for kind, future in resized.items()}["handoff"]
            after: list[dict[str, Minute]] = []
            left = load.after
            while left and len(after) < load.most:
                kinds = KINDS if len(after) < COLD_MINUTES else COMPARED
                after.append(_minute(fleets, number, load.requests, kinds))
                number += 1
                left -= after[-1]["handoff"].handed_over
            step = _step(nodes, target, moved, before, after)
            say(f"{assignment}: {step}")
            result.steps.append(asdict(step))
            nodes = target
        result.requests = number * load.requests
        return result
    finally:
        for pool in fleets.values():
            pool.submit(_close).result(timeout=30)
            pool.shutdown()


def _step(nodes: int, target: int, moved: int, before: list[dict[str, Minute]], after: list[dict[str, Minute]]) -> Step:
    def worst(kind: str) -> float:
        return max(each[kind].origin_reads / each["warm"].origin_reads for each in after if kind in each)

    # The machine's own noise meets both fleets at the same time; what is slower than that is the resize's.
    slower = _p99_to_warm(after) / _p99_to_warm(before)
    everything = [minute for each in (*before, *after) for minute in each.values()]
    return Step(
        before=nodes,
        nodes=target,
        moved=moved,
        minutes=len(after),
        handoff_minutes=sum(not each["handoff"].handed_over for each in after) + 1,
        worst=worst("handoff"),
        worst_cold=worst("cold"),
        slower=slower,
        fewest_origin_reads=min(each["warm"].origin_reads for each in after),
        errors=sum(minute.errors for minute in everything),
    )


def _p99_to_warm(minutes: list[dict[str, Minute]]) -> float:
    """The p99 over all these minutes, as a multiple of the warm fleet's in the same minutes."""

    def p99(kind: str) -> float:
        took = sorted(each for minute in minutes for each in minute[kind].took_us)
        return took[len(took) * 99 // 100]

    return p99("handoff") / p99("warm")


def _minute(
    fleets: dict[str, ProcessPoolExecutor], number: int, requests: int, kinds: Sequence[str]
) -> dict[str, Minute]:
    futures = {kind: fleets[kind].submit(_run_minute, number, requests) for kind in kinds}
    return {kind: future.result(timeout=600) for kind, future in futures.items()}


_FLEET: list[ZipfFleet] = []  # of this child process


def _open(kind: str, assignment: str, images: int, seed: int, most_nodes: int) -> None:
    _FLEET.append(ZipfFleet(kind, assignment, images, seed, most_nodes))


def _resize(target: int) -> int:
    return _FLEET[0].resize(target)


def _run_minute(number: int, requests: int) -> Minute:
    return _FLEET[0].minute(number, requests)


def _close() -> None:
    for each in _FLEET:
        each.close()
