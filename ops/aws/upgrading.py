"""What an upgrade does next, decided from the migrations, the releases and the time. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from ops.aws.errors import OperatorError
from ops.aws.releases import Release, Releases

# A function that was begun by an older release ends within its time limit, 29 s; a queue's batch may follow a last one.
LAST_REQUEST_SECONDS = 60.0


class Step(StrEnum):
    """In the order in which an upgrade takes them."""

    BEFORE = "test of what runs"
    SNAPSHOT = "snapshot"
    CONTRACT = "contract for the release that runs"
    EXPAND = "expand"
    SWITCH = "switch"
    AFTER = "smoke test"
    BACK = "roll back"
    AFTER_BACK = "test of what runs again"


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that lack, and the ids of the migrations: `later` are those that the next upgrade, or `--contract`,
    applies.
    """

    steps: tuple[Step, ...]
    contract: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    later: tuple[str, ...] = ()

    @property
    def applied(self) -> tuple[str, ...]:
        """What it applies, in that order."""
        return (*self.contract, *self.expand)


def plan_of_upgrade(
    releases: Releases, to: Release, applied: Collection[str], now: float, *, without_way_back: bool = False
) -> Plan:
    """Towards `to`; no steps if it runs already. Raises OperatorError if that cannot be, or not yet."""
    under_way, running = releases.under_way, releases.running
    if under_way is not None and under_way.goes_back:
        return Plan((Step.BACK, Step.AFTER_BACK))
    if under_way is not None and under_way.to.name != to.name:
        raise OperatorError(
            f"An upgrade to {under_way.to.name} is under way; this code is {to.name}.",
            next_="`upgrade` with that code, or `upgrade --back`, then the same command again",
        )
    later = _lacking(to.contracts, applied)
    if running is not None and running.name == to.name and under_way is None:
        return Plan((), later=later)
    if running is None and under_way is None and not without_way_back:
        raise OperatorError(
            "Nothing is kept of the release that runs here, so there would be no way back to it.",
            "It was deployed before releases were kept.",
            "`deploy` with its own code, then this again; or --without-way-back",
        )
    _refuse_unknown(applied, to, releases)
    contract = _lacking(running.contracts if running else (), applied)
    expand = tuple(one for one in _lacking(to.migrations, applied) if one not in {*to.contracts, *contract})
    if contract:
        _wait_for_last_request(releases, now)
    done = set(under_way.done) if under_way else set()
    needless = {
        *((Step.BEFORE,) if under_way else ()),
        *(() if contract else (Step.CONTRACT,)),
        *(() if expand else (Step.EXPAND,)),
    }
    steps = (Step.BEFORE, Step.SNAPSHOT, Step.CONTRACT, Step.EXPAND, Step.SWITCH, Step.AFTER)
    return Plan(
        tuple(step for step in steps if step not in needless and step.name not in done),
        contract,
        expand,
        tuple(one for one in later if one not in contract),
    )


def plan_of_return(releases: Releases) -> Plan:
    """Back to the release before, or to the one that served when an upgrade began. Raises OperatorError."""
    if releases.under_way is not None and releases.running is None:
        raise _no_way_back("Nothing is kept of the release that ran before.", "`upgrade`, which goes on")
    if releases.under_way is None and releases.before is None:
        raise _no_way_back("No release before this one is kept, or migrations have contracted the tables since.")
    return Plan((Step.BACK, Step.AFTER_BACK))


def plan_of_contract(releases: Releases, here: Release, applied: Collection[str], now: float) -> Plan:
    """What contracts of the release that runs, once nothing older does. Raises OperatorError."""
    if releases.under_way is not None:
        raise OperatorError(
            f"An upgrade to {releases.under_way.to.name} is under way.", next_="`upgrade` or `upgrade --back`"
        )
    if releases.running is None or releases.running.name != here.name:
        runs = releases.running.name if releases.running else "one that is not known"
        raise OperatorError(
            f"This code is {here.name}; the release that runs is {runs}.", next_="the same with that release's code"
        )
    contract = _lacking(here.contracts, applied)
    if not contract:
        return Plan(())
    _wait_for_last_request(releases, now)
    return Plan((Step.BEFORE, Step.SNAPSHOT, Step.CONTRACT, Step.AFTER), contract)


def _lacking(ids: Iterable[str], applied: Collection[str]) -> tuple[str, ...]:
    return tuple(one for one in ids if one not in applied)


def _refuse_unknown(applied: Collection[str], to: Release, releases: Releases) -> None:
    unknown = sorted(set(applied) - set(to.migrations) - releases.borne)
    if unknown:
        raise OperatorError(
            f"The database is newer than this code: it has the migration {unknown[-1]}.",
            "Nothing was changed.",
            "the code that wrote it, or newer",
        )


def _wait_for_last_request(releases: Releases, now: float) -> None:
    since = releases.running.since if releases.running else 0.0
    left = LAST_REQUEST_SECONDS - (now - since)
    if left > 0:
        raise OperatorError(
            f"Requests of the release before may run for {left:.0f} s yet; what contracts would break them.",
            next_="the same command again, then",
        )


def _no_way_back(
    why: str, next_: str = "a new environment with `restore` of a backup, or with RDS's snapshot"
) -> OperatorError:
    return OperatorError("There is no way back from here.", why, next_)
