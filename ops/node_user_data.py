"""EC2 user data of a cache node: nodes/boot.sh with the agent's source and its settings inside."""

import base64
import gzip
import io
import re
import shlex
import tarfile
from collections.abc import Mapping
from pathlib import Path

USER_DATA_BYTES = 16 * 1024  # EC2's limit, before base64
# All that the agent imports of its own, and nothing else: a test holds this list to the imports.
SOURCES = (
    "nodes/__init__.py",
    *(
        f"nodes/agent/{name}.py"
        for name in (
            "__init__",
            "__main__",
            "keeping",
            "minutes",
            "node",
            "orders",
            "publishing",
            "reporting",
            "trimming",
        )
    ),
)
_AGENT_NEEDS = ("boto3", "pymemcache")
_SETTINGS = frozenset({"ENVIRONMENT", "NODE_MEMORY_MB", "NODE_ITEM_BYTES", "NODE_PORT", "NODE_CONNECTIONS"})


class UserDataError(Exception):
    """The node's user data cannot be made."""


def user_data(project: Path, settings: Mapping[str, str]) -> str:
    """The script. `settings` are what it takes where its own environment says nothing: ENVIRONMENT, NODE_MEMORY_MB ...

    Raises UserDataError for an unknown setting, or if it is larger than EC2 takes.
    """
    unknown = settings.keys() - _SETTINGS
    if unknown:
        raise UserDataError(f"Not settings of a node: {', '.join(sorted(unknown))}.")
    script = (project / "nodes" / "boot.sh").read_text(encoding="utf-8")
    script = _with_value(script, "AGENT_ARCHIVE", base64.b64encode(archive(project)).decode())
    script = _with_value(script, "AGENT_REQUIREMENTS", " ".join(requirements(project)))
    for name, value in settings.items():
        # Without the script's own default: what the builder was told holds, but for the environment of the process.
        script = _with_value(script, name, value, overridable=True)
    if len(script.encode()) > USER_DATA_BYTES:
        raise UserDataError(f"The user data has {len(script.encode())} bytes; EC2 takes {USER_DATA_BYTES}.")
    return script


def archive(project: Path) -> bytes:
    """The agent's files as tar.gz; the same bytes for the same files, whenever and by whomever it is made."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in SOURCES:
            data = (project / name).read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def requirements(project: Path) -> list[str]:
    """What pip installs for the agent, with the project's own pins. Raises UserDataError if one has none."""
    pinned = {}
    for file in ("requirements.txt", "requirements-run.txt"):
        for line in (project / file).read_text(encoding="utf-8").splitlines():
            name, separator, _ = line.partition("==")
            if separator:
                pinned[name.strip()] = line.split(";")[0].strip()
    missing = [name for name in _AGENT_NEEDS if name not in pinned]
    if missing:
        raise UserDataError(f"No pin for {', '.join(missing)}.")
    return [pinned[name] for name in _AGENT_NEEDS]


def _with_value(script: str, name: str, value: str, *, overridable: bool = False) -> str:
    """The script with the one line that sets `name` setting it to the value."""
    quoted = shlex.quote(value)
    line = f'{name}="${{{name}:-{value}}}"' if overridable else f"{name}={quoted}"
    if overridable and not re.fullmatch(r"[A-Za-z0-9._-]*", value):
        raise UserDataError(f"{name} has characters that a node's settings do not take: {value!r}.")
    changed, count = re.subn(rf"^{name}=.*$", lambda _: line, script, count=1, flags=re.MULTILINE)
    if count != 1:
        raise UserDataError(f"nodes/boot.sh does not set {name}.")
    return changed
