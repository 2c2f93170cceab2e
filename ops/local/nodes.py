"""The supervisor: gives every EC2 instance of the stand-in the processes that its user data would start on a machine.

    python -m ops.local.nodes --state FOLDER

An instance that runs gets its boot script run twice, as the script's own units do: as memcached and as the agent, with
the instance's facts in the environment. A terminated instance loses both; one whose memcached died is terminated; an
agent that died is started again. How many instances there should be is not decided here.
"""

import argparse
import base64
import binascii
import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheError

from ops.local.errors import StopRequestedError
from ops.local.node_processes import BOOT_SECONDS, Instance, NodeProcesses
from ops.local.state import StateFolder, write_whole
from ops.local.waiting import StopSignals

# The AWS names are the stand-in's dummies; on EC2 the instance's role stands in their place.
_SEEN = (
    *("PATH", "HOME", "LANG", "TMPDIR", "NODE_PORT", "NODE_ITEM_BYTES", "NODE_MEMORY_MB", "ENVIRONMENT"),
    *("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "NO_PROXY"),
)
_POLL_SECONDS = 0.2
_END_SECONDS = 3.0
_log = logging.getLogger("nodes")


def differences(instances: Mapping[str, object], processes_of: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """Which instances need a process, and which processes have no instance any more. Both by id."""
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


def running_instances(pages: Iterable[Mapping[str, Any]]) -> dict[str, Instance]:
    """The instances of DescribeInstances' pages, by id; those that have no address yet are left out."""
    found = {}
    for page in pages:
        for one in [one for reservation in page.get("Reservations", ()) for one in reservation.get("Instances", ())]:
            if one.get("PrivateIpAddress"):
                tags = {tag.get("Key"): tag.get("Value") for tag in one.get("Tags", ())}
                found[one["InstanceId"]] = Instance(
                    one["InstanceId"], one["PrivateIpAddress"], tags.get("environment") or None
                )
    return found


class Supervisor:
    """Holds the processes. Single-threaded, because a process started by a thread would die with that thread."""

    def __init__(self, state: StateFolder, environ: Mapping[str, str], signals: StopSignals) -> None:
        self._state = state
        self._environ = environ
        self._signals = signals
        self._nodes: dict[str, NodeProcesses] = {}
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
            self._end(list(self._nodes.values()))

    def _step(self) -> None:
        ended = self._signals.wait(_POLL_SECONDS, self._descriptors())
        before = self._report()
        try:
            self._mind(ended)
            instances = self._instances()
            missing, leaving = differences(instances, self._nodes)
            self._end([self._nodes[instance_id] for instance_id in leaving])
            for instance_id in missing:
                self._boot(instances[instance_id])
            for node in [node for node in self._nodes.values() if not node.up]:
                self._check(node)
        except (BotoCoreError, ClientError) as error:
            _log.warning("EC2 does not answer: %s", error)
        if self._report() != before or not self._state.nodes.exists():
            write_whole(self._state.nodes, json.dumps(self._report()))

    def _descriptors(self) -> dict[int, str]:
        """What becomes readable when a process ends, and whose it is: an instance's id, or "agent" and the id."""
        found = {node.memcached.descriptor: instance_id for instance_id, node in self._nodes.items()}
        agents = {node.agent.descriptor: f"agent {id_}" for id_, node in self._nodes.items() if node.agent is not None}
        return found | agents

    def _mind(self, ended: Iterable[str]) -> None:
        """Agents that ended and are due again, then memcacheds that ended: EC2 is asked for the latter only."""
        names = set(ended)
        for instance_id, node in self._nodes.items():
            if f"agent {instance_id}" in names:
                _log.warning("the agent of %s ended with %d", instance_id, node.agent_ended())
            if node.agent is None and instance_id not in names and time.monotonic() >= node.agent_due:
                node.start_agent()
        for instance_id in [one for one in self._nodes if one in names]:
            self._give_up(self._nodes[instance_id], "its memcached ended")

    def _instances(self) -> dict[str, Instance]:
        return running_instances(
            self._ec2.get_paginator("describe_instances").paginate(
                Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}]
            )
        )

    def _boot(self, instance: Instance) -> None:
        answer = self._ec2.describe_instance_attribute(InstanceId=instance.id, Attribute="userData")
        try:
            user_data = base64.b64decode(answer.get("UserData", {}).get("Value", ""))
        except binascii.Error as error:
            _log.warning("%s is terminated: its user data cannot be read: %s", instance.id, error)
            self._ec2.terminate_instances(InstanceIds=[instance.id])
            return
        node = NodeProcesses.booted(instance, user_data, self._environ, self._state)
        self._nodes[instance.id] = node
        _log.info("%s boots at %s as pid %d", instance.id, instance.address, node.memcached.process.pid)

    def _check(self, node: NodeProcesses) -> None:
        pid = pid_at(node.instance.address, int(self._environ["NODE_PORT"]))
        if pid == node.memcached.process.pid:
            node.up = True
            _log.info("%s is up at %s", node.instance.id, node.instance.address)
        elif pid is not None:
            self._give_up(node, f"its address is taken by the memcached of pid {pid}")
        elif time.monotonic() > node.deadline:
            self._give_up(node, f"it did not answer within {BOOT_SECONDS:g} s")

    def _give_up(self, node: NodeProcesses, reason: str) -> None:
        _log.warning("%s at %s is terminated: %s", node.instance.id, node.instance.address, reason)
        self._end([node])
        self._ec2.terminate_instances(InstanceIds=[node.instance.id])

    def _end(self, nodes: list[NodeProcesses]) -> None:
        """All of them at once, so that many take no longer than one."""
        for node in nodes:
            node.ask_to_end()
        deadline = time.monotonic() + _END_SECONDS
        for node in nodes:
            del self._nodes[node.instance.id]
            _log.info("%s at %s ended with %d", node.instance.id, node.instance.address, node.end(deadline))

    def _report(self) -> dict[str, dict[str, object]]:
        return {instance_id: node.report() for instance_id, node in self._nodes.items()}


def boot_environ(environ: Mapping[str, str], user_id: int) -> dict[str, str]:
    """What a boot script sees: nothing of the application's, least of all its passwords."""
    seen = {name: environ[name] for name in _SEEN if name in environ}
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
