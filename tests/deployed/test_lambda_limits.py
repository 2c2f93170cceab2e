"""The stand-in for Lambda's own environment refuses what Lambda would."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from tests.deployed.lambda_runtime import make_runtime
from tests.deployed.project_copy import PROJECT


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_runtime(tmp_path_factory.mktemp("runtime"))


def said(python: Path, program: str) -> str:
    """The last line of what the program wrote to standard error; empty if it succeeded."""
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    return done.stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize(
    "program",
    [
        "open({beside!r}, 'w')",
        "open({beside!r}, 'a')",
        "import os; os.open({beside!r}, os.O_CREAT)",
        "import os; os.mkdir({beside!r})",
        "import pathlib, tempfile; pathlib.Path(tempfile.mkdtemp()).rename({beside!r})",
    ],
)
def test_nothing_is_written_outside_the_temporary_folder(python: Path, tmp_path: Path, program: str) -> None:
    assert "Only the temporary folder can be written" in said(python, program.format(beside=str(tmp_path / "beside")))
    assert list(tmp_path.iterdir()) == []


def test_nothing_outside_the_temporary_folder_is_removed(python: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    assert "Only the temporary folder" in said(python, f"import os; os.remove({str(tmp_path / 'kept')!r})")
    assert (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    "program",
    [
        "import multiprocessing; multiprocessing.Lock()",
        "import multiprocessing; multiprocessing.Queue()",
        "import multiprocessing; multiprocessing.Pool(1)",
        "from multiprocessing import shared_memory; shared_memory.SharedMemory(create=True, size=1)",
    ],
)
def test_there_is_no_shared_memory(python: Path, program: str) -> None:
    assert "Lambda has no shared memory" in said(python, program)


@pytest.mark.parametrize(
    "program",
    [
        "import tempfile; tempfile.TemporaryFile().write(b'a'); tempfile.mkdtemp()",
        "import subprocess; subprocess.run(['true'], stdin=subprocess.DEVNULL, check=True)",
        "import boto3; boto3.client('s3', region_name='us-east-1')",
    ],
)
def test_what_lambda_allows_is_allowed(python: Path, program: str) -> None:
    assert said(python, program) == ""


@pytest.mark.parametrize("module", ["chalice", "PIL", "pymysql", "pytest", "jinja2"])
def test_packages_of_this_environment_are_not_seen(python: Path, module: str) -> None:
    assert importlib.util.find_spec(module) is not None
    assert said(python, f"import {module}") == f"ModuleNotFoundError: No module named {module!r}"


def test_the_emulator_s_gaps_are_those_of_the_version_that_is_installed() -> None:
    from tests.deployed.emulator import VERSION

    lines = (PROJECT / "requirements-ministack.txt").read_text().splitlines()
    assert f"ministack=={VERSION}" in lines
