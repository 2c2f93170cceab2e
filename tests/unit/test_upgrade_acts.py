"""An upgrade that is killed at each of its acts and given again ends as if it had not been."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from ops.aws import upgrade_acts
from ops.aws.environment import Environment
from ops.aws.errors import OperatorError
from ops.aws.releases import Release, Releases, as_document, from_document
from ops.aws.upgrade_acts import Upgrade
from ops.aws.upgrading import Step, plan_of_contract, plan_of_return, plan_of_upgrade
from ops.migration_kinds import Kind

FIRST = Release("1-aa", ("0001_a",))
SECOND = Release("2-bb", ("0001_a", "0002_b", "0003_contract_a"), ("0003_contract_a",))
KINDS = {"0001_a": Kind.EXPAND, "0002_b": Kind.EXPAND, "0003_contract_a": Kind.CONTRACT}
NOW = 10_000.0


class KilledError(BaseException):
    """As by kill -9: nothing catches it."""


@dataclass
class World:
    """An environment in memory. It dies before or after the act with the number `dies_at`, counted from 0."""

    document: Any = field(default_factory=lambda: as_document(Releases(FIRST)))
    applied: set[str] = field(default_factory=lambda: {"0001_a"})
    deployed: str = "1-aa"
    packages: set[str] = field(default_factory=lambda: {"1-aa"})
    fails: frozenset[str] = frozenset()  # releases that do not pass the test
    snapshots: list[str] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    dies_at: int = -1
    name: str = "blue"

    def act(self, words: str, done: Callable[[], object]) -> None:
        if self.dies_at == 2 * len(self.acts):
            raise KilledError
        done()
        if self.dies_at == 2 * len(self.acts) + 1:
            raise KilledError
        self.acts.append(words)

    def releases(self, _told: object) -> Releases:
        return from_document(self.document)

    def change_releases(self, told: object, change: Callable[[Releases], Releases]) -> Releases:
        after = change(self.releases(told))
        self.act("write", lambda: setattr(self, "document", as_document(after)))
        return after

    def packages_(self, _told: object) -> "World":
        return self

    def forget_all_but(self, names: Collection[str]) -> None:
        self.act("forget", lambda: self.packages.intersection_update(names))

    def fetch(self, name: str, _target: Path) -> None:
        assert name in self.packages
        self.act("fetch", lambda: setattr(self, "deployed", name))

    def functions_of(self, _told: object) -> "World":
        return self

    def deploy_again(self, fetch: Callable[[Path], None]) -> None:
        fetch(Path("/nowhere"))

    def deploy_functions(self, _told: object, release: Release) -> None:
        assert set(release.migrations) - set(release.contracts) <= self.applied  # what it needs is there

        def deploy() -> None:
            self.packages.add(release.name)
            self.deployed = release.name

        self.act("deploy", deploy)

    def bring_up(self, _told: Mapping[str, str], *, but: Collection[str], borne: Collection[str]) -> list[str]:
        wanted = sorted(KINDS.keys() - set(but) - self.applied)
        assert self.applied <= KINDS.keys() | set(borne)
        if any(KINDS[name] is Kind.CONTRACT for name in wanted):
            assert (self.deployed, self.releases({}).before) == ("2-bb", None)
        self.act("migrate", lambda: self.applied.update(wanted))
        return wanted

    def test(self) -> None:
        self.act("test", lambda: None)
        if self.deployed in self.fails:
            raise OperatorError(f"{self.deployed} answers 500.")

    def upgrade(self) -> Upgrade:
        return Upgrade(
            cast(Environment, _Named(self)),
            {},
            lambda _line: None,
            self.test,
            lambda name: self.act("snapshot", lambda: self.snapshots.append(name)),
        )


class _Named:
    """The world under the environment's names; `packages` is a method there."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, "packages_" if name == "packages" else name)


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade_acts, "kinds_in", lambda _folder: KINDS)


def given(world: World) -> str:
    """`upgrade` with the second release's code; why it went back, if it did."""
    plan = plan_of_upgrade(world.releases({}), SECOND, world.applied, NOW)
    if Step.BACK in plan.steps:
        world.upgrade().back()
        return "went back"
    return world.upgrade().towards(plan, SECOND) if plan.steps else ""


def killed_at_each_act(make: Callable[[], World], give: Callable[[World], object]) -> list[World]:
    """The worlds after a kill at each act and the same command once more."""
    whole = make()
    give(whole)
    ended = []
    for number in range(2 * len(whole.acts)):
        world = make()
        world.dies_at = number
        with pytest.raises(KilledError):
            give(world)
        world.dies_at, world.acts = -1, []
        give(world)
        ended.append(world)
    assert len(ended) > 6
    return ended


def test_an_upgrade_killed_anywhere_is_ended_by_the_same_command() -> None:
    worlds = killed_at_each_act(World, given)
    for world in worlds:
        releases = world.releases({})
        assert (world.deployed, world.applied) == ("2-bb", {"0001_a", "0002_b"})
        assert releases.running is not None
        assert releases.before is not None
        assert (releases.running.name, releases.before.name, releases.under_way) == ("2-bb", "1-aa", None)
        assert world.packages == {"1-aa", "2-bb"}
        assert (len(set(world.snapshots)), set(releases.borne)) == (1, {"0002_b"})
    assert sum(len(world.snapshots) == 2 for world in worlds) == 2  # killed after it, and before that was written down


def test_a_release_that_fails_is_gone_back_from_wherever_that_is_killed() -> None:
    worlds = killed_at_each_act(lambda: World(fails=frozenset({"2-bb"})), given)
    for world in worlds:
        releases = world.releases({})
        if releases.under_way is not None:  # killed before it was known to fail, or given again after it had gone back
            given(world)
            releases = world.releases({})
        assert (world.deployed, releases.under_way) == ("1-aa", None)
        assert releases.running is not None
        assert releases.running.name == "1-aa"
        assert "0003_contract_a" not in world.applied


def test_the_way_back_killed_anywhere_is_ended_by_the_same_command() -> None:
    def upgraded() -> World:
        world = World()
        given(world)
        world.acts = []
        return world

    def back(world: World) -> None:
        if world.releases({}).before is not None:  # else it was written down already
            assert plan_of_return(world.releases({})).steps == (Step.BACK, Step.AFTER_BACK)
            world.upgrade().back()

    for world in killed_at_each_act(upgraded, back):
        releases = world.releases({})
        assert (world.deployed, releases.before) == ("1-aa", None)
        assert releases.running is not None
        assert releases.running.name == "1-aa"
        assert world.applied == {"0001_a", "0002_b"}


def test_contracting_closes_the_way_back_before_it_begins() -> None:
    world = World()
    given(world)
    before = Releases(Release("2-bb", SECOND.migrations, SECOND.contracts, 0.0), FIRST)
    world.document = as_document(before)
    plan = plan_of_contract(world.releases({}), SECOND, world.applied, NOW)
    world.upgrade().contract(plan)  # `bring_up` asserts it
    assert "0003_contract_a" in world.applied
    with pytest.raises(OperatorError, match="no way back"):
        plan_of_return(world.releases({}))


def test_what_does_not_pass_before_is_not_upgraded() -> None:
    world = World(fails=frozenset({"1-aa"}))
    with pytest.raises(OperatorError, match="could not be told whether the new release is worse"):
        given(world)
    assert (world.acts, world.releases({}).under_way) == (["test"], None)
