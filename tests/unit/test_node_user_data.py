"""The user data of a node: small enough, whole, and refused in words when it cannot be made."""

import ast
import base64
import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from ops import node_user_data
from ops.node_user_data import SOURCES, USER_DATA_BYTES, UserDataError, archive, user_data

PROJECT = Path(__file__).parents[2]


def test_it_fits_into_what_ec2_takes() -> None:
    assert len(user_data(PROJECT, {"ENVIRONMENT": "production", "NODE_MEMORY_MB": "512"}).encode()) <= USER_DATA_BYTES


def test_what_unpacks_is_byte_equal() -> None:
    found = re.search(r"^AGENT_ARCHIVE=(.*)$", user_data(PROJECT, {}), re.MULTILINE)
    assert found is not None
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(found[1].strip("'")))) as tar:
        unpacked = {name: tar.extractfile(name) for name in tar.getnames()}
        assert {name: file.read() for name, file in unpacked.items() if file is not None} == {
            name: (PROJECT / name).read_bytes() for name in SOURCES
        }


def test_every_module_that_the_agent_imports_travels() -> None:
    imported = set()
    for name in SOURCES:
        for statement in ast.walk(ast.parse((PROJECT / name).read_text(encoding="utf-8"))):
            if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("nodes"):
                imported |= {statement.module} | {f"{statement.module}.{one.name}" for one in statement.names}
    files = {f"{str(module).replace('.', '/')}.py" for module in imported}
    assert {file for file in files if (PROJECT / file).exists()} <= set(SOURCES)


def test_it_is_the_same_bytes_each_time() -> None:
    assert archive(PROJECT) == archive(PROJECT)


def test_a_shell_can_read_it(tmp_path: Path) -> None:
    script = tmp_path / "boot.sh"
    script.write_text(user_data(PROJECT, {"ENVIRONMENT": "production"}), encoding="utf-8")
    done = subprocess.run(["sh", str(script), "neither"], capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stderr) == (2, "boot.sh: not boot, memcached or agent: neither\n")


def test_settings_are_defaults_that_the_environment_overrides() -> None:
    assert 'ENVIRONMENT="${ENVIRONMENT:-production}"' in user_data(PROJECT, {"ENVIRONMENT": "production"})


@pytest.mark.parametrize("settings", [{"NODE_USER": "root"}, {"ENVIRONMENT": "$(reboot)"}, {"ENVIRONMENT": 'a"b'}])
def test_unknown_settings_and_odd_values_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(UserDataError):
        user_data(PROJECT, settings)


def test_too_large_a_script_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_user_data, "USER_DATA_BYTES", 100)
    with pytest.raises(UserDataError, match="EC2 takes 100"):
        user_data(PROJECT, {})
