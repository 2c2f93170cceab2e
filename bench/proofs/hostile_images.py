"""What decoding children make of hostile images and of the largest of each format, and what they take for it.

The corpus is other people's files and stands beside the repository (tests/contract/test_corpus.py); without it only the
generated images are looked at. Time is the processor's, memory the child's peak, both as the kernel tells.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.domain.renditions import ON_ARRIVAL
from tests.contract import corpus_verdicts
from tests.contract.child_meter import MOST_MIB, MOST_SECONDS, SMALLER_MIB, SMALLER_PIXELS, Verdict
from tests.contract.test_large_images import INSPECTED_ONLY, LARGE, measured
from tests.renderable_images import SECRETS


@dataclass
class RoundResult:
    """Of the corpus and of the generated images. `peaks` are the largest in MiB, by how much an image may take."""

    files: int = 0
    refused: int = 0
    generated: int = 0
    renditions: int = 0
    slowest_seconds: float = 0.0
    peaks: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def run_round(folder: Path, say: Callable[[str], None]) -> RoundResult:
    """`folder` receives the renditions. Whatever is no refusal of an image is raised."""
    result = RoundResult()
    folder.mkdir(parents=True, exist_ok=True)
    _corpus(folder, result)
    say(f"{result.files} files of the corpus, {result.refused} refused, wrong: {result.wrong}")
    for what, (media_type, make, most_mib) in LARGE.items():
        kinds = () if what in INSPECTED_ONLY else tuple(kind.name for kind in ON_ARRIVAL)
        for verdict in measured(make(), media_type, *kinds):
            _note(result, what, verdict, most_mib)
            if verdict.refused is not None:
                result.wrong.append(f"{what} is refused: {verdict.refused}")
        result.generated += 1
        say(f"{what}: slowest so far {result.slowest_seconds:.2f} s, peaks {result.peaks}")
    return result


def verdict_of(results: list[RoundResult]) -> tuple[bool, str]:
    """Whether they hold, and in words."""
    holds = all(
        not one.wrong
        and one.generated
        and one.slowest_seconds <= MOST_SECONDS
        and all(peak < int(most) for most, peak in one.peaks.items())
        for one in results
    )
    return holds, "; ".join(
        f"{len(one.wrong)} wrong verdicts on {one.files} files of the corpus ({one.refused} refused in words) and "
        f"{one.generated} generated images, the largest of each format; {one.renditions} renditions without a secret; "
        f"slowest child {one.slowest_seconds:.2f} s of {MOST_SECONDS} s; "
        + ", ".join(f"at most {peak} MiB of {most}" for most, peak in sorted(one.peaks.items()))
        + "".join(f"<br>{wrong}" for wrong in one.wrong[:20])
        for one in results
    )


def _corpus(folder: Path, result: RoundResult) -> None:
    lines = corpus_verdicts.rows()
    if not lines:
        return
    from tests.contract.test_corpus import expected  # it cannot be imported where there is no corpus

    wanted = {row["file"]: expected(row) for row in lines}
    for name, each in corpus_verdicts.judged(folder).items():
        result.files += 1
        result.refused += each.inspected.refused is not None
        for verdict in (each.inspected, each.rendered):
            _note(result, name, verdict, SMALLER_MIB if each.pixels <= SMALLER_PIXELS else MOST_MIB)
        if (each.inspected.refused is None) is not (wanted[name] != "reject") and wanted[name] != "safe":
            result.wrong.append(f"{name} should be {wanted[name]}ed: {each.inspected.refused}")
    for file in folder.iterdir():
        result.renditions += 1
        data = file.read_bytes()
        if any(secret in data for secret in SECRETS):
            result.wrong.append(f"{file.name} holds what it must not")


def _note(result: RoundResult, name: str, verdict: Verdict, most_mib: int) -> None:
    result.slowest_seconds = max(result.slowest_seconds, verdict.seconds)
    result.peaks[str(most_mib)] = max(result.peaks.get(str(most_mib), 0), verdict.peak_mib)
    if verdict.seconds > MOST_SECONDS or verdict.peak_mib >= most_mib:
        result.wrong.append(f"{name} took {verdict.seconds:.2f} s and {verdict.peak_mib} MiB")
