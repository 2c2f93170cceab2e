"""The steps of an upgrade, done. Each writes down that it was, so that the same command goes on after it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ops.aws import snapshots
from ops.aws.environment import Environment
from ops.aws.errors import OperatorError
from ops.aws.releases import Release, Releases, UnderWay
from ops.aws.upgrading import Plan, Step
from ops.migrate import MIGRATIONS
from ops.migration_kinds import Kind, kinds_in


@dataclass
class Upgrade:
    """Of one environment, by one command. `test` raises OperatorError if what is deployed does not serve as it should,
    `snapshot` keeps the database as it is, under a name, and may be done again under the same.
    """

    environment: Environment
    told: Mapping[str, str]
    say: Callable[[str], None]
    test: Callable[[], None]
    snapshot: Callable[[str], None]

    def towards(self, plan: Plan, to: Release) -> str:
        """Takes the steps; empty once `to` serves, else why it does not: what served before serves again then."""
        for number, step in enumerate(plan.steps, 1):
            self.say(f"step {number} of {len(plan.steps)}: {step}")
            if step is Step.BEFORE:
                self._test_before()
            elif step is Step.AFTER:
                try:
                    self.test()
                except OperatorError as error:
                    return self._fallen_back(str(error))
            else:
                self._begin(to)
                self._take(step, plan, to)
        releases = self._change(lambda found: found.switched(to, time.time()))
        self.environment.packages(self.told).forget_all_but(releases.kept())
        return ""

    def back(self) -> str:
        """The name of the release that serves again."""
        found = self.environment.releases(self.told)
        to = found.running if found.under_way else found.before
        assert to is not None  # noqa: S101  # it was decided so
        self.say(f"{Step.BACK}: to {to.name}")
        packages = self.environment.packages(self.told)
        self.environment.functions_of(self.told).deploy_again(lambda folder: packages.fetch(to.name, folder))
        releases = self._change(lambda found: found.stayed() if found.under_way else found.gone_back(time.time()))
        packages.forget_all_but(releases.kept())
        self.say(f"{Step.AFTER_BACK}")
        self.test()
        return to.name

    def contract(self, plan: Plan) -> None:
        """What contracts of the release that runs; no way leads back afterwards."""
        for number, step in enumerate(plan.steps, 1):
            self.say(f"step {number} of {len(plan.steps)}: {step}")
            if step in {Step.BEFORE, Step.AFTER}:
                self.test()
            elif step is Step.SNAPSHOT:
                self.snapshot(snapshots.snapshot_name(self.environment.name, "contracting", time.time()))
            else:
                self._contract(plan)

    def _begin(self, to: Release) -> None:
        def begun(found: Releases) -> Releases:
            if found.under_way is not None:
                return found
            name = snapshots.snapshot_name(self.environment.name, to.name, time.time())
            return replace(found, under_way=UnderWay(to, (), name))

        self._change(begun)

    def _take(self, step: Step, plan: Plan, to: Release) -> None:
        match step:
            case Step.SNAPSHOT:
                under_way = self.environment.releases(self.told).under_way
                assert under_way is not None  # noqa: S101  # it was begun
                self.snapshot(under_way.snapshot)
            case Step.CONTRACT:
                self._contract(plan)
            case Step.EXPAND:
                self._expand(plan)
            case Step.SWITCH:
                self.environment.deploy_functions(self.told, to)
        self._change(lambda found: _with_done(found, step))

    def _test_before(self) -> None:
        try:
            self.test()
        except OperatorError as error:
            raise OperatorError(
                "What runs does not pass its test, so it could not be told whether the new release is worse.",
                f"{error.what} {error.why}",
                "mend that, then the same again; or `deploy`, if this code is the remedy",
            ) from error

    def _contract(self, plan: Plan) -> None:
        self._change(lambda found: found.contracted())  # before it is true, so that no kill hides it
        self._migrate(plan.contract)

    def _expand(self, plan: Plan) -> None:
        self._change(lambda found: found.bearing(plan.expand))
        self._migrate(plan.expand)

    def _migrate(self, wanted: tuple[str, ...]) -> None:
        every = kinds_in(MIGRATIONS)
        borne = self.environment.releases(self.told).borne
        for name in self.environment.bring_up(self.told, but=every.keys() - set(wanted), borne=borne):
            self.say(f"migration {name} is applied ({every.get(name, Kind.EXPAND)})")

    def _fallen_back(self, why: str) -> str:
        self.say(f"the smoke test failed: {why}")
        found = self._change(lambda found: _with_why(found, why))
        if found.running is None:
            raise OperatorError("The smoke test failed, and no release is kept to go back to.", why)
        self.back()
        return why

    def _change(self, change: Callable[[Releases], Releases]) -> Releases:
        return self.environment.change_releases(self.told, change)


def _with_done(found: Releases, step: Step) -> Releases:
    assert found.under_way is not None  # noqa: S101  # it was begun
    return replace(found, under_way=replace(found.under_way, done=(*found.under_way.done, step.name)))


def _with_why(found: Releases, why: str) -> Releases:
    assert found.under_way is not None  # noqa: S101  # it was begun
    return found if found.running is None else replace(found, under_way=replace(found.under_way, goes_back=why))
