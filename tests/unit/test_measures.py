"""What a run tells CloudWatch of the fleet as a whole."""

import json
from datetime import UTC, datetime

import pytest

from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.decisions import Sample
from chalicelib.domain.fleet import Node, with_nodes
from scaler.measures import log_line, measures
from scaler.observed import Seen
from tests.fakes.fleet_world import FleetWorld

NOW = datetime(2026, 3, 1, 12, 10, 5, tzinfo=UTC)
MINUTE = int(NOW.timestamp()) // 60 - 2
NODES = (Node("i-1", "10.0.0.1", 11211), Node("i-2", "10.0.0.2", 11211))


def seen_of(*samples: Sample, target: int = 3, gone: tuple[str, ...] = ()) -> Seen:
    return Seen(7, CacheSettings(num_nodes=target), 1, samples=list(samples), gone=set(gone))


def told_of(seen: Seen) -> dict[str, float]:
    return measures(seen, with_nodes(seen.fleet_map, NODES), NOW)


def test_the_miss_rate_is_that_of_all_nodes_in_one_closed_minute() -> None:
    told = told_of(
        seen_of(
            Sample("i-1", MINUTE, requests=90, hits=81, misses=9),
            Sample("i-2", MINUTE, requests=10, hits=0, misses=10),
            Sample("i-1", MINUTE + 1, requests=1000, hits=0, misses=1000),
        )
    )
    assert told["MissRate"] == pytest.approx(0.19)


def test_without_requests_there_is_no_miss_rate() -> None:
    assert "MissRate" not in told_of(seen_of())
    assert "MissRate" not in told_of(seen_of(Sample("i-1", MINUTE, requests=0, hits=0, misses=0)))


def test_nodes_that_lack_and_nodes_that_do_not_answer_are_told() -> None:
    told = told_of(seen_of(gone=("i-2",)))
    assert (told["NodesTarget"], told["NodesServing"], told["NodesMissing"], told["NodesNotAnswering"]) == (3, 2, 1, 1)
    assert told_of(seen_of(target=1))["NodesMissing"] == 0


def test_the_line_is_of_the_embedded_metric_format() -> None:
    line = json.loads(log_line("blue", {"ScalerRuns": 1.0, "MissRate": 0.5}, NOW))
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("ElasticImages", [["environment"]])
    assert {one["Name"]: line[one["Name"]] for one in directive["Metrics"]} == {"ScalerRuns": 1.0, "MissRate": 0.5}
    assert line["environment"] == "blue"
    assert line["_aws"]["Timestamp"] == NOW.timestamp() * 1000


def test_every_run_that_ends_tells_once_and_one_that_breaks_off_tells_nothing() -> None:
    world = FleetWorld(CacheSettings(num_nodes=2))
    world.run()
    world.run()
    assert [one["ScalerRuns"] for one in world.told] == [1.0, 1.0]
    assert world.told[-1]["NodesServing"] == 2
    world.held = True  # by another run
    world.run()
    assert len(world.told) == 2
