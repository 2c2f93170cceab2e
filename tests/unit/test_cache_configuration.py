import pytest

from chalicelib.domain.accounts import Principal
from chalicelib.domain.cache_settings import DEFAULTS, CacheSettings
from chalicelib.domain.errors import InvalidValueError, OverloadedError
from chalicelib.services.cache_configuration import BY_HAND, WRITE_ATTEMPTS
from tests.fakes import MemoryParts

ALICE = Principal("alice", admin=True)
WRITE = "decisions.change_by_hand"


def change(parts: MemoryParts, **given: str) -> CacheSettings:
    return parts.services().cache_configuration.change(ALICE, lambda settings: given)[1]


def test_settings_nobody_changed_are_the_defaults() -> None:
    assert MemoryParts().services().cache_configuration.current() == DEFAULTS


def test_a_change_is_kept() -> None:
    parts = MemoryParts()
    after = change(parts, mode="auto", numNodes="4")
    assert (after.mode, after.num_nodes) == ("auto", 4)
    assert parts.services().cache_configuration.current() == after


def test_a_change_is_logged_with_who_made_it_and_what_it_was() -> None:
    parts = MemoryParts()
    change(parts, numNodes="4", maxMiss="0.7")
    (decision,) = parts.decisions.latest(10)
    assert (decision.minute, decision.run, decision.rule) == (None, 0, BY_HAND)
    assert (decision.before, decision.target) == (2, 4)
    assert decision.reason == "alice changed numNodes from 2 to 4, maxMiss from 0.8 to 0.7."
    assert decision.settings is not None
    assert decision.settings["num_nodes"] == 4


def test_a_wrong_value_changes_nothing() -> None:
    parts = MemoryParts()
    with pytest.raises(InvalidValueError):
        change(parts, mode="auto", numNodes="99")
    assert parts.services().cache_configuration.current() == DEFAULTS
    assert WRITE not in parts.steps.taken


def test_a_change_of_nothing_writes_nothing() -> None:
    parts = MemoryParts()
    assert change(parts, mode="manual") == DEFAULTS
    assert WRITE not in parts.steps.taken
    assert parts.decisions.latest(1) == []


def test_two_changes_at_once_are_both_kept_and_logged() -> None:
    parts = MemoryParts()

    def another_is_first() -> None:
        change(parts, numNodes="5")

    parts.steps.before(WRITE, another_is_first)
    after = change(parts, mode="auto")
    assert (after.mode, after.num_nodes) == ("auto", 5)
    assert parts.services().cache_configuration.current() == after
    assert [decision.target for decision in parts.decisions.latest(10)] == [5, 5]


def test_a_change_that_is_always_overtaken_is_told_as_such() -> None:
    parts = MemoryParts()
    taken = 0

    def overtake() -> None:
        nonlocal taken
        taken += 1
        version, _ = parts.store.settings.get("cache", (0, {}))
        parts.store.settings["cache"] = (version + 1, {"capacity_mb": taken})
        parts.steps.before(WRITE, overtake)

    parts.steps.before(WRITE, overtake)
    with pytest.raises(OverloadedError):
        change(parts, mode="auto")
    assert taken == WRITE_ATTEMPTS
    assert parts.decisions.latest(1) == []
