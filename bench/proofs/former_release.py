"""The tests that the release before has of its rows pass on this release's tables: its code may run on them.

The release before is the last tag `v…` before this commit. While there is none it is a commit that is named here. Its
code and its tests are taken out of git, and to its migrations those of this release are added that expand; what
contracts waits until no older release runs, so it is left out. Which tests are of rows is told by what they ask for.

    python -m bench.proofs.former_release [REVISION]
"""

import io
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ops.migration_kinds import Kind, kinds_in

ROOT = Path(__file__).parents[2]
# The last one before the migration 0013_erasing. There was no tag yet.
PINNED = "d15549b16dd4ce56c17ff040294a3561955a0e92"
# Tests of the code that migrates, backs up and reads passwords, and of what the text of the SQL says.
_LEFT_OUT = frozenset({"test_migrate.py", "test_backup.py", "test_secrets.py", "test_sql_dialect.py"})
# A catalogue that is to name every table and column there is; an older one cannot know what came after it.
_NOT_OF_ROWS = "tests/contract/test_dumps.py::test_every_table_and_column_is_dumped_or_left_out_by_name"
_ASKS_FOR_ROWS = re.compile(r"MariaDb\b|rows_under_test|sharing_under_test|adapters\.mysql")
_SECONDS = 1500
_TESTS_FAILED = 1


@dataclass
class RoundResult:
    """What was seen. `migrations` are those that the release before did not have."""

    revision: str = ""
    migrations: list[str] = field(default_factory=list)
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: float = 0.0


def former_revision() -> str | None:
    """Of the release before; None where git does not have it."""
    tag = _git("describe", "--tags", "--match", "v*", "--abbrev=0", "HEAD^")
    named = tag.stdout.decode().strip() if tag.returncode == 0 else PINNED
    return named if _git("cat-file", "-e", f"{named}^{{commit}}").returncode == 0 else None


def run_round(
    folder: Path, revision: str, say: Callable[[str], None], only: Sequence[str] | None = None
) -> RoundResult:
    """`folder` is made. `only` are names of test files; else all that are of rows. Raises RuntimeError if the tests
    could not be run.
    """
    result, began = RoundResult(revision), time.monotonic()
    result.migrations = put_together(folder, revision)
    say(f"{revision} with {', '.join(result.migrations) or 'no migration more'}")
    tests = [f"tests/contract/{name}" for name in only or tests_of_rows(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", "--deselect", _NOT_OF_ROWS, *tests],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    said = done.stdout + done.stderr
    result.failed = re.findall(r"^(?:FAILED|ERROR) (.*)$", said, re.MULTILINE)
    passed = re.search(r"(\d+) passed", said)
    if done.returncode not in (0, _TESTS_FAILED) or (done.returncode == 0) == bool(result.failed):
        raise RuntimeError(said[-4000:])
    result.passed = int(passed[1]) if passed else 0
    result.seconds = round(time.monotonic() - began, 1)
    return result


def verdict(rounds: Sequence[RoundResult]) -> tuple[bool, str]:
    """Whether they hold, and a line about them."""
    holds = all(one.passed and not one.failed for one in rounds)
    return holds, "<br>".join(
        f"{one.passed} tests of rows of {one.revision[:12]} pass on its tables with "
        f"{', '.join(one.migrations) or 'no migration'} added, {len(one.failed)} fail"
        + "".join(f"<br>{name}" for name in one.failed)
        for one in rounds
    )


def put_together(folder: Path, revision: str) -> list[str]:
    """The release's code with this one's expanding migrations; the ids of those that it did not have."""
    packed = _git("archive", "--format=tar", revision)
    if packed.returncode != 0:
        raise RuntimeError(packed.stderr.decode())
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
        files.extractall(folder, filter="data")
    (folder / ".venvs").symlink_to(ROOT / ".venvs")
    had = {path.stem: path.read_bytes() for path in (folder / "migrations").glob("*.sql")}
    kinds = kinds_in(ROOT / "migrations")
    for name, text in had.items():
        here = ROOT / "migrations" / f"{name}.sql"
        if not here.exists() or here.read_bytes() != text:
            raise RuntimeError(f"The migration {name} was released, and is another one here, or none.")
    more = [name for name, kind in kinds.items() if name not in had and kind is Kind.EXPAND]
    for name in more:
        (folder / "migrations" / f"{name}.sql").write_bytes((ROOT / "migrations" / f"{name}.sql").read_bytes())
    return more


def tests_of_rows(folder: Path) -> list[str]:
    """Names of its test files that run on a MariaDB."""
    found = sorted((folder / "tests" / "contract").glob("test_*.py"))
    return [
        path.name
        for path in found
        if path.name not in _LEFT_OUT and _ASKS_FOR_ROWS.search(path.read_text(encoding="utf-8"))
    ]


def _git(*words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, timeout=60, check=False)


def main(arguments: list[str]) -> int:
    """The exit status."""
    revision = arguments[0] if arguments else former_revision()
    if revision is None:
        say("git has no release before this one.")
        return 2
    with tempfile.TemporaryDirectory(prefix="former-release-") as folder:
        result = run_round(Path(folder) / "code", revision, say)
    holds, words = verdict([result])
    say(f"{words.replace('<br>', chr(10))}\n{result.seconds} s")
    return 0 if holds else 1


def say(text: str) -> None:
    """Progress goes to stderr."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
