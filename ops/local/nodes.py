"""The supervisor: gives every EC2 instance of the stand-in the process that its user data would start on a machine.

    python -m ops.local.nodes --state FOLDER

An instance that runs gets its boot script run, with LISTEN_ADDRESS set to its private address; a terminated one loses
its process; one whose process died is terminated. How many there should be is not decided here.
"""

import argparse
import base64
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

from ops.local import processes
from ops.local.errors import StopRequestedError
from ops.local.state import StateFolder, write_whole
from ops.local.waiting import StopSignals

_POLL_SECONDS = 0.2
_BOOT_SECONDS = 120.0  # a boot script may have to install memcached
_END_SECONDS = 3.0
_log = logging.getLogger("nodes")


@dataclass(slots=True)
class NodeProcess:
    """An instance's process. It counts as up once the memcached at its address says it is this very pid."""

    instance_id: str
    address: str
    process: subprocess.Popen[bytes]
    descriptor: int
    deadline: float
    up: bool = False


def differences(instances: Mapping[str, str], processes_of: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """Which instances need a process, and which processes have no instance any more. `instances`: id to address."""
    return [one for one in instances if one not in processes_of], [one for one in processes_of if one not in instances]


def pid_at(address: str, port: int) -> int | None:
    """The pid of the memcached that answers there; None if none does."""
    client = Client((address, port), connect_timeout=0.5, timeout=0.5, default_noreply=False)
    try:
        return int(client.stats()[b"pid"])
    except (OSError, MemcacheError, KeyError):
        return None
    finally:
        client.close()


class Supervisor:
    """Holds the processes. Single-threaded, because a process started by a thread would die with that thread."""

    def __init__(self, state: StateFolder, environ: Mapping[str, str], signals: StopSignals) -> None:
        self._state = state
        self._environ = environ
        self._signals = signals
        self._nodes: dict[str, NodeProcess] = {}
        self._ec2: Any = boto3.client(
            "ec2", config=Config(connect_timeout=2, read_timeout=10, retries={"max_attempts": 1, "mode": "standard"})
        )

    def run(self) -> None:
        """Until a stop signal; then every process is ended."""
        try:
            while True:
                self._step()
        except StopRequestedError:
            _log.info("stopping")
        finally:
            for node in list(self._nodes.values()):
                self._end(node)

    def _step(self) -> None:
        dead = self._signals.wait(_POLL_SECONDS, {node.descriptor: node.instance_id for node in self._nodes.values()})
        before = self._report()
        try:
            for instance_id in dead:
                self._give_up(self._nodes[instance_id], "its process ended")
            instances = self._instances()
            missing, leaving = differences(instances, self._nodes)
            for instance_id in leaving:
                self._end(self._nodes[instance_id])
            for instance_id in missing:
                self._boot(instance_id, instances[instance_id])
            for node in [node for node in self._nodes.values() if not node.up]:
                self._check(node)
        except (BotoCoreError, ClientError) as error:
            _log.warning("EC2 does not answer: %s", error)
        if self._report() != before or not self._state.nodes.exists():
            write_whole(self._state.nodes, json.dumps(self._report()))

    def _instances(self) -> dict[str, str]:
        pages = self._ec2.get_paginator("describe_instances").paginate(
            Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        )
        return {
            instance["InstanceId"]: instance["PrivateIpAddress"]
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }

    def _boot(self, instance_id: str, address: str) -> None:
        answer = self._ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
        encoded = answer.get("UserData", {}).get("Value", "")
        script = self._state.tmp / f"boot-{instance_id}.sh"
        script.write_bytes(base64.b64decode(encoded))
        process = processes.spawn(
            f"node {instance_id}",
            ["sh", str(script)],
            {**self._environ, "LISTEN_ADDRESS": address},
            state_dir=self._state.root,
            log=self._state.log("memcached"),
            folder=self._state.tmp,
        )
        self._nodes[instance_id] = NodeProcess(
            instance_id, address, process, os.pidfd_open(process.pid), time.monotonic() + _BOOT_SECONDS
        )
        _log.info("%s boots at %s as pid %d", instance_id, address, process.pid)

    def _check(self, node: NodeProcess) -> None:
        pid = pid_at(node.address, int(self._environ["NODE_PORT"]))
        if pid == node.process.pid:
            node.up = True
            _log.info("%s is up at %s", node.instance_id, node.address)
        elif pid is not None:
            self._give_up(node, f"its address is taken by the memcached of pid {pid}")
        elif time.monotonic() > node.deadline:
            self._give_up(node, f"it did not answer within {_BOOT_SECONDS:g} s")

    def _give_up(self, node: NodeProcess, reason: str) -> None:
        _log.warning("%s at %s is terminated: %s", node.instance_id, node.address, reason)
        self._end(node)
        self._ec2.terminate_instances(InstanceIds=[node.instance_id])

    def _end(self, node: NodeProcess) -> None:
        del self._nodes[node.instance_id]
        if node.process.poll() is None:
            node.process.terminate()
            if not processes.exited(node.descriptor, _END_SECONDS):
                node.process.send_signal(signal.SIGKILL)
        _log.info("%s at %s ended with %d", node.instance_id, node.address, node.process.wait())
        os.close(node.descriptor)

    def _report(self) -> dict[str, dict[str, object]]:
        return {
            node.instance_id: {"address": node.address, "pid": node.process.pid, "up": node.up}
            for node in self._nodes.values()
        }


def boot_environ(environ: Mapping[str, str], user_id: int) -> dict[str, str]:
    """What a boot script sees: nothing of the application's, least of all its passwords."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "NODE_PORT", "NODE_ITEM_BYTES", "NODE_MEMORY_MB")
    seen = {name: environ[name] for name in kept if name in environ}
    # Changing the user would clear the signal that ends memcached with its supervisor.
    return {**seen, "NODE_USER": "root"} if user_id == 0 else seen


def main(arguments: list[str]) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m ops.local.nodes")
    parser.add_argument("--state", type=Path, required=True)
    state = StateFolder(parser.parse_args(arguments).state)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where it found each setting
    Supervisor(state, boot_environ(os.environ, os.geteuid()), StopSignals()).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
