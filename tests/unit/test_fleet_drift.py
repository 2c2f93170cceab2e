"""Where the fleet map and EC2 differ is told node by node."""

from chalicelib.domain.fleet import EMPTY, Node, with_nodes
from ops.aws.fleet_drift import Drift, drift, in_words

MAP = with_nodes(EMPTY, [Node("i-1", "10.0.0.1", 11211), Node("i-2", "10.0.0.2", 11211)])


def test_a_fleet_as_the_map_says_has_no_drift() -> None:
    found = drift(MAP, {"i-1": "10.0.0.1", "i-2": "10.0.0.2"})
    assert found == Drift((), (), ())
    assert in_words(found) == ["fleet: the map and EC2 agree"]


def test_each_node_that_differs_is_named() -> None:
    found = drift(MAP, {"i-1": "10.0.0.9", "i-3": "10.0.0.3"})
    assert found == Drift(gone=("i-2",), unused=("i-3",), elsewhere=("i-1",))
    assert in_words(found) == [
        "fleet: the map names, EC2 does not: i-2",
        "fleet: instances that the map does not name: i-3",
        "fleet: another address in the map than in EC2: i-1",
    ]
