from datetime import UTC, datetime

from chalicelib.domain.decisions import Decision, Sample
from chalicelib.services.fleet_history import by_minute
from chalicelib.services.fleet_views import MinuteView

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def decided(minute: int, *samples: Sample) -> Decision:
    return Decision(minute, NOW, 1, "any", "", 2, 2, samples)


def sample(node: str, minute: int, requests: int, misses: int) -> Sample:
    return Sample(node, minute, requests, requests - misses, misses, items=10, bytes=1000)


def test_a_minute_is_the_sum_over_its_nodes() -> None:
    found = by_minute([decided(7, sample("a", 7, 60, 10), sample("b", 7, 40, 10))], 7, 7)
    assert found == (MinuteView(7, 2, requests=100, hit_rate=0.8, miss_rate=0.2, items=20, bytes=2000),)


def test_a_minute_without_a_decision_or_without_samples_is_a_gap_and_not_zero() -> None:
    found = by_minute([decided(5), decided(7, sample("a", 7, 1, 1))], 5, 7)
    assert found[:2] == (MinuteView(5), MinuteView(6))
    assert found[0].requests is None


def test_an_idle_minute_has_no_requests_and_no_rate() -> None:
    (found,) = by_minute([decided(7, sample("a", 7, 0, 0))], 7, 7)
    assert (found.nodes, found.requests, found.hit_rate, found.miss_rate) == (1, 0, None, None)


def test_a_node_s_minute_that_two_decisions_saw_counts_once_as_the_later_saw_it() -> None:
    (found,) = by_minute([decided(7, sample("a", 7, 5, 5)), decided(8, sample("a", 7, 10, 5))], 7, 7)
    assert (found.nodes, found.requests) == (1, 10)


def test_a_rate_is_at_most_one_though_a_read_outlives_its_request_s_minute() -> None:
    (found,) = by_minute([decided(7, sample("a", 7, 3, 4))], 7, 7)
    assert (found.hit_rate, found.miss_rate) == (0, 1)


def test_minutes_outside_are_left_out() -> None:
    assert by_minute([decided(3, sample("a", 3, 1, 1))], 4, 4) == (MinuteView(4),)
