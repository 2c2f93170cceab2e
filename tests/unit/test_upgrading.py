"""What an upgrade does next, from the migrations, the releases and the time."""

import random
from dataclasses import replace

import pytest

from ops.aws.errors import OperatorError
from ops.aws.releases import Release, Releases, UnderWay, as_document, from_document
from ops.aws.upgrading import LAST_REQUEST_SECONDS, Step, plan_of_contract, plan_of_return, plan_of_upgrade

FIRST = Release("1-aa", ("0001_a",), since=0.0)
SECOND = Release("2-bb", ("0001_a", "0002_b", "0003_contract_a"), ("0003_contract_a",))
THIRD = Release("3-cc", (*SECOND.migrations, "0004_c"), SECOND.contracts)
NOW = 10_000.0
WHOLE = (Step.BEFORE, Step.SNAPSHOT, Step.EXPAND, Step.SWITCH, Step.AFTER)


def test_an_upgrade_expands_before_it_switches_and_leaves_what_contracts() -> None:
    plan = plan_of_upgrade(Releases(FIRST), SECOND, {"0001_a"}, NOW)
    assert (plan.steps, plan.expand, plan.contract, plan.later) == (WHOLE, ("0002_b",), (), ("0003_contract_a",))


def test_the_next_upgrade_first_contracts_for_the_release_that_runs() -> None:
    running = Releases(replace(SECOND, since=0.0), FIRST, borne=frozenset({"0001_a", "0002_b"}))
    plan = plan_of_upgrade(running, THIRD, {"0001_a", "0002_b"}, NOW)
    assert plan.steps == (Step.BEFORE, Step.SNAPSHOT, Step.CONTRACT, Step.EXPAND, Step.SWITCH, Step.AFTER)
    assert (plan.contract, plan.expand, plan.later) == (("0003_contract_a",), ("0004_c",), ())


def test_nothing_contracts_while_requests_of_an_older_release_may_run() -> None:
    running = Releases(replace(SECOND, since=NOW - LAST_REQUEST_SECONDS + 1), FIRST)
    applied = {"0001_a", "0002_b"}
    for plan, to in ((plan_of_upgrade, THIRD), (plan_of_contract, SECOND)):
        with pytest.raises(OperatorError, match="for 1 s yet"):
            plan(running, to, applied, NOW)
        assert plan(running, to, applied, NOW + 1).contract == ("0003_contract_a",)


def test_without_migrations_only_the_functions_are_switched() -> None:
    other = replace(FIRST, name="1-dd")
    plan = plan_of_upgrade(Releases(FIRST), other, {"0001_a"}, NOW)
    assert plan.steps == (Step.BEFORE, Step.SNAPSHOT, Step.SWITCH, Step.AFTER)
    assert plan_of_upgrade(Releases(FIRST), FIRST, {"0001_a"}, NOW).steps == ()


@pytest.mark.parametrize("number", range(1, 4))
def test_it_goes_on_after_the_steps_that_are_done(number: int) -> None:
    steps = (Step.SNAPSHOT, Step.EXPAND, Step.SWITCH)
    under_way = UnderWay(SECOND, tuple(step.name for step in steps[:number]))
    applied = {"0001_a", *(("0002_b",) if number >= 2 else ())}
    releases = Releases(FIRST, None, under_way, frozenset({"0001_a", "0002_b"}))
    assert plan_of_upgrade(releases, SECOND, applied, NOW).steps == (*steps[number:], Step.AFTER)


def test_a_return_that_was_begun_is_ended_first() -> None:
    releases = Releases(FIRST, None, UnderWay(SECOND, ("SNAPSHOT", "EXPAND", "SWITCH"), goes_back="it answered 500"))
    for code in (FIRST, SECOND, THIRD):
        assert plan_of_upgrade(releases, code, {"0001_a", "0002_b"}, NOW).steps == (Step.BACK, Step.AFTER_BACK)


def test_another_code_does_not_go_on_with_an_upgrade() -> None:
    with pytest.raises(OperatorError, match="An upgrade to 2-bb is under way; this code is 3-cc"):
        plan_of_upgrade(Releases(FIRST, None, UnderWay(SECOND)), THIRD, {"0001_a"}, NOW)


def test_without_the_package_of_what_runs_it_is_asked_for_in_words() -> None:
    with pytest.raises(OperatorError, match="no way back"):
        plan_of_upgrade(Releases(), SECOND, {"0001_a"}, NOW)
    plan = plan_of_upgrade(Releases(), SECOND, {"0001_a"}, NOW, without_way_back=True)
    assert plan.steps == WHOLE
    assert plan_of_upgrade(Releases(under_way=UnderWay(SECOND)), SECOND, {"0001_a"}, NOW).steps == WHOLE[1:]


def test_an_older_code_is_no_upgrade_of_a_newer_database() -> None:
    with pytest.raises(OperatorError, match="newer than this code: it has the migration 0009_z"):
        plan_of_upgrade(Releases(FIRST), SECOND, {"0001_a", "0009_z"}, NOW)
    borne = Releases(FIRST, borne=frozenset({"0009_z"}))
    assert plan_of_upgrade(borne, SECOND, {"0001_a", "0009_z"}, NOW).expand == ("0002_b",)


def test_the_way_back_is_there_once_and_never_after_contracting() -> None:
    releases = Releases(FIRST).switched(SECOND, 50.0)
    assert plan_of_return(releases).steps == (Step.BACK, Step.AFTER_BACK)
    back = releases.gone_back(60.0)
    assert back.running == replace(FIRST, since=60.0)
    for none in (back, releases.contracted(), Releases(), Releases(under_way=UnderWay(SECOND))):
        with pytest.raises(OperatorError, match="no way back"):
            plan_of_return(none)


def test_what_contracts_is_left_to_the_code_that_runs() -> None:
    releases = Releases(replace(SECOND, since=0.0), FIRST)
    assert plan_of_contract(releases, SECOND, SECOND.migrations, NOW).steps == ()
    plan = plan_of_contract(releases, SECOND, {"0001_a", "0002_b"}, NOW)
    assert plan.steps == (Step.BEFORE, Step.SNAPSHOT, Step.CONTRACT, Step.AFTER)
    with pytest.raises(OperatorError, match="This code is 3-cc; the release that runs is 2-bb"):
        plan_of_contract(releases, THIRD, {"0001_a"}, NOW)
    with pytest.raises(OperatorError, match="under way"):
        plan_of_contract(replace(releases, under_way=UnderWay(THIRD)), SECOND, {"0001_a"}, NOW)


def test_any_sequence_of_upgrades_and_returns_keeps_what_an_older_release_bears() -> None:
    """Whatever runs, or may be gone back to, never meets a migration that contracts for a newer one."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(200):
        releases, applied, code, now, number = Releases(FIRST), {"0001_a"}, FIRST, 0.0, 1
        for _ in range(12):
            now += 1000.0
            if chance.random() < 0.5:
                number += 1
                added = (f"{number:04}_x", *((f"{number:04}_contract_x",) if chance.random() < 0.6 else ()))
                code = Release(f"{number}", (*code.migrations, *added), (*code.contracts, *added[1:]))
                plan = plan_of_upgrade(releases, code, applied, now)
                releases = (releases.contracted() if plan.contract else releases).bearing(plan.expand)
                applied |= {*plan.applied}
                if chance.random() < 0.7:
                    releases = releases.switched(code, now)
            elif releases.before is not None and chance.random() < 0.7:
                releases = releases.gone_back(now)
            elif releases.running == code:
                plan = plan_of_contract(releases, code, applied, now)
                releases = releases.contracted() if plan.contract else releases
                applied |= {*plan.applied}
            for one in (releases.running, releases.before):
                foreign = {name for name in applied if one is not None and name not in one.migrations}
                assert not any("contract" in name for name in foreign)
                assert foreign <= releases.borne


def test_a_document_comes_back_as_it_was() -> None:
    under_way = UnderWay(THIRD, ("SNAPSHOT",), "before-3", "it answered 500")
    for releases in (Releases(), Releases(SECOND, FIRST, under_way, frozenset({"0001_a", "0002_b"}))):
        assert from_document(as_document(releases)) == releases
    assert from_document(None) == Releases()
    assert Releases(SECOND, FIRST, under_way).kept() == {"1-aa", "2-bb", "3-cc"}
