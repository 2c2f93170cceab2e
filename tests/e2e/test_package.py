"""What Chalice's own packager puts into the zip for Lambda, and what stays out, under this Python and a newer one."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ops.aws.bytecode import ZIP_BYTES, with_bytecode
from tests.deployed.project_copy import PROJECT, copy_project

PACKAGE_SECONDS = 300
NEWER = ("3.14", "3.13", "3.12")  # that Chalice has a runtime for, the newest first
_WHETHER_IT_WORKS = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"


def newer_python() -> str | None:
    """The version of a newer Python on this machine that can make environments; None if there is none."""
    this = sys.version_info[:2]
    for version in NEWER:
        if tuple(map(int, version.split("."))) <= this:
            continue
        try:
            done = subprocess.run(
                [f"python{version}", "-c", _WHETHER_IT_WORKS], capture_output=True, text=True, timeout=30, check=False
            )
        except FileNotFoundError:
            continue
        if done.stdout.strip() == version:
            return version
    return None


def run(*command: str | Path, folder: Path) -> str:
    """The output of a command; asserts that it succeeded."""
    done = subprocess.run(
        command,
        cwd=folder,
        # Importing app.py must not add its bytecode to what is packaged.
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PACKAGE_SECONDS,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def packaged(python: Path, folder: Path) -> zipfile.ZipFile:
    """The zip that Chalice makes under that Python, of a clean copy of the project."""
    copy = copy_project(folder)
    output = run(python.with_name("chalice"), "package", "--stage", "local", "out", folder=copy)
    assert "Could not install dependencies" not in output  # Chalice says so and still exits 0
    return zipfile.ZipFile(copy / "out" / "deployment.zip")


@pytest.fixture(scope="module", params=["this Python", "a newer Python"])
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    if request.param == "this Python":
        return packaged(Path(sys.executable), tmp_path_factory.mktemp("package"))
    version = newer_python()
    if version is None:
        pytest.skip(f"no Python newer than {sys.version_info[0]}.{sys.version_info[1]} is on this machine")
    environment = tmp_path_factory.mktemp("environment")
    run(f"python{version}", "-m", "venv", environment, folder=PROJECT)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "-r", "requirements-run.txt", folder=PROJECT)
    return packaged(python, tmp_path_factory.mktemp("package"))


def test_everything_the_application_needs_is_inside(package: zipfile.ZipFile) -> None:
    inside = set(package.namelist())
    wanted = {"app.py", "chalicelib/bootstrap.py", "scaler/run.py", "chalice/app.py", "multipart.py"}
    for folder in ("templates", "static", "scaler", "chalicelib"):
        wanted |= {
            str(path.relative_to(PROJECT))
            for path in (PROJECT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
    assert wanted - inside == set()
    for package_name in ("PIL", "jinja2", "markupsafe", "pymemcache", "pymysql"):
        assert f"{package_name}/__init__.py" in inside


def test_nothing_else_is_inside(package: zipfile.ZipFile) -> None:
    inside = {name.split("/")[0] for name in package.namelist()}
    assert inside.isdisjoint(
        {"tests", "ops", "bench", "docs", "nodes", "migrations", "vendor", "pip", "setuptools", "pytest", "boto3",
         "botocore", "yoyo", ".local", ".chalice", ".git"}
    )  # fmt: skip
    assert [name for name in package.namelist() if name.endswith((".pyc", ".env"))] == []


def test_each_package_is_a_wheel_that_lambda_can_load(package: zipfile.ZipFile) -> None:
    tags = {
        name.split("-")[0].lower(): re.findall(r"^Tag: (.+)$", package.read(name).decode(), re.MULTILINE)
        for name in package.namelist()
        if name.endswith(".dist-info/WHEEL")
    }
    pinned = re.findall(r"^([\w-]+)==", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    assert set(tags) == {name.replace("-", "_") for name in pinned}
    for name, found in tags.items():
        assert found, name
        for tag in found:
            assert tag.endswith("-none-any") or "manylinux" in tag, f"{name} was compiled on this machine: {tag}"


def test_the_zip_stays_small(package: zipfile.ZipFile) -> None:
    assert sum(entry.compress_size for entry in package.infolist()) < 15 * 1024 * 1024


COLD_IMPORT = """
import importlib.machinery, sys
inside, compiled = sys.argv[1], []
to_code = importlib.machinery.SourceFileLoader.source_to_code
def noted(self, data, path, **how):
    compiled.append(path)
    return to_code(self, data, path, **how)
importlib.machinery.SourceFileLoader.source_to_code = noted
import app
print([path for path in compiled if path.startswith(inside)], {"boto3", "PIL"} & set(sys.modules), app.__file__)
"""


def test_with_its_bytecode_it_stays_small_and_a_cold_start_compiles_nothing(
    package: zipfile.ZipFile, tmp_path: Path
) -> None:
    copy = tmp_path / "package.zip"
    shutil.copy(str(package.filename), copy)
    with_bytecode(copy)
    assert copy.stat().st_size < ZIP_BYTES
    task = tmp_path / "task"
    with zipfile.ZipFile(copy) as zipped:
        zipped.extractall(task)
    inside = sorted(path.name for path in task.rglob("app.cpython-*.pyc"))
    if inside != [f"app.cpython-{sys.version_info[0]}{sys.version_info[1]}.pyc"] * 2:  # ours and Chalice's
        pytest.skip("the package is of another Python than this")
    # -S: installed packages cannot stand in for what the package lacks.
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", COLD_IMPORT, task],
        cwd=task,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(task)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"[] set() {task / 'app.py'}\n", "")


def test_the_configuration_holds_no_value_of_any_environment() -> None:
    config = json.loads((PROJECT / ".chalice" / "config.json").read_text())
    found = [config, *config["stages"].values()]
    assert [one for one in found if "environment_variables" in one] == []
    assert "api" not in {one.get("api_gateway_stage", config["api_gateway_stage"]) for one in found}  # /api/api/upload
