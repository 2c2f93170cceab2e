"""The long proofs of bench/, small."""

import os
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from bench.proofs import (
    acknowledged_uploads,
    cross_user,
    five_times,
    killed_parts,
    no_stale_read,
    read_your_writes,
    resize_without_dip,
    scaler_rounds,
)
from bench.proofs.persistent_uploader import DOORS
from chalicelib.adapters.mysql import image_lists
from chalicelib.domain.assignments import ALTERNATING, MINIMAL_MOVE
from chalicelib.domain.list_sources import ListSource
from tests.contract.real_parts import MariaDb, state_folder

ROUNDS = 2


def _seed() -> int:
    seed = int(os.environ.get("PROOF_SEED", secrets.randbelow(1_000_000)))
    print(f"PROOF_SEED={seed}")
    return seed


@pytest.mark.parametrize("assignment", [ALTERNATING, MINIMAL_MOVE])
def test_a_resize_makes_no_dip(assignment: str) -> None:
    result = resize_without_dip.run_round(assignment, _seed(), print, resize_without_dip.SMALL)
    assert result.errors == 0
    for step in result.of():
        assert step.worst <= step.limit, str(step)  # speed is left to the full size: here others run beside it
        assert step.worst_cold > 1.2, "moved cold there is a dip, so the measure sees one"


def test_runs_at_once_and_runs_that_are_killed_leave_the_fleet_whole(tmp_path: Path) -> None:
    maria, seed, result = MariaDb(state_folder(tmp_path)), _seed(), scaler_rounds.RoundResult()
    try:
        scaler_rounds.at_once(maria, seed, 4, result)
        scaler_rounds.killed_everywhere(maria, seed, result, stride=12)
    finally:
        while maria.databases:
            maria.databases.pop().close()
        maria.server.kill()
    assert result.wrong == []
    assert result.rounds > 0 < result.kills


def test_no_read_is_stale_while_the_fleet_is_resized_killed_and_stopped(tmp_path: Path) -> None:
    result = no_stale_read.run_round(tmp_path / "cloud", _seed(), 15.0, print)
    assert result.wrong == []
    assert result.reads > 0 < result.writes


def test_a_list_shows_each_write_at_once_though_the_replica_is_seconds_behind(tmp_path: Path) -> None:
    size = read_your_writes.SMALL
    result = read_your_writes.run_round(tmp_path / "cloud", _seed(), print, size)
    assert (result.violations, result.stale) == ([], [])
    assert result.rounds == size.writes
    assert result.quiet_rounds > 0 < result.by_replica, "the replica gave lists"
    assert result.behind > size.writes / 2
    assert result.waited_seconds > size.delay_seconds - 1.5, "it was behind by as much as it was told"


def test_the_measure_sees_lists_of_a_replica_that_is_believed_without_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_lists, "source_of", lambda needed, shown: ListSource.REPLICA)
    size = replace(read_your_writes.SMALL, writes=12, quiet=6)
    assert read_your_writes.run_round(tmp_path / "cloud", _seed(), print, size).violations


def test_no_acknowledged_upload_is_lost_when_everything_is_killed(tmp_path: Path) -> None:
    first_seed = _seed()
    results = [acknowledged_uploads.run_round(tmp_path / "cloud", first_seed + n, print) for n in range(ROUNDS)]
    assert [result.lost for result in results] == [[]] * ROUNDS
    assert [result.wrong_answers for result in results] == [[]] * ROUNDS
    assert sum(result.acknowledged for result in results) > 0


def test_every_acknowledged_upload_outlives_a_kill_of_each_part_and_nothing_dangles(tmp_path: Path) -> None:
    result = killed_parts.run_round(tmp_path / "cloud", _seed(), print, killed_parts.SMALL)
    assert result.wrong == []
    assert set(result.acknowledged) == set(DOORS)
    assert len(result.kills) == len(killed_parts.VICTIMS)
    assert result.rendered >= 2 * result.looked_at > 0


def test_each_event_and_message_five_times_makes_each_image_once(tmp_path: Path) -> None:
    result = five_times.run_round(tmp_path / "cloud", _seed(), print, five_times.SMALL)
    assert result.wrong == []
    assert result.images == five_times.SMALL.images
    assert result.jobs_sent > 4 * result.images


def test_nobody_is_shown_anything_of_anybody_else_s(tmp_path: Path) -> None:
    result = cross_user.run_round(tmp_path, _seed(), 1500, print)
    assert result.wrong == []
    assert min(result.from_nodes, result.renditions, result.by_address, result.refused) > 0
