"""The two processes of one instance: its memcached and its agent, both started by the instance's own boot script."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.local import processes
from ops.local.state import StateFolder

BOOT_SECONDS = 120.0
_AGENT_AGAIN_SECONDS = 2.0  # as its unit has it on EC2


@dataclass(frozen=True, slots=True)
class Instance:
    """What EC2 says of a running instance. `environment` is its tag's; None without one."""

    id: str
    address: str
    environment: str | None = None


@dataclass(slots=True)
class Child:
    """A process and a descriptor that becomes readable when it ends."""

    process: subprocess.Popen[bytes]
    descriptor: int

    @classmethod
    def of(cls, process: subprocess.Popen[bytes]) -> "Child":
        return cls(process, os.pidfd_open(process.pid))

    def ask_to_end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()

    def end(self, deadline: float) -> int:
        """Its status; killed if it has not ended by the deadline."""
        if self.process.poll() is None and not processes.exited(self.descriptor, max(0.0, deadline - time.monotonic())):
            self.process.send_signal(signal.SIGKILL)
        status = self.process.wait()
        os.close(self.descriptor)
        return status


@dataclass(slots=True)
class NodeProcesses:
    """An instance's processes. It counts as up once the memcached at its address says it is this very pid."""

    instance: Instance
    script: Path
    environ: Mapping[str, str]
    state: StateFolder
    memcached: Child
    agent: Child | None = None
    agent_due: float = 0.0
    up: bool = False
    deadline: float = field(default_factory=lambda: time.monotonic() + BOOT_SECONDS)

    @classmethod
    def booted(
        cls, instance: Instance, user_data: bytes, environ: Mapping[str, str], state: StateFolder
    ) -> "NodeProcesses":
        """Starts both, as the units of the boot script do on EC2."""
        script = state.tmp / f"boot-{instance.id}.sh"
        script.write_bytes(user_data)
        own = {
            **environ,
            "LISTEN_ADDRESS": instance.address,
            "INSTANCE_ID": instance.id,
            "NODE_HOME": str(state.tmp / f"node-{instance.id}"),
            "NODE_PYTHON": sys.executable,
        }
        if instance.environment is not None:
            own["ENVIRONMENT"] = instance.environment
        memcached = _started(instance, "node", "memcached", script, own, state)
        node = cls(instance, script, own, state, memcached)
        node.start_agent()
        return node

    def start_agent(self) -> None:
        self.agent = _started(self.instance, "agent", "agent", self.script, self.environ, self.state)

    def agent_ended(self) -> int:
        """Its status; `start_agent` is due a little later."""
        if self.agent is None:
            raise ValueError(f"{self.instance.id} has no agent")
        status = self.agent.end(time.monotonic())
        self.agent, self.agent_due = None, time.monotonic() + _AGENT_AGAIN_SECONDS
        return status

    def ask_to_end(self) -> None:
        """The agent first, so that it does not complain of a memcached that is gone."""
        for child in (self.agent, self.memcached):
            if child is not None:
                child.ask_to_end()

    def end(self, deadline: float) -> int:
        """Both; memcached's status."""
        if self.agent is not None:
            self.agent.end(deadline)
        return self.memcached.end(deadline)

    def report(self) -> dict[str, object]:
        return {
            "address": self.instance.address,
            "pid": self.memcached.process.pid,
            "agent_pid": None if self.agent is None else self.agent.process.pid,
            "up": self.up,
        }


def _started(
    instance: Instance, part: str, role: str, script: Path, environ: Mapping[str, str], state: StateFolder
) -> Child:
    return Child.of(
        processes.spawn(
            f"{part} {instance.id}",
            ["sh", str(script), role],
            environ,
            state_dir=state.root,
            log=state.log(role),
            folder=state.tmp,
        )
    )
