from chalicelib.domain.accounts import Principal
from chalicelib.domain.rates import Rates
from chalicelib.services.images import no_precondition
from tests.fakes import MemoryParts, NullStopwatch

DEMO = Principal("demo")


def read_from_both_nodes(parts: MemoryParts) -> None:
    """Two reads of k1 (on the second node) and two of a key on the first; one origin read each."""
    images = parts.services().images
    for key in (b"k1", b"k2"):
        images.put(DEMO, key, key, no_precondition, NullStopwatch())
        for _ in range(2):
            images.get(DEMO, key, NullStopwatch())


def test_a_fleet_that_nobody_asked_has_no_rate() -> None:
    assert MemoryParts().services().fleet.last_minute() == Rates(0, 0, 0)


def test_the_last_minute_is_the_sum_over_the_nodes() -> None:
    parts = MemoryParts()
    read_from_both_nodes(parts)
    assert parts.services().fleet.last_minute() == Rates(requests=4, origin_reads=2, waits=0)


def test_what_is_older_than_a_minute_is_not_counted() -> None:
    parts = MemoryParts()
    read_from_both_nodes(parts)
    parts.clock.advance(70)
    assert parts.services().fleet.last_minute() == Rates(0, 0, 0)


def test_a_node_that_cannot_be_asked_leaves_the_others_counts() -> None:
    parts = MemoryParts()
    read_from_both_nodes(parts)
    parts.caches.of(parts.nodes[0]).down = True
    assert parts.services().fleet.last_minute() == Rates(requests=2, origin_reads=1, waits=0)


def test_the_map_is_the_published_one() -> None:
    parts = MemoryParts()
    assert parts.services().fleet.map() == parts.fleet_map
