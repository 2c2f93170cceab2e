"""Runs all tests in three processes at once: most await others. What measures speed runs alone, after them.

`python -m tests.side_by_side [arguments for pytest]`. The first lane is shown as it goes, the others after their end.

Three lanes on two cores delay what a test awaits, now and then beyond its patience. So up to `LOOKED_AT_AGAIN` tests
that failed run once more, alone and shown whole: one that fails again fails the run, and one that passes stays named in
the output, as something to look into. More failures than that, or a lane that could not run, fail the run at once.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

ALONE = ("tests/guards", "tests/faults/test_fault_matrix.py")
# About as long as one another. A new folder of tests need not be named here: what is not runs in the first lane.
OTHERS = (
    ("tests/unit", "tests/web", "tests/contract", "tests/enforced", "tests/infrastructure", "tests/deployed"),
    ("tests/faults", "tests/operator", "tests/e2e/test_proofs.py", "tests/e2e/test_run_with_replica.py"),
)
LOOKED_AT_AGAIN = 5
FAILED, NOTHING_COLLECTED = 1, 5


def main(arguments: Sequence[str]) -> int:
    """0 if every test passed, beside the others or alone afterwards."""
    named = [path for lane in OTHERS for path in lane]
    lanes = [("tests", *_without(*named, *ALONE)), *((*lane, *_without(*ALONE)) for lane in OTHERS)]
    beside = run(lanes, arguments)
    alone = _code(subprocess.call(_pytest(*ALONE, *arguments)))
    return beside or alone


def _without(*paths: str) -> list[str]:
    return [option for path in paths for option in ("--ignore", path)]


def run(lanes: Sequence[Sequence[str]], arguments: Sequence[str] = ()) -> int:
    """The exit code of the lanes, each the paths and options of one pytest, run at once."""
    with tempfile.TemporaryDirectory() as folder:
        caches = [Path(folder, str(number)) for number in range(len(lanes))]
        commands = [
            _pytest(*lane, "-o", f"cache_dir={cache}", *arguments) for lane, cache in zip(lanes, caches, strict=True)
        ]
        worst = max(map(_code, _beside(commands, Path(folder))))
        failed = [test for cache in caches for test in _failed_tests(cache)]
        if worst != FAILED or len(failed) > LOOKED_AT_AGAIN:
            return worst
        print("\nFailed beside the others; once more, alone:", *failed, sep="\n  ", flush=True)
        return _code(subprocess.call(_pytest(*failed, *arguments)))


def _beside(commands: Sequence[Sequence[str]], folder: Path) -> list[int]:
    """Each command's exit code. The first one's output is shown at once, the others' after their end."""
    said = [folder / f"said-{number}" for number in range(1, len(commands))]
    with ExitStack() as stack:
        others = [
            stack.enter_context(_started(command, path)) for command, path in zip(commands[1:], said, strict=True)
        ]
        codes = [subprocess.call(commands[0])]
        for process, path in zip(others, said, strict=True):
            codes.append(process.wait())
            print(path.read_text(errors="replace"), flush=True)
        return codes


@contextmanager
def _started(command: Sequence[str], said: Path) -> Iterator[subprocess.Popen[bytes]]:
    with said.open("wb") as written, subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.terminate()  # does nothing to one that has ended


def _failed_tests(cache: Path) -> list[str]:
    """The tests that pytest noted there as failed. Empty if it noted none."""
    noted = cache / "v/cache/lastfailed"
    return sorted(json.loads(noted.read_text())) if noted.exists() else []


def _code(code: int) -> int:
    """What a run's end says of its tests; a run killed by a signal has a negative code, and did not pass."""
    return 0 if code in (0, NOTHING_COLLECTED) else abs(code)


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", "--durations=20", "--durations-min=5", *arguments]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
