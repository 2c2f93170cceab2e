"""What Chalice's own packager puts into the zip for Lambda, and what stays out."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE_SECONDS = 300


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The zip, built from a clean copy: the packager writes beside the sources and reuses what it finds there."""
    copy = tmp_path_factory.mktemp("package")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if name and (source.exists() or source.is_symlink()):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / name, follow_symlinks=False)
    chalice = Path(sys.executable).with_name("chalice")
    built = subprocess.run(
        [chalice, "package", "--stage", "local", "out"],
        cwd=copy,
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        timeout=PACKAGE_SECONDS,
    )
    output = built.stdout + built.stderr
    assert built.returncode == 0, output
    assert "Could not install dependencies" not in output  # Chalice says so and still exits 0
    return zipfile.ZipFile(copy / "out" / "deployment.zip")


def test_everything_the_application_needs_is_inside(package: zipfile.ZipFile) -> None:
    inside = set(package.namelist())
    wanted = {"app.py", "chalicelib/bootstrap.py", "scaler/run.py", "chalice/app.py", "multipart.py"}
    for folder in ("templates", "static", "scaler", "chalicelib"):
        wanted |= {
            str(path.relative_to(ROOT))
            for path in (ROOT / folder).rglob("*")
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


def test_each_compiled_package_is_a_wheel_that_lambda_can_load(package: zipfile.ZipFile) -> None:
    tags = {
        name.split("-")[0]: re.findall(r"^Tag: (.+)$", package.read(name).decode(), re.MULTILINE)
        for name in package.namelist()
        if name.endswith(".dist-info/WHEEL")
    }
    assert {"pillow", "markupsafe"} <= tags.keys()
    for name, found in tags.items():
        assert found, name
        for tag in found:
            assert tag.endswith("-none-any") or "manylinux" in tag, f"{name} was compiled on this machine: {tag}"


def test_the_zip_stays_small(package: zipfile.ZipFile) -> None:
    assert sum(entry.compress_size for entry in package.infolist()) < 15 * 1024 * 1024
