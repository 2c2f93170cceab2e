"""ScalerRows, DecisionRows and FleetReports: the same suite over the fakes and over MySQL."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from chalicelib.adapters.mysql.decision_rows import SETTINGS, MySqlDecisionRows, MySqlFleetReports
from chalicelib.adapters.mysql.fleet_maps import MySqlFleetMaps
from chalicelib.adapters.mysql.scaler_rows import MySqlScalerRows
from chalicelib.adapters.mysql.settings_rows import MySqlSettingsRows
from chalicelib.domain import fleet
from chalicelib.domain.decisions import Decision, Sample
from chalicelib.domain.fleet import Node
from chalicelib.domain.fleet_report import SERVING, FleetReport, NodeReport
from chalicelib.domain.launches import SupersededError
from chalicelib.domain.ports import DecisionRows, FleetMaps, FleetReports, SettingsRows
from chalicelib.domain.scaler_ports import ScalerRows
from tests.contract.real_parts import MariaDb
from tests.fakes import ManualClock, MemoryFleetMaps, MemorySettingsRows, MemoryStore
from tests.fakes.scaler_rows import MemoryDecisionRows, MemoryFleetReports, MemoryScalerRows

MINUTE = 29_000_000
DAY = 86_400.0
ONE_NODE = fleet.moved(fleet.EMPTY, [Node("i-1", "127.0.0.1", 11211)], [0] * 16, at=1000, gone=())


@dataclass(frozen=True)
class Parts:
    """`pass_time` makes that many seconds go by for the rows."""

    rows: ScalerRows
    decisions: DecisionRows
    reports: FleetReports
    settings: SettingsRows
    maps: FleetMaps
    pass_time: Callable[[float], None]


@pytest.fixture(params=["memory", "mysql"])
def parts(request: pytest.FixtureRequest) -> Parts:
    return _memory() if request.param == "memory" else _mysql(request.getfixturevalue("maria"))


def _memory() -> Parts:
    store = MemoryStore(ManualClock())
    return Parts(
        MemoryScalerRows(store),
        MemoryDecisionRows(store),
        MemoryFleetReports(store),
        MemorySettingsRows(store),
        MemoryFleetMaps(store),
        store.clock.advance,
    )


def _mysql(maria: MariaDb) -> Parts:
    database = maria.database()

    def pass_time(seconds: float) -> None:
        maria.execute("UPDATE launches SET created_at = created_at - INTERVAL %s SECOND", (seconds,))
        maria.execute("UPDATE decisions SET decided_at = decided_at - INTERVAL %s SECOND", (seconds,))

    return Parts(
        MySqlScalerRows(database),
        MySqlDecisionRows(database),
        MySqlFleetReports(database),
        MySqlSettingsRows(database),
        MySqlFleetMaps(database),
        pass_time,
    )


def decision(run: int, minute: int | None = MINUTE, before: int = 1, target: int = 2) -> Decision:
    sample = Sample("i-1", MINUTE, requests=100, hits=20, misses=80)
    now = datetime.now(UTC)
    return Decision(
        minute,
        now,
        run,
        "above-maximum",
        "80 % of gets missed.",
        before,
        target,
        (sample,),
        {"i-2": "joining"},
        {"a": 1},
    )


def test_runs_are_numbered_one_after_another(parts: Parts) -> None:
    first = parts.rows.begin_run()
    assert parts.rows.begin_run() == first + 1


def test_every_write_of_a_superseded_run_is_refused_and_changes_nothing(parts: Parts) -> None:
    old = parts.rows.begin_run()
    kept = secrets.token_bytes(16)
    parts.rows.write_launches(old, [kept])
    parts.rows.begin_run()
    for write in (
        lambda: parts.rows.write_launches(old, [secrets.token_bytes(16)]),
        lambda: parts.rows.forget_launches(old, [kept]),
        lambda: parts.rows.publish(old, ONE_NODE),
        lambda: parts.rows.record(decision(old), 0, {"num_nodes": 2}),
        lambda: parts.rows.note(decision(old, minute=None)),
        lambda: parts.rows.keep_report(old, FleetReport(1.0, old, ())),
    ):
        with pytest.raises(SupersededError):
            write()
    assert [launch.intent for launch in parts.rows.launches()] == [kept]
    assert parts.maps.current() == fleet.EMPTY
    assert parts.decisions.latest(10) == []
    assert parts.settings.read(SETTINGS) == (0, {})
    assert parts.reports.last() is None


def test_a_launch_is_written_down_then_noted_then_forgotten(parts: Parts) -> None:
    run, intent = parts.rows.begin_run(), secrets.token_bytes(16)
    parts.rows.write_launches(run, [intent])
    parts.rows.write_launches(run, [intent])  # done twice: the answer to the first was lost
    (launch,) = parts.rows.launches()
    assert (launch.intent, launch.instance_id) == (intent, None)
    assert parts.rows.note_launched(intent, "i-9")
    parts.rows.begin_run()  # an instance that was asked for is noted by whoever asked, superseded or not
    assert parts.rows.note_launched(intent, "i-9")
    (launch,) = parts.rows.launches()
    assert launch.instance_id == "i-9"
    parts.rows.forget_launches(parts.rows.begin_run(), [intent, secrets.token_bytes(16)])
    assert parts.rows.launches() == []
    assert not parts.rows.note_launched(intent, "i-9")


def test_the_age_of_a_launch_is_by_the_clock_of_the_rows(parts: Parts) -> None:
    parts.rows.write_launches(parts.rows.begin_run(), [secrets.token_bytes(16)])
    before = parts.rows.launches()[0].age_seconds
    parts.pass_time(90)
    assert 90 <= parts.rows.launches()[0].age_seconds - before < 120


def test_a_map_is_published_on_the_version_before_it_only(parts: Parts) -> None:
    run = parts.rows.begin_run()
    assert parts.rows.publish(run, ONE_NODE)
    assert parts.rows.publish(run, ONE_NODE)  # done again, it answers as the first time
    assert parts.maps.current() == ONE_NODE
    other = replace(ONE_NODE, joined_at=(2000,))
    assert not parts.rows.publish(run, other)
    assert not parts.rows.publish(run, replace(ONE_NODE, version=ONE_NODE.version + 2))
    assert parts.maps.current() == ONE_NODE


def test_a_decision_and_its_target_are_stored_together_once(parts: Parts) -> None:
    run = parts.rows.begin_run()
    assert parts.rows.record(decision(run), 0, {"num_nodes": 2})
    assert parts.rows.record(decision(run), 0, {"num_nodes": 2})  # committed, its answer was lost
    (kept,) = parts.decisions.latest(10)
    given = decision(run)
    assert replace(kept, id=0, decided_at=given.decided_at) == given
    assert parts.rows.settings() == (1, {"num_nodes": 2})


def test_a_minute_that_another_run_decided_stays_decided(parts: Parts) -> None:
    assert parts.rows.record(decision(parts.rows.begin_run()), 0, {"num_nodes": 2})
    later = parts.rows.begin_run()
    assert not parts.rows.record(decision(later, target=7), 1, {"num_nodes": 7})
    assert parts.rows.settings() == (1, {"num_nodes": 2})
    assert [one.target for one in parts.decisions.latest(10)] == [2]


def test_a_decision_on_settings_that_changed_meanwhile_is_not_stored(parts: Parts) -> None:
    run = parts.rows.begin_run()
    parts.settings.write(SETTINGS, 0, {"mode": "manual"})
    assert not parts.rows.record(decision(run), 0, {"num_nodes": 2})
    assert parts.decisions.latest(10) == []
    assert parts.rows.record(decision(run), 1, None)
    assert parts.rows.settings() == (1, {"mode": "manual"})


def test_a_change_by_hand_is_stored_with_its_settings_or_not_at_all(parts: Parts) -> None:
    by_hand = decision(run=0, minute=None, target=5)
    assert parts.decisions.change_by_hand(by_hand, 0, {"num_nodes": 5})
    assert parts.decisions.change_by_hand(by_hand, 0, {"num_nodes": 5})  # done again: one entry
    assert not parts.decisions.change_by_hand(by_hand, 0, {"num_nodes": 6})
    assert parts.settings.read(SETTINGS) == (1, {"num_nodes": 5})
    assert [(one.minute, one.target) for one in parts.decisions.latest(10)] == [(None, 5)]
    assert parts.decisions.change_by_hand(replace(by_hand, target=6), 1, {"num_nodes": 6})
    assert [one.target for one in parts.decisions.latest(10)] == [6, 5]


def test_the_log_is_read_in_pages_latest_first_and_by_minute(parts: Parts) -> None:
    run = parts.rows.begin_run()
    for minute in range(MINUTE, MINUTE + 5):
        assert parts.rows.record(decision(run, minute), 0, None)
    first = parts.decisions.latest(2)
    assert [one.minute for one in first] == [MINUTE + 4, MINUTE + 3]
    rest = parts.decisions.latest(10, before_id=first[-1].id)
    assert [one.minute for one in rest] == [MINUTE + 2, MINUTE + 1, MINUTE]
    assert [one.minute for one in parts.decisions.since(MINUTE + 3)] == [MINUTE + 3, MINUTE + 4]
    assert [one.minute for one in parts.rows.log(MINUTE + 4)] == [MINUTE + 4]
    assert parts.rows.decided(MINUTE + 3) == {MINUTE + 3, MINUTE + 4}


def test_the_outcome_is_noted_at_its_minute(parts: Parts) -> None:
    run = parts.rows.begin_run()
    for minute in (MINUTE, MINUTE + 1):
        assert parts.rows.record(decision(run, minute), 0, None)
    parts.rows.note_outcome(MINUTE, "Two nodes were asked for.")
    assert [one.outcome for one in parts.decisions.latest(10)] == ["", "Two nodes were asked for."]


def test_what_is_noted_is_of_no_minute_and_changes_nothing_else(parts: Parts) -> None:
    run = parts.rows.begin_run()
    parts.rows.note(decision(run, minute=None, before=2, target=2))
    parts.decisions.note(decision(0, minute=None, before=2, target=2))
    assert [(one.minute, one.run) for one in parts.decisions.latest(10)] == [(None, 0), (None, run)]
    assert parts.rows.changed_at() is None
    assert parts.rows.settings() == (0, {})
    assert parts.decisions.since(0) == []


def test_holds_do_not_count_as_changes(parts: Parts) -> None:
    run = parts.rows.begin_run()
    assert parts.rows.changed_at() is None
    assert parts.rows.record(decision(run, MINUTE, before=1, target=2), 0, None)
    parts.pass_time(600)
    assert parts.rows.record(decision(run, MINUTE + 1, before=2, target=2), 0, None)
    changed, held = parts.rows.changed_at(), parts.decisions.latest(1)[0].decided_at
    assert changed is not None and 590 < (held - changed).total_seconds() < 700


def test_decisions_are_kept_for_as_many_days_as_said(parts: Parts) -> None:
    run = parts.rows.begin_run()
    assert parts.rows.record(decision(run, MINUTE), 0, None)
    parts.pass_time(2 * DAY)
    assert parts.rows.record(decision(run, MINUTE + 1), 0, None)
    parts.pass_time(89 * DAY)
    parts.rows.prune(90)
    assert [one.minute for one in parts.decisions.latest(10)] == [MINUTE + 1]


def test_the_last_report_is_read_as_it_was_kept(parts: Parts) -> None:
    run = parts.rows.begin_run()
    assert parts.reports.last() is None
    report = FleetReport(12.5, run, (NodeReport("i-1", "10.0.0.1", SERVING, True, "", 3.0),), ("EC2 refused.",))
    parts.rows.keep_report(run, report)
    assert parts.reports.last() == report


def test_of_runs_that_begin_at_once_only_the_last_writes(parts: Parts) -> None:
    start, runs, stored = threading.Barrier(6), [], []
    lock = threading.Lock()

    def run() -> None:
        start.wait(20)
        number = parts.rows.begin_run()
        with lock:
            runs.append(number)
        try:
            if parts.rows.record(decision(number), 0, {"num_nodes": 2}):
                stored.append(number)
        except SupersededError:
            return

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(set(runs)) == 6
    assert len(stored) == 1
    assert len(parts.decisions.latest(10)) == 1
