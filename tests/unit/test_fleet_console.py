"""The manager's console over fakes."""

import pytest

from chalicelib.domain import fleet, rates, wire
from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.decisions import Decision, Sample, minute_of
from chalicelib.domain.errors import (
    InvalidValueError,
    NodeError,
    QueueUnavailableError,
    RowsUnavailableError,
    UnknownNodeError,
)
from chalicelib.domain.fleet import Node
from chalicelib.domain.fleet_report import ENDING, FAILING, LAUNCHING, LEAVING, SERVING, FleetReport, NodeReport
from chalicelib.domain.ports import NodeOrders
from chalicelib.services.fleet_console import MIB, FleetConsole
from chalicelib.services.fleet_views import NodeView
from chalicelib.services.images import no_precondition
from tests.fakes import MemoryParts, NullStopwatch

DEMO = Principal("demo")
ADMIN = Principal("demo", admin=True)
THIRD = Node("node-c", "10.0.0.3", 11211)


@pytest.fixture
def parts() -> MemoryParts:
    return MemoryParts()


@pytest.fixture
def console(parts: MemoryParts) -> FleetConsole:
    return parts.services().console


def read_images(parts: MemoryParts, *keys: bytes, owner: Principal = DEMO) -> None:
    """Stores the images and reads each twice: two requests and one origin read."""
    images = parts.services().images
    for key in keys:
        images.put(owner, key, key, no_precondition, NullStopwatch())
        for _ in range(2):
            images.get(owner, key, NullStopwatch())


def report(parts: MemoryParts, *nodes: NodeReport, notes: tuple[str, ...] = ()) -> None:
    parts.store.report = FleetReport(parts.clock.now().timestamp(), 7, nodes, notes)


def by_id(console: FleetConsole) -> dict[str, NodeView]:
    return {node.id: node for node in console.view().nodes}


def resized(parts: MemoryParts, *nodes: Node) -> None:
    assignment = tuple(p % len(nodes) for p in range(16))
    parts.store.fleet_map = fleet.moved(parts.fleet_map, nodes, assignment, parts.clock.now().timestamp())


def test_the_view_tells_target_nodes_and_what_they_hold(parts: MemoryParts, console: FleetConsole) -> None:
    read_images(parts, b"k1", b"k2")
    view = console.view()
    assert (view.target, view.serving, view.map_version) == (2, 2, parts.fleet_map.version)
    assert view.owners[:2] == ("node-a", "node-b")
    first, second = view.nodes
    assert (first.state, first.answers, first.why) == (SERVING, True, "")
    assert first.partitions == tuple(range(0, 16, 2))
    assert first.told is not None
    assert first.told.items == 1
    assert second.rates is not None
    assert (second.rates.requests, second.rates.miss) == (2, 0.5)
    assert (view.rates.requests, view.rates.origin_reads) == (4, 2)


def test_a_node_that_does_not_answer_is_failing_and_shows_no_zeros(parts: MemoryParts, console: FleetConsole) -> None:
    read_images(parts, b"k1", b"k2")
    parts.caches.of(parts.nodes[0]).down = True
    view = console.view()
    silent, other = view.nodes
    assert (silent.state, silent.answers, silent.told, silent.rates) == (FAILING, False, None, None)
    assert "does not answer" in silent.why
    assert (other.state, other.answers) == (SERVING, True)
    assert (view.rates.requests, view.rates.silent_nodes) == (2, ("node-a",))


def test_the_scaler_s_word_on_a_failing_node_is_shown(parts: MemoryParts, console: FleetConsole) -> None:
    report(parts, NodeReport("node-a", "10.0.0.1", FAILING, answering=True, note="it reported nothing"))
    assert (by_id(console)["node-a"].state, by_id(console)["node-a"].why) == (FAILING, "It reported nothing.")


def test_nodes_that_only_the_scaler_knows_are_shown_and_not_asked(parts: MemoryParts, console: FleetConsole) -> None:
    report(
        parts,
        NodeReport("i-new", "10.0.0.9", LAUNCHING, answering=False, note="It does not answer yet."),
        NodeReport("i-old", "10.0.0.8", SERVING, answering=True),
        NodeReport("node-a", "10.0.0.1", LAUNCHING, answering=True),
    )
    nodes = by_id(console)
    assert (nodes["i-new"].state, nodes["i-new"].answers) == (LAUNCHING, None)
    assert nodes["i-new"].why == "It does not answer yet."
    assert nodes["i-old"].state == ENDING
    assert nodes["node-a"].state == SERVING  # the map is newer


def test_a_handoff_is_shown_by_partition_with_its_copies(parts: MemoryParts, console: FleetConsole) -> None:
    resized(parts, *parts.nodes, THIRD)
    parts.caches.of(THIRD).count([rates.copies_of(2), rates.copies_of(2)], parts.clock.now())
    view = console.view()
    assert {move.partition for move in view.moving} == set(parts.fleet_map.moving)
    second = next(move for move in view.moving if move.partition == 2)
    assert (second.before, second.now, second.copies) == (("node-a",), "node-c", 2)
    parts.caches.of(THIRD).down = True
    assert next(move for move in console.view().moving if move.partition == 2).copies is None


def test_a_leaving_node_is_shown_as_such(parts: MemoryParts, console: FleetConsole) -> None:
    resized(parts, parts.nodes[0])
    view = console.view()
    assert (view.serving, len(view.nodes)) == (1, 2)
    leaving = by_id(console)["node-b"]
    assert (leaving.state, leaving.answers, leaving.partitions) == (LEAVING, True, ())


def test_notes_tell_that_the_scaler_does_not_run(parts: MemoryParts, console: FleetConsole) -> None:
    assert console.view().notes == ("The scaler has not run yet.",)
    report(parts, notes=("EC2 refuses.",))
    assert (console.view().notes, console.view().reported_run) == (("EC2 refuses.",), 7)
    parts.clock.advance(300)
    assert console.view().notes == ("The scaler has not run for 5 minutes.", "EC2 refuses.")


def test_the_notice_costs_one_read_and_asks_no_node(parts: MemoryParts, console: FleetConsole) -> None:
    parts.steps.taken.clear()
    notice = console.notice()
    assert (notice.version, notice.nodes) == (parts.fleet_map.version, 2)
    assert parts.steps.taken == ["maps.current"]


def test_a_change_is_stored_and_wakes_the_scaler(parts: MemoryParts, console: FleetConsole) -> None:
    changed = console.change(ADMIN, {"numNodes": "4"})
    assert (changed.settings.num_nodes, changed.before.num_nodes, changed.woken, changed.orders) == (4, 2, True, ())
    assert parts.waker.woken == 1
    assert console.view().target == 4


def test_a_change_stands_though_the_queue_is_down(parts: MemoryParts, console: FleetConsole) -> None:
    parts.steps.fail("waker.wake", QueueUnavailableError("down"))
    changed = console.change(ADMIN, {"numNodes": "4"})
    assert (changed.settings.num_nodes, changed.woken) == (4, False)
    assert console.view().target == 4


def test_what_is_refused_changes_and_wakes_nothing(parts: MemoryParts, console: FleetConsole) -> None:
    for given in ({"numNodes": "0"}, {"maxMiss": "nan"}, {"minMiss": "0.9"}, {"expRatio": "1"}, {"policy": "FIFO"}):
        with pytest.raises(InvalidValueError):
            console.change(ADMIN, given)
    assert (parts.waker.woken, parts.decisions.latest(1)) == (0, [])


def test_capacity_and_policy_are_told_to_the_nodes(parts: MemoryParts, console: FleetConsole) -> None:
    parts.caches.of(parts.nodes[0]).down = True
    changed = console.change(ADMIN, {"cacheSize": "3", "policy": "RR"})
    assert [(told.node_id, told.done) for told in changed.orders] == [("node-a", False), ("node-b", True)]
    assert parts.admins.orders == {parts.nodes[1]: NodeOrders(3 * MIB, "RR")}


def test_one_more_and_one_fewer(console: FleetConsole) -> None:
    assert console.step(ADMIN, 1).settings.num_nodes == 3
    assert console.step(ADMIN, -1).settings.num_nodes == 2
    assert console.resize(ADMIN, 8).settings.num_nodes == 8
    assert [each.reason for each in console.decisions().decisions] == [
        "demo changed numNodes from 2 to 8.",
        "demo changed numNodes from 3 to 2.",
        "demo changed numNodes from 2 to 3.",
    ]


def test_two_steps_at_once_are_two_steps(parts: MemoryParts, console: FleetConsole) -> None:

    def another_is_first() -> None:
        console.step(ADMIN, 1)

    parts.steps.before("decisions.change_by_hand", another_is_first)
    assert console.step(ADMIN, 1).settings.num_nodes == 4


@pytest.mark.parametrize(("nodes", "by"), [("8", 1), ("1", -1), ("2", 2), ("2", 0)])
def test_a_step_beyond_the_bounds_is_refused_in_words(console: FleetConsole, nodes: str, by: int) -> None:
    console.change(ADMIN, {"numNodes": nodes})
    with pytest.raises(InvalidValueError, match=r"(nodes|must be)"):
        console.step(ADMIN, by)
    assert console.view().target == int(nodes)


def test_in_automatic_mode_sizes_by_hand_are_refused_in_words(console: FleetConsole) -> None:
    console.change(ADMIN, {"mode": "auto"})
    with pytest.raises(InvalidValueError, match="automatic mode"):
        console.step(ADMIN, 1)
    with pytest.raises(InvalidValueError, match="automatic mode"):
        console.resize(ADMIN, 3)
    assert console.view().target == 2


def test_history_is_of_the_last_closed_minutes_with_gaps(parts: MemoryParts, console: FleetConsole) -> None:
    closed = minute_of(parts.clock.now()) - 1
    parts.store.decisions = [
        Decision(closed, parts.clock.now(), 1, "any", "", 2, 2, (Sample("node-a", closed, 10, 8, 2),), id=1)
    ]
    history = console.history(3)
    assert [each.minute for each in history] == [closed - 2, closed - 1, closed]
    assert [each.requests for each in history] == [None, None, 10]


def test_the_log_is_paged_newest_first(console: FleetConsole) -> None:
    for number in range(5):
        console.change(ADMIN, {"cacheSize": str(number + 1)})
    first = console.decisions(limit=2)
    second = console.decisions(limit=2, before_id=first.next_before)
    third = console.decisions(limit=2, before_id=second.next_before)
    assert [each.id for page in (first, second, third) for each in page.decisions] == [5, 4, 3, 2, 1]
    assert third.next_before is None


@pytest.mark.parametrize("nodes", [0, 17, -1])
def test_a_preview_of_an_impossible_fleet_is_refused(console: FleetConsole, nodes: int) -> None:
    with pytest.raises(InvalidValueError):
        console.preview(nodes)


def test_a_preview_follows_the_assignment_that_is_set(console: FleetConsole) -> None:
    assert console.preview(3).assignment == "alternating"
    console.change(ADMIN, {"assignment": "minimal-move"})
    assert len(console.preview(3).moves) == 5


def test_contents_are_one_s_own_and_for_an_admin_everybody_s(parts: MemoryParts, console: FleetConsole) -> None:
    parts.store.owners["other"] = Owner(b"\x02" * 16, 0)
    read_images(parts, b"k2")
    read_images(parts, b"k2", owner=Principal("other"))
    own = console.contents(DEMO, "node-a")
    assert [(item.image.key, item.kind, item.mine, item.partition) for item in own.items] == [(b"k2", None, True, 6)]
    assert (own.hidden, own.removed, own.listed, own.more, own.next_after) == (1, 0, 2, False, None)
    everything = console.contents(ADMIN, "node-a")
    assert sorted(item.mine for item in everything.items) == [False, True]
    assert everything.hidden == 0


def test_objects_of_no_image_are_counted_as_removed(parts: MemoryParts, console: FleetConsole) -> None:
    parts.caches.of(parts.nodes[0]).store(wire.wire_key("originals/gone"), b"bytes")
    page = console.contents(ADMIN, "node-a")
    assert (page.items, page.removed) == ((), 1)


def test_contents_are_paged_and_each_object_comes_once(parts: MemoryParts, console: FleetConsole) -> None:
    keys = [f"key-{number}".encode() for number in range(12)]
    read_images(parts, *keys)
    seen: list[bytes] = []
    for node in parts.nodes:
        after: str | None = ""
        while after is not None:
            page = console.contents(DEMO, node.id, after, limit=2)
            seen += [item.image.key for item in page.items]
            after = page.next_after
    assert sorted(seen) == sorted(keys)


def test_contents_of_an_unknown_or_silent_node_are_refused(parts: MemoryParts, console: FleetConsole) -> None:
    with pytest.raises(UnknownNodeError):
        console.contents(ADMIN, "node-z")
    parts.caches.of(parts.nodes[0]).down = True
    with pytest.raises(NodeError):
        console.contents(ADMIN, "node-a")


def test_clearing_empties_every_node_and_is_logged(parts: MemoryParts, console: FleetConsole) -> None:
    read_images(parts, b"k1", b"k2")
    settings = parts.services().cache_configuration.current()
    cleared = console.clear_cache(ADMIN)
    assert all(told.done for told in cleared.nodes)
    assert [console.contents(ADMIN, node.id).listed for node in parts.nodes] == [0, 0]
    (decision,) = console.decisions().decisions
    assert (decision.reason, decision.outcome) == ("demo cleared the cache.", "cleared 2 of 2")
    assert (decision.before, decision.target) == (2, 2)
    assert parts.services().cache_configuration.current() == settings


def test_a_clearing_that_cannot_be_logged_says_that_it_was_done(parts: MemoryParts, console: FleetConsole) -> None:
    def fail() -> None:
        raise RowsUnavailableError("The database does not answer.")

    parts.steps.before("decisions.note", fail)
    with pytest.raises(RowsUnavailableError, match=r"The cache is empty \(cleared 2 of 2\); that could not be written"):
        console.clear_cache(ADMIN)


def test_a_node_that_could_not_be_cleared_is_named(parts: MemoryParts, console: FleetConsole) -> None:
    parts.caches.of(parts.nodes[0]).down = True
    assert [(told.node_id, told.done) for told in console.clear_cache(ADMIN).nodes] == [
        ("node-a", False),
        ("node-b", True),
    ]
    assert console.decisions().decisions[0].outcome == "cleared 1 of 2; node-a: node node-a does not answer"
