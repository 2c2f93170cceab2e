"""Child processes that cannot outlive their parent, and finding those of a state folder whoever started them.

Every process carries the state folder and its part's name in its environment. That mark, read from /proc, is inherited
by whatever the process starts itself and cannot belong to a stranger, so leftovers are found without trusting a file of
pids. Linux only.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STATE_MARK = "LOCAL_CLOUD_STATE"
PART_MARK = "LOCAL_CLOUD_PART"

# The signal is set after the fork, so a parent that died in between would never send it: compare parents and give up.
_UNLESS_ORPHANED = '[ "$PPID" = "$0" ] && exec "$@"'


@dataclass(frozen=True, slots=True)
class Process:
    """A live process; `started_ticks` (since boot) tells it from a later one of the same pid."""

    pid: int
    started_ticks: int
    part: str


def spawn(
    part: str, command: Sequence[str], environ: Mapping[str, str], *, state_dir: Path, log: Path, folder: Path
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own; the kernel kills it when the calling thread dies: call from the main
    thread. The pid is the command's own. Its output is appended to `log`.
    """
    marked_environ = {**environ, STATE_MARK: str(state_dir), PART_MARK: part}
    with log.open("ab") as output:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", _UNLESS_ORPHANED, str(os.getpid()), *command],
            env=marked_environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def started_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None if there is no such live process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # the name before may hold anything, blanks and brackets included
    return None if fields[0] in b"ZX" else int(fields[19])


def marked(state_dir: Path) -> list[Process]:
    """The live processes of the state folder, but not this process itself."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        process = _marked_process(int(entry.name), state_dir)
        if process is not None:
            found.append(process)
    return found


def kill(processes: Iterable[Process], *, timeout_seconds: float = 10) -> list[Process]:
    """SIGKILL each and wait until it is gone; those that were not gone in time."""
    deadline = time.monotonic() + timeout_seconds
    left = []
    for process in processes:
        descriptor = open_process(process.pid, process.started_ticks)
        if descriptor is None:
            continue
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            if not exited(descriptor, max(0.0, deadline - time.monotonic())):
                left.append(process)
        except ProcessLookupError:
            continue
        finally:
            os.close(descriptor)
    return left


def kill_marked(state_dir: Path) -> int:
    """Kill every process of the state folder, also those started meanwhile; how many there were."""
    ended = 0
    for _ in range(10):
        found = marked(state_dir)
        if not found:
            return ended
        kill(found)
        ended += len(found)
    return ended


def open_process(pid: int, ticks: int) -> int | None:
    """A descriptor that stands for exactly this process and no later one of its pid; None if it is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if started_ticks(pid) == ticks:
        return descriptor
    os.close(descriptor)
    return None


def exited(descriptor: int, timeout_seconds: float) -> bool:
    """Whether the process behind a pidfd ends within the time."""
    readable, _, _ = select.select([descriptor], [], [], timeout_seconds)
    return bool(readable)


def _marked_process(pid: int, state_dir: Path) -> Process | None:
    try:
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    if f"{STATE_MARK}={state_dir}".encode() not in environ:
        return None
    ticks = started_ticks(pid)
    part = next((word.split(b"=", 1)[1] for word in environ if word.startswith(PART_MARK.encode() + b"=")), b"?")
    return None if ticks is None else Process(pid, ticks, part.decode())
