"""Lanes of tests side by side: what failed runs once more, alone."""

from pathlib import Path

import pytest

from tests import side_by_side

PASSES = "def test_it() -> None:\n    pass\n"
FAILS = "def test_it() -> None:\n    assert False\n"
PASSES_AT_THE_SECOND_TRY = """
from pathlib import Path

def test_it() -> None:
    tried = Path(__file__).with_suffix(".test_it")
    tried_before = tried.exists()
    tried.touch()
    assert tried_before
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return tmp_path


def _lanes(folder: Path, *sources: str) -> list[list[str]]:
    names = [f"test_lane_{number}.py" for number in range(len(sources))]
    for name, source in zip(names, sources, strict=True):
        (folder / name).write_text(source)
    return [[name] for name in names]


@pytest.mark.parametrize(
    ("sources", "code"),
    [
        ((PASSES, ""), 0),
        ((PASSES, FAILS), 1),
        ((PASSES, PASSES_AT_THE_SECOND_TRY), 0),
        ((PASSES_AT_THE_SECOND_TRY, FAILS), 1),
        ((PASSES_AT_THE_SECOND_TRY, "no Python at all"), 2),
    ],
)
def test_a_test_that_fails_twice_fails_the_run(folder: Path, sources: tuple[str, ...], code: int) -> None:
    assert side_by_side.run(_lanes(folder, *sources)) == code


def test_more_failures_than_may_be_chance_are_not_tried_again(folder: Path) -> None:
    several = "\n".join(PASSES_AT_THE_SECOND_TRY.replace("test_it", f"test_{number}") for number in range(6))
    assert side_by_side.LOOKED_AT_AGAIN < 6
    assert side_by_side.run(_lanes(folder, several)) == 1
