"""However the local cloud ends, no process is left, and what is not its own is not touched."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.local.processes import PART_MARK, STATE_MARK, started_ticks
from tests.local_cloud import PROJECT, RUN, LocalCloud, until


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    running = LocalCloud(tmp_path / "state").start()
    assert until(lambda: sum(one.part.startswith("node ") for one in running.pids()) == 2, timeout_seconds=30)
    yield running
    running.stop()


def make_stop(state_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.stop"],
        cwd=PROJECT,
        env={**os.environ, "STATE_DIR": str(state_dir)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_everything_in_order(cloud: LocalCloud, number: signal.Signals) -> None:
    cloud.send(number)
    assert cloud.wait(timeout_seconds=120) == 0
    assert cloud.pids() == []
    assert cloud.said[-1] == "Stopped."
    assert "Shutdown complete" in cloud.state.log("mariadb").read_text(encoding="utf-8", errors="replace")


def test_a_second_signal_does_not_break_the_stop(cloud: LocalCloud) -> None:
    for _ in range(3):
        cloud.send(signal.SIGINT)
    assert cloud.wait(timeout_seconds=120) == 0
    assert cloud.pids() == []


def test_after_a_kill_of_the_parent_nothing_is_left(cloud: LocalCloud) -> None:
    os.kill(cloud.pid(RUN), signal.SIGKILL)
    cloud.wait(timeout_seconds=10)
    assert cloud.left(timeout_seconds=10) == []
    assert make_stop(cloud.state.root).stdout == "Not running.\n"
    cloud.start()  # and the folder is as good as before


def test_after_a_kill_of_everything_it_starts_again(cloud: LocalCloud) -> None:
    cloud.kill_everything()
    cloud.start()


def test_a_signal_during_the_start_ends_it(tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path / "state")
    with pytest.raises(AssertionError, match="did not start"):
        cloud.start(timeout_seconds=0.5)
    cloud.send(signal.SIGTERM)
    assert cloud.wait(timeout_seconds=60) in (0, -signal.SIGTERM)  # the latter if it had hardly begun
    assert cloud.pids() == []


def test_make_stop_works_from_another_terminal(cloud: LocalCloud) -> None:
    done = make_stop(cloud.state.root)
    assert (done.returncode, done.stdout) == (0, "Stopped.\n")
    assert cloud.wait(timeout_seconds=10) == 0
    assert cloud.pids() == []
    assert make_stop(cloud.state.root).stdout == "Not running.\n"


def test_make_stop_without_a_state_folder_makes_none(tmp_path: Path) -> None:
    assert make_stop(tmp_path / "none").stdout == "Not running.\n"
    assert not (tmp_path / "none").exists()


def test_make_stop_ends_leftovers_and_only_those(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    sleeper = ["sleep", "300"]
    ours = subprocess.Popen(sleeper, env={**os.environ, STATE_MARK: str(tmp_path / "state"), PART_MARK: "web"})
    others = [
        subprocess.Popen(sleeper),
        subprocess.Popen(sleeper, env={**os.environ, STATE_MARK: str(tmp_path / "state2"), PART_MARK: "web"}),
    ]
    try:
        done = make_stop(tmp_path / "state")
        assert done.stdout == "Ended 1 processes left by a run that was killed.\n"
        assert ours.wait(10) == -signal.SIGKILL
        assert all(started_ticks(other.pid) is not None for other in others)
    finally:
        for process in (ours, *others):
            process.kill()
            process.wait(10)


def test_leftovers_are_ended_by_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    marked = {**os.environ, STATE_MARK: str(tmp_path / "state"), PART_MARK: "web"}
    left = subprocess.Popen(["sleep", "300"], env=marked)
    cloud = LocalCloud(tmp_path / "state", parts=frozenset({"moto"}))
    try:
        cloud.start()
        assert left.wait(10) == -signal.SIGKILL
        assert "Ended 1 processes left by a run that was killed." in cloud.said
    finally:
        cloud.stop()
        left.kill()
        left.wait(10)
