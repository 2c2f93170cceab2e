from chalicelib.domain.accounts import Principal
from chalicelib.domain.rates import Rates
from chalicelib.services.images import no_precondition
from tests.fakes import MemoryParts, NullStopwatch

DEMO = Principal("demo")


def last_minute(parts: MemoryParts) -> Rates:
    return parts.services().fleet.last_minute(parts.fleet_map)


def read_from_both_nodes(parts: MemoryParts) -> None:
    """Two reads of k1 (on the second node) and two of a key on the first; one origin read each."""
    images = parts.services().images
    for key in (b"k1", b"k2"):
        images.put(DEMO, key, key, no_precondition, NullStopwatch())
        for _ in range(2):
            images.get(DEMO, key, NullStopwatch())


def test_a_fleet_that_nobody_asked_has_no_rate() -> None:
    assert last_minute(MemoryParts()) == Rates(0, 0, 0)


def test_the_last_minute_is_the_sum_over_the_nodes() -> None:
    parts = MemoryParts()
    read_from_both_nodes(parts)
    assert last_minute(parts) == Rates(requests=4, origin_reads=2, waits=0)


def test_what_is_older_than_a_minute_is_not_counted() -> None:
    parts = MemoryParts()
    read_from_both_nodes(parts)
    parts.clock.advance(70)
    assert last_minute(parts) == Rates(0, 0, 0)


def test_a_node_that_cannot_be_asked_leaves_the_others_counts_and_is_named() -> None:
    parts = MemoryParts()
    read_from_both_nodes(parts)
    parts.caches.of(parts.nodes[0]).down = True
    assert last_minute(parts) == Rates(2, 1, 0, silent_nodes=(parts.nodes[0].id,))


def test_the_map_is_the_published_one() -> None:
    parts = MemoryParts()
    assert parts.services().fleet.map() == parts.fleet_map
