"""A local cloud for tests: the machinery of `make run` itself, in a state folder of its own, beside any other."""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ops.local import app_environ, processes
from ops.local.parts import ALL_PARTS
from ops.local.state import StateFolder, read_run

PROJECT = Path(__file__).resolve().parents[1]
ALL = frozenset(ALL_PARTS)
WITHOUT_APP = frozenset({"mariadb", "ministack", "moto", "nodes"})
RUN = "run"  # the name of the parent among the processes


class LocalCloud:
    """One local cloud. `parts` are names of ops.local.parts.ALL_PARTS; `extra_environ` is added to the run's own."""

    def __init__(
        self,
        state_dir: Path,
        *,
        parts: frozenset[str] = ALL,
        fleet_nodes: int = 2,
        fleet_mode: str = "manual",
        port: int = 0,
        open_to: str = "everything",
        extra_environ: Mapping[str, str] | None = None,
        replica_delay_seconds: int = 0,
    ) -> None:
        self.state = StateFolder(state_dir.resolve())
        self.said: list[str] = []  # what the run printed
        self._command = [
            *(sys.executable, "-m", "ops.run", "--port", str(port)),
            *("--fleet-nodes", str(fleet_nodes), "--fleet-mode", fleet_mode, "--parts", ",".join(sorted(parts))),
            *("--open-to", open_to, "--replica-delay", str(replica_delay_seconds)),
        ]
        self._environ = {**os.environ, **(extra_environ or {}), "STATE_DIR": str(self.state.root)}
        self._run: subprocess.Popen[bytes] | None = None

    def start(self, *, timeout_seconds: float = 200) -> "LocalCloud":
        """Start it and wait until it says it is ready. Raises AssertionError, with what it said, if it does not.

        Call it from the main thread: should the tests be killed, the cloud stops when that thread is gone.
        """
        self.said.clear()
        self._run = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", *self._command],
            cwd=PROJECT,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + timeout_seconds
        while not any(line.startswith("Ready") for line in self.said):
            lines = self._lines(max(0.0, deadline - time.monotonic()))
            assert lines, f"The local cloud did not start; it said: {self.said}"
            self.said += lines
        return self

    def refused(self, *, timeout_seconds: float = 60) -> str:
        """Start it where it must not start; what it wrote to standard error. Asserts the exit status 1."""
        done = subprocess.run(
            self._command,
            cwd=PROJECT,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
        assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
        return done.stderr

    @property
    def address(self) -> str:
        """http://127.0.0.1:PORT/"""
        run = read_run(self.state)
        assert run is not None, "not running"
        return run.address

    @property
    def environ(self) -> dict[str, str]:
        """The application's environment, as it was handed over."""
        return app_environ.read(self.state.app_env)

    def pids(self) -> list[processes.Process]:
        """Every live process of the state folder: the parent (part "run"), its parts, and memcached as "node ID"."""
        found = processes.marked(self.state.root)
        if self._run is not None and (ticks := processes.started_ticks(self._run.pid)) is not None:
            found.append(processes.Process(self._run.pid, ticks, RUN))
        return found

    def pid(self, part: str) -> int:
        """The pid of a part's process."""
        (found,) = [one.pid for one in self.pids() if one.part == part]
        return found

    def send(self, number: signal.Signals) -> None:
        """Send the parent a signal."""
        assert self._run is not None
        self._run.send_signal(number)

    def kill_everything(self) -> None:
        """SIGKILL to every process, the parent too, in no order; returns when all are gone."""
        assert processes.kill(self.pids()) == []
        self.wait(timeout_seconds=10)
        assert self.left(timeout_seconds=10) == []

    def wait(self, *, timeout_seconds: float) -> int:
        """Wait for the parent's end; its exit status, negative for a signal."""
        assert self._run is not None
        status = self._run.wait(timeout_seconds)
        if self._run.stdout is not None:
            self.said += self._run.stdout.read().decode().splitlines()
            self._run.stdout.close()
        return status

    def left(self, *, timeout_seconds: float) -> list[processes.Process]:
        """The processes that are still there after waiting for all to go."""
        until(lambda: not self.pids(), timeout_seconds=timeout_seconds)
        return self.pids()

    def stop(self) -> None:
        """An orderly stop; asserts that it was one and that no process is left. Nothing happens if it does not run."""
        if self._run is None or self._run.poll() is not None:
            assert self.pids() == []
            return
        self.send(signal.SIGTERM)
        assert self.wait(timeout_seconds=120) == 0, self.said
        assert self.pids() == []

    def _lines(self, timeout_seconds: float) -> list[str]:
        """The lines that the run prints next; none at its end or when the time is over."""
        assert self._run is not None
        assert self._run.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._run.stdout, selectors.EVENT_READ)
            if not selector.select(timeout_seconds):
                return []
        return os.read(self._run.stdout.fileno(), 65536).decode().splitlines()


def until(condition: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def listening_addresses(pid: int) -> set[str]:
    """The addresses on which the process listens, TCP and UDP, IPv4 and IPv6, from /proc."""
    targets = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    inodes = {target[8:-1] for target in targets if target.startswith("socket:[")}
    found = set()
    for table, listens in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == listens and fields[9] in inodes:
                found.add(_address(fields[1].split(":")[0]))
    return found


def _address(hexadecimal: str) -> str:
    """The address that /proc/net writes as 32-bit words in the machine's byte order (little-endian here)."""
    raw = b"".join(bytes.fromhex(hexadecimal[at : at + 8])[::-1] for at in range(0, len(hexadecimal), 8))
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
