"""SettingsRows: the same suite over the fake and over MySQL."""

import threading

import pytest

from chalicelib.adapters.mysql.settings_rows import MySqlSettingsRows
from chalicelib.domain.ports import SettingsRows
from tests.fakes import MemorySettingsRows, MemoryStore


@pytest.fixture(params=["memory", "mysql"])
def settings(request: pytest.FixtureRequest) -> SettingsRows:
    if request.param == "memory":
        return MemorySettingsRows(MemoryStore())
    return MySqlSettingsRows(request.getfixturevalue("database"))


def test_what_was_never_stored_is_version_0_and_empty(settings: SettingsRows) -> None:
    assert settings.read("cache") == (0, {})


def test_what_was_written_is_read_with_the_next_version(settings: SettingsRows) -> None:
    assert settings.write("cache", 0, {"mode": "auto", "num_nodes": 3, "max_miss": 0.8})
    assert settings.read("cache") == (1, {"mode": "auto", "num_nodes": 3, "max_miss": 0.8})
    assert settings.write("cache", 1, {"mode": "manual"})
    assert settings.read("cache") == (2, {"mode": "manual"})


def test_names_are_apart(settings: SettingsRows) -> None:
    settings.write("cache", 0, {"a": 1})
    assert settings.read("other") == (0, {})


@pytest.mark.parametrize("expected_version", [0, 1, 3])
def test_a_write_on_another_version_changes_nothing(settings: SettingsRows, expected_version: int) -> None:
    settings.write("cache", 0, {"a": 1})
    settings.write("cache", 1, {"a": 2})
    assert not settings.write("cache", expected_version, {"a": 3})
    assert settings.read("cache") == (2, {"a": 2})


def test_a_write_done_again_answers_as_the_first_time(settings: SettingsRows) -> None:
    assert settings.write("cache", 0, {"a": 1})
    assert settings.write("cache", 0, {"a": 1})
    assert settings.read("cache") == (1, {"a": 1})


@pytest.mark.parametrize("first_version", [0, 1])
def test_of_writes_at_once_one_wins(settings: SettingsRows, first_version: int) -> None:
    if first_version:
        settings.write("cache", 0, {"writer": -1})
    start, won = threading.Barrier(6), []

    def write(number: int) -> None:
        start.wait(20)
        if settings.write("cache", first_version, {"writer": number}):
            won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(won) == 1
    assert settings.read("cache") == (first_version + 1, {"writer": won[0]})
