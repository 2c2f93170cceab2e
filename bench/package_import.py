"""What a cold start loads: the package that is deployed, unpacked, with its bytecode, in a process that writes none.

The package is Chalice's own zip with the bytecode of `ops.aws.bytecode` in it, as `./ops/store deploy` makes it. A
sample is a new process that sees the standard library and the unpacked package and nothing else, so the libraries that
it is held against are the package's own, with the same bytecode.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bench.app_import import APP, LIBRARIES, TAKEN
from bench.interleaved import Comparison, compared
from bench.rows import Row, row
from ops.aws.bytecode import ZIP_BYTES, with_bytecode
from ops.aws.package_folder import make_package_folder

GOAL = 1.5
WHAT = "cold import of the deployed package, against the libraries in it"
SIZE = "the deployed zip with its bytecode, against the 15 MB it may have"
PROJECT = Path(__file__).resolve().parents[1]
_PACKAGE_SECONDS = 300
_PROCESS_SECONDS = 60


def rows(rounds: int = 31) -> list[Row]:
    """The import, and how large the zip is that it comes from."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        package = deployed_package(Path(folder))
        size = package.stat().st_size
        compared_sizes = size / ZIP_BYTES
        return [
            row(WHAT, against_libraries(unpacked(package, Path(folder) / "task"), rounds), GOAL),
            Row(SIZE, f"{size / 2**20:.1f} MB", f"{ZIP_BYTES / 2**20:.1f} MB", *(compared_sizes,) * 3, goal=1.0),
        ]


def deployed_package(folder: Path) -> Path:
    """The zip that is deployed, made below the folder."""
    project = make_package_folder(PROJECT, folder / "project")
    words = [sys.executable, "-c", "from chalice.cli import main; main()", "package", "--stage", "local", "out"]
    environ = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"}
    said = subprocess.check_output(words, cwd=project, env=environ, timeout=_PACKAGE_SECONDS, text=True)
    package = project / "out" / "deployment.zip"
    if not package.exists() or "Could not install dependencies" in said:  # Chalice says so and still exits 0
        raise RuntimeError(f"`chalice package` failed: {said[-2000:]}")
    with_bytecode(package)
    return package


def unpacked(package: Path, target: Path) -> Path:
    """The folder that Lambda would import from."""
    with zipfile.ZipFile(package) as zipped:
        zipped.extractall(target)
    return target


def against_libraries(task: Path, rounds: int = 31) -> Comparison:
    """The package's import against that of the libraries that it uses, each in processes of their own, by turns."""
    for statement in (APP, LIBRARIES):
        _seconds(task, statement)  # what was just written is read from memory by both from here on
    pairs = []
    for number in range(rounds):
        if number % 2:
            ours, theirs = _seconds(task, APP), _seconds(task, LIBRARIES)
        else:
            theirs, ours = _seconds(task, LIBRARIES), _seconds(task, APP)
        pairs.append((ours, theirs))
    return compared(pairs)


def _seconds(task: Path, statements: str) -> float:
    """What the statements take in a new process that has the package alone: -S leaves installed libraries out."""
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", TAKEN.format(statements)],
        cwd=task,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(task)},
        capture_output=True,
        text=True,
        timeout=_PROCESS_SECONDS,
        check=True,
    )
    return float(done.stdout)
