"""The running local cloud: starts its parts, starts again those that die, ends them all."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from ops.local import processes
from ops.local.errors import ChildEndedError, LocalCloudError
from ops.local.parts import Part, last_line
from ops.local.state import StateFolder
from ops.local.waiting import StopSignals
from ops.migrate import MigrationError

_READY_POLL_SECONDS = 0.05
_CALM_SECONDS = 120.0  # a death longer ago no longer counts
_DELAYS_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)


def restart_delay_seconds(recent_deaths: int) -> float | None:
    """How long to wait before the next start, after so many deaths close together (at least 1); None to give up."""
    return _DELAYS_SECONDS[recent_deaths - 1] if recent_deaths <= len(_DELAYS_SECONDS) else None


@dataclass(slots=True)
class RunningPart:
    """A started part; `descriptor` becomes readable when its process ends."""

    part: Part
    process: subprocess.Popen[bytes]
    descriptor: int


@dataclass(slots=True)
class Cloud:
    """The parts of one state folder. All methods belong to the main thread: a child dies with the thread it came from.

    While anything is awaited, a stop signal raises StopRequestedError.
    """

    state: StateFolder
    project: Path
    signals: StopSignals
    say: Callable[[str], None]
    running: dict[str, RunningPart] = field(default_factory=dict)  # in the order of starting

    def start(self, part: Part) -> None:
        """Start its process, without waiting."""
        process = processes.spawn(
            part.name,
            part.command,
            part.environ,
            state_dir=self.state.root,
            log=self.state.log(part.name),
            folder=self.project,
        )
        self.running[part.name] = RunningPart(part, process, os.pidfd_open(process.pid))

    def await_ready(self, part: Part) -> None:
        """Wait until it is ready, then prepare it. Raises LocalCloudError, naming the log, if a part fails."""
        self._await_ready(part, self.running)

    def _await_ready(self, part: Part, minding: Mapping[str, RunningPart]) -> None:
        try:
            self.signals.wait_until(
                part.is_ready,
                timeout_seconds=part.ready_seconds,
                poll_seconds=_READY_POLL_SECONDS,
                children={one.descriptor: name for name, one in minding.items()},
            )
        except ChildEndedError as error:
            culprit = self.running[error.name].part
            raise LocalCloudError(f"{culprit.title} ended while starting. {self._evidence(culprit)}") from error
        except TimeoutError as error:
            raise LocalCloudError(
                f"{part.title} was not ready within {part.ready_seconds:g} s. {self._evidence(part)}"
            ) from error
        if part.prepare is not None:
            _prepare(part)

    def run_to_end(self, name: str, command: Sequence[str], environ: dict[str, str], timeout_seconds: float) -> None:
        """Run a command that ends by itself. Raises LocalCloudError, naming the log, if it fails."""
        log = self.state.log(name)
        process = processes.spawn(name, command, environ, state_dir=self.state.root, log=log, folder=self.state.root)
        descriptor = os.pidfd_open(process.pid)
        try:
            ended = self.signals.wait(timeout_seconds, {descriptor: name})
        finally:
            os.close(descriptor)
        if not ended or process.wait() != 0:
            raise LocalCloudError(f"{name} failed: {last_line(log)!r}. Its log: {log}")

    def watch(self) -> None:
        """Start again whatever dies, until a stop signal. Raises LocalCloudError if a part keeps dying."""
        deaths: dict[str, list[float]] = {}
        due: dict[str, float] = {}
        parts = {name: one.part for name, one in self.running.items()}
        while True:
            timeout_seconds = max(0.0, min(due.values()) - time.monotonic()) if due else None
            for name in self.signals.wait(timeout_seconds, {one.descriptor: n for n, one in self.running.items()}):
                status = self._reap(name)
                due[name] = self._next_start(parts[name], f"ended by itself (status {status})", deaths)
            for name in [name for name, moment in due.items() if moment <= time.monotonic()]:
                del due[name]
                self._start_again(parts[name], deaths, due)

    def stop(self, order: Sequence[str]) -> None:
        """End every part, the last started first, then whatever they left."""
        for name in sorted(self.running, key=order.index, reverse=True):
            self._end(name)
        processes.kill_marked(self.state.root)

    def _start_again(self, part: Part, deaths: dict[str, list[float]], due: dict[str, float]) -> None:
        """Wait only for what others need prepared: the rest becomes ready when its own needs are met."""
        self.start(part)
        if part.prepare is None:
            return
        try:
            self._await_ready(part, {part.name: self.running[part.name]})
        except LocalCloudError as error:
            self._end(part.name)
            due[part.name] = self._next_start(part, f"did not start again ({error})", deaths)
        else:
            self.say(f"{part.title} runs again.")

    def _next_start(self, part: Part, what: str, deaths: dict[str, list[float]]) -> float:
        now = time.monotonic()
        deaths[part.name] = [moment for moment in deaths.get(part.name, []) if now - moment < _CALM_SECONDS] + [now]
        delay_seconds = restart_delay_seconds(len(deaths[part.name]))
        if delay_seconds is None:
            raise LocalCloudError(
                f"{part.title} ended {len(deaths[part.name])} times within {_CALM_SECONDS:g} s, so everything stops. "
                f"{self._evidence(part)}"
            )
        self.say(f"{part.title} {what}; it is started again. Its log: {self.state.log(part.name)}")
        return now + delay_seconds

    def _evidence(self, part: Part) -> str:
        log = self.state.log(part.name)
        return f"It said last: {last_line(log)!r}. Its log: {log}"

    def _end(self, name: str) -> None:
        one = self.running[name]
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGTERM)
            if not processes.exited(one.descriptor, one.part.stop_seconds):
                one.process.send_signal(signal.SIGKILL)
        self._reap(name)

    def _reap(self, name: str) -> int:
        one = self.running.pop(name)
        os.close(one.descriptor)
        return one.process.wait()


def _prepare(part: Part) -> None:
    """Makes in the part what it must have. Raises LocalCloudError, also when the part dies meanwhile."""
    assert part.prepare is not None  # noqa: S101  # for the type checker
    try:
        part.prepare()
    except (MigrationError, pymysql.err.Error, BotoCoreError, ClientError, OSError) as error:
        raise LocalCloudError(f"{part.title} could not be prepared: {error}") from error
