"""What a part of the local cloud is: one process, how it is known to be ready and what has to be made in it then."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.local.state import StateFolder

FOUNDATIONS = ("mariadb", "ministack", "moto")
ALL_PARTS = (*FOUNDATIONS, "nodes", "web", "events")
REPLICA = "replica"  # a part that is started only when asked for
ORDER = ("mariadb", REPLICA, "ministack", "moto", "nodes", "web", "events")  # of starting; stopped in reverse


@dataclass(frozen=True, slots=True)
class Part:
    """One process. `is_ready` asks once, without waiting long; `prepare` runs after every start."""

    name: str  # of its log file too
    title: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    is_ready: Callable[[], bool]
    prepare: Callable[[], None] | None
    ready_seconds: float
    stop_seconds: float  # how long it may take over an orderly end before it is killed


def search_path(path: str) -> str:
    """PATH with the system's folders, which a plain user's PATH may lack on Debian."""
    return os.pathsep.join([path, "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"])


def base_environ(state: StateFolder, own: Mapping[str, str]) -> dict[str, str]:
    """What every part's environment starts from: nothing of the person's own AWS or proxy settings gets in."""
    return {
        "PATH": search_path(own.get("PATH", "")),
        "HOME": own.get("HOME", str(state.root)),
        "LANG": "C.UTF-8",
        "TMPDIR": str(state.tmp),
        "PYTHONUNBUFFERED": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
    }


def last_line(log: Path) -> str:
    """The last line with anything in it, for a one-line explanation; empty if there is none."""
    try:
        tail = log.read_bytes()[-4096:].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(tail.splitlines()) if line.strip()), "")
