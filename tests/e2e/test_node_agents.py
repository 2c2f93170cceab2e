"""Agents in a whole local cloud: they publish real minutes, are started again, know no password and end with it."""

import json
import os
import signal
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.domain.decisions import Sample, minute_of
from ops.local.bootstrap import client
from scaler.cloudwatch import CloudWatchSamples
from tests.local_cloud import LocalCloud, until


def _nodes(cloud: LocalCloud) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(cloud.state.nodes.read_text(encoding="utf-8"))
    return found


def test_each_node_publishes_its_minutes_also_after_its_agent_was_killed(cloud: LocalCloud) -> None:
    instance_id, victim = next((one, node["agent_pid"]) for one, node in _nodes(cloud).items() if node["agent_pid"])
    memcached_pid = _nodes(cloud)[instance_id]["pid"]
    password = cloud.environ["DATABASE_PASSWORD"].encode()
    assert password not in Path(f"/proc/{victim}/environ").read_bytes()
    os.kill(victim, signal.SIGKILL)
    assert until(lambda: _nodes(cloud)[instance_id]["agent_pid"] not in (None, victim), timeout_seconds=30)
    assert _nodes(cloud)[instance_id]["pid"] == memcached_pid
    minute = minute_of(datetime.now(UTC))
    with closing(client("cloudwatch", cloud.environ["AWS_ENDPOINT_URL"])) as cloudwatch:
        samples = CloudWatchSamples(cloudwatch, cloud.environ["ENVIRONMENT"])
        found: list[Sample] = []

        def is_told() -> bool:
            found[:] = samples.read([instance_id], [minute])
            return bool(found)

        assert until(is_told, timeout_seconds=120)
    assert found[0].capacity_bytes > 0
    assert found[0].connections > 0
