import pytest

from chalicelib.domain.cache_settings import DEFAULTS
from chalicelib.domain.errors import InvalidValueError, OverloadedError
from chalicelib.services.cache_configuration import WRITE_ATTEMPTS
from tests.fakes import MemoryParts


def test_settings_nobody_changed_are_the_defaults() -> None:
    assert MemoryParts().services().cache_configuration.change({}) == DEFAULTS


def test_a_change_is_kept() -> None:
    parts = MemoryParts()
    after = parts.services().cache_configuration.change({"mode": "auto", "numNodes": "4"})
    assert (after.mode, after.num_nodes) == ("auto", 4)
    assert parts.services().cache_configuration.change({}) == after


def test_a_wrong_value_changes_nothing() -> None:
    parts = MemoryParts()
    configuration = parts.services().cache_configuration
    with pytest.raises(InvalidValueError):
        configuration.change({"mode": "auto", "numNodes": "99"})
    assert configuration.change({}) == DEFAULTS
    assert "settings.write" not in parts.steps.taken


def test_a_change_of_nothing_writes_nothing() -> None:
    parts = MemoryParts()
    assert parts.services().cache_configuration.change({"mode": "manual"}) == DEFAULTS
    assert "settings.write" not in parts.steps.taken


def test_two_changes_at_once_are_both_kept() -> None:
    parts = MemoryParts()
    configuration = parts.services().cache_configuration

    def another_is_first() -> None:
        configuration.change({"numNodes": "5"})

    parts.steps.before("settings.write", another_is_first)
    after = configuration.change({"mode": "auto"})
    assert (after.mode, after.num_nodes) == ("auto", 5)
    assert configuration.change({}) == after


def test_a_change_that_is_always_overtaken_is_told_as_such() -> None:
    parts = MemoryParts()
    configuration, taken = parts.services().cache_configuration, 0

    def overtake() -> None:
        nonlocal taken
        taken += 1
        version, _ = parts.store.settings.get("cache", (0, {}))
        parts.store.settings["cache"] = (version + 1, {"capacity_mb": taken})
        parts.steps.before("settings.write", overtake)

    parts.steps.before("settings.write", overtake)
    with pytest.raises(OverloadedError):
        configuration.change({"mode": "auto"})
    assert taken == WRITE_ATTEMPTS
