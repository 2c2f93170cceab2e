"""FleetMaps: the same suite over the fake and over MySQL."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.adapters.mysql.fleet_maps import MySqlFleetMaps
from chalicelib.adapters.mysql.image_rows import MySqlImageRows
from chalicelib.domain import fleet
from chalicelib.domain.accounts import Principal
from chalicelib.domain.fleet import FleetMap, Node, with_nodes
from chalicelib.domain.ports import FleetMaps, ImageRows
from tests.fakes import MemoryFleetMaps, MemoryImageRows, MemoryStore

A, B, C = (Node(f"i-{letter}", f"10.0.0.{number}", 11211) for number, letter in enumerate("abc", start=1))
Process = Callable[[], FleetMaps]


@pytest.fixture(params=["memory", "mysql"])
def store(request: pytest.FixtureRequest) -> tuple[Process, ImageRows]:
    """What gives the FleetMaps of another process on each call, and the rows of the same database."""
    if request.param == "memory":
        memory = MemoryStore()
        return (lambda: MemoryFleetMaps(memory)), MemoryImageRows(memory)
    database = request.getfixturevalue("database")
    return (lambda: MySqlFleetMaps(database)), MySqlImageRows(database)


@pytest.fixture
def process(store: tuple[Process, ImageRows]) -> Process:
    return store[0]


def test_the_first_map_is_empty(process: Process) -> None:
    assert process().current() == fleet.EMPTY


def test_a_published_map_is_everyones(process: Process) -> None:
    first = with_nodes(fleet.EMPTY, [A, B])
    other = process()
    assert other.current() == fleet.EMPTY
    assert process().publish(first)
    assert other.current() == first
    assert process().at(1) == first


def test_the_row_tells_the_maps_version(store: tuple[Process, ImageRows]) -> None:
    process, rows = store
    process().publish(with_nodes(fleet.EMPTY, [A]))
    assert rows.row(Principal("demo"), b"k1").map_version == 1


def test_a_map_of_another_version_than_the_kept_one_is_read_again(process: Process) -> None:
    reader, writer = process(), process()
    first, second = with_nodes(fleet.EMPTY, [A]), with_nodes(with_nodes(fleet.EMPTY, [A]), [A, B])
    writer.publish(first)
    assert reader.at(1) == first
    writer.publish(second)
    assert reader.at(1) == first  # from memory
    assert reader.at(2) == second
    assert reader.at(1) == second  # a newer one is as good


@pytest.mark.parametrize("version", [1, 3])
def test_a_map_made_from_another_than_the_stored_one_is_not_published(process: Process, version: int) -> None:
    stored = with_nodes(fleet.EMPTY, [A])
    process().publish(stored)
    assert not process().publish(replace(with_nodes(stored, [B]), version=version))
    assert process().current() == stored


def test_publishing_the_same_map_again_answers_as_the_first_time(process: Process) -> None:
    first = with_nodes(fleet.EMPTY, [A])
    assert process().publish(first)
    assert process().publish(first)
    assert process().current() == first


def test_of_maps_published_at_once_one_wins(process: Process) -> None:
    start, won = threading.Barrier(3), list[FleetMap]()

    def publish(node: Node) -> None:
        candidate = with_nodes(fleet.EMPTY, [node])
        start.wait(20)
        if process().publish(candidate):
            won.append(candidate)

    threads = [threading.Thread(target=publish, args=(node,)) for node in (A, B, C)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(won) == 1
    assert process().current() == won[0]
