"""Runs all tests in two processes at once: most wait for other processes. What measures speed runs alone, after them.

`python -m tests.side_by_side [arguments for pytest]`. The second lane's output is shown when it has ended.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence

ALONE = ("tests/guards",)
# About as long as the rest. Whoever adds a folder of tests adds nothing here: what is not named runs in the first lane.
SECOND = (
    *("tests/unit", "tests/web", "tests/contract", "tests/faults"),
    *("tests/e2e/test_proofs.py", "tests/e2e/test_run_with_replica.py"),
)
NOTHING_COLLECTED = 5


def main(arguments: Sequence[str]) -> int:
    """0 if every test passed."""
    apart = [option for path in (*SECOND, *ALONE) for option in ("--ignore", path)]
    with tempfile.TemporaryFile() as said:
        second = subprocess.Popen(_pytest(*SECOND, *arguments), stdout=said, stderr=subprocess.STDOUT)
        try:
            first = subprocess.run(_pytest("tests", *apart, *arguments), check=False).returncode
            codes = [first, second.wait()]
        finally:
            second.terminate()  # does nothing to one that has ended
            second.wait()
            said.seek(0)
            sys.stdout.buffer.write(said.read())
            sys.stdout.flush()
    codes.append(subprocess.run(_pytest(*ALONE, *arguments), check=False).returncode)
    return next((code for code in codes if code not in (0, NOTHING_COLLECTED)), 0)


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", *arguments]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
