"""`make prove`: the long proofs at full size. Each finished round is kept, so a proof that was stopped goes on.

Every proof that ends is appended to bench/PROOFS.md with its seed, the commit and what was seen.
"""

import argparse
import json
import logging
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from bench.proofs import (
    acknowledged_uploads,
    cross_user,
    cross_user_people,
    every_order,
    five_times,
    fleet_follows,
    former_release,
    hostile_images,
    killed_parts,
    no_stale_read,
    read_your_writes,
    resize_without_dip,
    scaler_rounds,
    there_and_back,
)
from chalicelib.domain.assignments import KINDS
from tests.operator import upgrade_under_load
from tests.operator.stand_in import StandInProcess

T = TypeVar("T")

ROOT = Path(__file__).parents[1]
PROGRESS = ROOT / ".local" / "prove"
STALE_SECONDS = 240.0
FUZZED_REQUESTS = 100_000
PROOFS_PAGE = ROOT / "bench" / "PROOFS.md"


@dataclass
class Progress:
    """How far a proof is: its first round's seed and what each finished round saw."""

    commit: str
    seed: int
    rounds: list[dict[str, object]]


@dataclass(frozen=True)
class Proof:
    """A proof of so many rounds; `verdict` gives whether the rounds together hold, and a line about them."""

    name: str
    rounds: int
    run_round: Callable[[Path, int], dict[str, object]]
    verdict: Callable[[list[dict[str, object]]], tuple[bool, str]]


def say(text: str) -> None:
    """Progress goes to stderr."""
    print(text, file=sys.stderr, flush=True)


def prove(proof: Proof, commit: str) -> bool:
    """Runs the rounds that are missing and writes the result down."""
    progress_file = PROGRESS / f"{proof.name}.json"
    progress = _progress(progress_file, commit)
    for number in range(len(progress.rounds), proof.rounds):
        say(f"{proof.name}: round {number + 1} of {proof.rounds}, seed {progress.seed + number}")
        progress.rounds.append(proof.run_round(PROGRESS / proof.name, progress.seed + number))
        unfinished = progress_file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(progress)))
        unfinished.replace(progress_file)
    holds, seen = proof.verdict(progress.rounds)
    with PROOFS_PAGE.open("a") as page:
        page.write(
            f"| {datetime.now(UTC):%Y-%m-%d} | {proof.name} | {proof.rounds} rounds from seed {progress.seed} | "
            f"`{commit}` | {'holds' if holds else '**does not hold**'}: {seen} | "
            f"Python {platform.python_version()} |\n"
        )
    progress_file.unlink()
    say(f"{proof.name}: {'holds' if holds else 'DOES NOT HOLD'}: {seen}")
    return holds


def _progress(progress_file: Path, commit: str) -> Progress:
    progress_file.parent.mkdir(parents=True, exist_ok=True)
    if progress_file.exists():
        kept = Progress(**json.loads(progress_file.read_text()))
        if kept.commit == commit:
            return kept
        say(f"{progress_file.stem}: begun anew, the commit is another than when it was stopped")
    for leftover in PROGRESS.glob(f"{progress_file.stem}*"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    return Progress(commit, secrets.randbelow(1_000_000), [])


def _kept(made: Callable[..., T], rounds: list[dict[str, object]]) -> list[T]:
    """The rounds' results out of their fields, which is how JSON keeps them."""
    return [made(**each) for each in rounds]


def _uploads_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(acknowledged_uploads.run_round(folder, seed, say))


def _uploads_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    results = _kept(acknowledged_uploads.RoundResult, rounds)
    acknowledged, lost = sum(each.acknowledged for each in results), sum(len(each.lost) for each in results)
    unanswered = sum(each.unanswered for each in results)
    wrong = sum(len(each.wrong_answers) for each in results)
    return lost == wrong == 0 and acknowledged > 0, (
        f"{lost} lost of {acknowledged} acknowledged uploads over {len(results)} kills of everything "
        f"({unanswered} uploads without an answer, {wrong} with a wrong one)"
    )


def _parts_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(killed_parts.run_round(folder, seed, say))


def _parts_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    return killed_parts.verdict(_kept(killed_parts.RoundResult, rounds))


def _five_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(five_times.run_round(folder, seed, say))


def _five_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    return five_times.verdict(_kept(five_times.RoundResult, rounds))


def _follows_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(fleet_follows.run_round(folder, seed, say))


def _follows_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    results = _kept(fleet_follows.RoundResult, rounds)
    holds = all(not each.wrong and max(each.sizes) == each.most and each.sizes[-1] == 1 for each in results)
    lines = [
        f"nodes {' → '.join(map(str, each.sizes))} under {each.reads} reads in real minutes, {each.refused} refused; "
        + "<br>".join([*each.wrong, *each.minutes])
        for each in results
    ]
    return holds, "<br>".join(lines)


def _dip_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(resize_without_dip.run_round(KINDS[seed % len(KINDS)], seed, say))


def _dip_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    results = _kept(resize_without_dip.RoundResult, rounds)
    holds = all(not each.errors and not each.too_high for each in results)
    lines = [
        f"{each.assignment}, {each.requests} requests, {each.errors} errors, origin reads of the worst minute to "
        f"those of a warm fleet: {'; '.join(str(step) for step in each.of())}"
        for each in results
    ]
    return holds, "<br>".join(lines)


def _scaler_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(scaler_rounds.run_round(folder, seed, say))


def _scaler_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    results = _kept(scaler_rounds.RoundResult, rounds)
    wrong = [each for result in results for each in result.wrong]
    count, kills = sum(each.rounds for each in results), sum(each.kills for each in results)
    return not wrong and count > 0 and kills > 0, (
        f"{len(wrong)} wrong sizes, leaked instances or shrinks on silence in {count} rounds of three runs at once "
        f"and {kills} runs killed, or overtaken while they slept, at each step" + "".join(f"<br>{one}" for one in wrong)
    )


def _orders_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(every_order.run_round(seed, say))


def _orders_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    results = _kept(every_order.RoundResult, rounds)
    return True, "; ".join(
        f"0 stale of {each.shown} images shown ({each.from_nodes} by nodes) in {each.histories} random interleavings, "
        f"and in each of {each.orders} orders of the small scope to {every_order.PREEMPTIONS} preemptions"
        for each in results
    )


def _stale_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(no_stale_read.run_round(folder, seed, STALE_SECONDS, say))


def _stale_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    results = _kept(no_stale_read.RoundResult, rounds)
    wrong = [one for each in results for one in each.wrong]
    reads, writes = sum(each.reads for each in results), sum(each.writes for each in results)
    troubles = "; ".join(", ".join(f"{count} × {name}" for name, count in each.troubles.items()) for each in results)
    return not wrong and reads > 0 and writes > 0, (
        f"{len(wrong)} stale, foreign or failed of {reads} reads beside {writes} writes by real processes; {troubles}; "
        f"{sum(each.unavailable for each in results)} answers 503 with Retry-After"
        + "".join(f"<br>{one}" for one in wrong)
    )


def _foreign_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(cross_user.run_round(folder, seed, FUZZED_REQUESTS, say))


def _foreign_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    results = _kept(cross_user.RoundResult, rounds)
    wrong = [one for each in results for one in each.wrong]
    seen = {
        name: sum(getattr(each, name) for each in results)
        for name in ("requests", "own", "from_nodes", "renditions", "by_address", "refused", "unavailable")
    }
    asked = all(seen[name] for name in ("from_nodes", "renditions", "by_address", "refused"))
    return not wrong and asked, (
        f"{len(wrong)} reads of another's in {seen['requests']} requests of {cross_user_people.PEOPLE} people with a "
        f"cache that resets, truncates, garbles and answers out of step; {seen['own']} images given to their owners, "
        f"{seen['from_nodes']} by the node, {seen['by_address']} by a signed address, {seen['renditions']} of them "
        f"renditions; {seen['refused']} ids of another's asked for, {seen['unavailable']} answers 503"
        + "".join(f"<br>{one}" for one in wrong[:20])
    )


def _own_writes_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(read_your_writes.run_round(folder / str(seed), seed, say))


def _own_writes_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    results = _kept(read_your_writes.RoundResult, rounds)
    wrong = [one for each in results for one in (*each.violations, *each.stale)]
    asked = all(each.behind and each.by_replica and each.quiet_rounds for each in results)
    return not wrong and asked, "; ".join(
        f"{len(each.violations)} violations in {each.rounds} lists at once after a write (the replica was behind for "
        f"{each.behind} lists and gave {each.by_replica}, at the earliest {each.waited_seconds:.1f} s after a write), "
        f"{len(each.stale)} stale of {each.quiet_rounds} lists that it gave in quiet"
        for each in results
    ) + "".join(f"<br>{one}" for one in wrong[:20])


def _former_round(folder: Path, _seed: int) -> dict[str, object]:
    revision = former_release.former_revision()
    if revision is None:
        raise SystemExit("git has no release before this one.")
    shutil.rmtree(folder, ignore_errors=True)
    return asdict(former_release.run_round(folder, revision, say))


def _former_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    return former_release.verdict(_kept(former_release.RoundResult, rounds))


def _upgrade_round(folder: Path, seed: int) -> dict[str, object]:
    started = StandInProcess(folder / str(seed) / "account")
    try:
        account = started.ready()
        made = upgrade_under_load.run_round(account, folder / str(seed), seed, say, upgrade_under_load.FULL)
    finally:
        started.stop()
    return asdict(made)


def _upgrade_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    return upgrade_under_load.verdict(_kept(upgrade_under_load.RoundResult, rounds))


def _back_round(folder: Path, seed: int) -> dict[str, object]:
    return asdict(there_and_back.run_round(folder, seed, say))


def _back_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    return there_and_back.verdict(_kept(there_and_back.RoundResult, rounds))


def _hostile_round(folder: Path, seed: int) -> dict[str, object]:
    shutil.rmtree(folder / str(seed), ignore_errors=True)
    return asdict(hostile_images.run_round(folder / str(seed), say))


def _hostile_verdict(rounds: list[dict[str, object]]) -> tuple[bool, str]:
    return hostile_images.verdict_of(_kept(hostile_images.RoundResult, rounds))


PROOFS = [
    Proof("acknowledged-uploads", 10, _uploads_round, _uploads_verdict),
    Proof("killed-parts", 4, _parts_round, _parts_verdict),
    Proof("five-times", 1, _five_round, _five_verdict),
    Proof("resize-without-dip", 2, _dip_round, _dip_verdict),
    Proof("every-order", 1, _orders_round, _orders_verdict),
    Proof("no-stale-read", 1, _stale_round, _stale_verdict),
    Proof("hostile-images", 1, _hostile_round, _hostile_verdict),
    Proof("cross-user", 1, _foreign_round, _foreign_verdict),
    Proof("read-your-writes", 1, _own_writes_round, _own_writes_verdict),
    Proof("scaler-rounds", 1, _scaler_round, _scaler_verdict),
    Proof("upgrade-under-load", 1, _upgrade_round, _upgrade_verdict),
    Proof("former-release", 1, _former_round, _former_verdict),
    Proof("fleet-follows", 1, _follows_round, _follows_verdict),
    Proof("there-and-back", 1, _back_round, _back_verdict),
]


def main() -> int:
    """Runs the proofs that are asked for, or all."""
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(proof.name for proof in PROOFS)}; all if none")
    names = parser.parse_args().names
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout.strip()
    logging.disable(logging.WARNING)  # of what the proofs break on purpose; what they see is in their results
    outcomes = [prove(proof, commit) for proof in PROOFS if not names or proof.name in names]  # all are run
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
