"""Which releases an environment has run, and how far an upgrade of it is: a document of plain values. Pure.

It lies in the environment's bucket as `operator/releases.json`, and is only ever changed by a conditional put.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Release:
    """A state of the code. `name` is its version and the beginning of its content's SHA-256, as in 0.1.0-3f9a2b1c44de,
    `since` when it was last switched to, in seconds since 1970, `contracts` the ids of its migrations that contract.
    """

    name: str
    migrations: tuple[str, ...]
    contracts: tuple[str, ...] = ()
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An upgrade that has not ended. `done` are the steps that need not be taken again; `goes_back` is why it does."""

    to: Release
    done: tuple[str, ...] = ()
    snapshot: str = ""
    goes_back: str = ""


@dataclass(frozen=True, slots=True)
class Releases:
    """`running` serves; `before` is the one that `upgrade --back` leads to, None once there is no way back.

    `borne` are migrations that the database has had from any release, and that those which are older run on.
    """

    running: Release | None = None
    before: Release | None = None
    under_way: UnderWay | None = None
    borne: frozenset[str] = field(default_factory=frozenset)

    def kept(self) -> frozenset[str]:
        """Names of the releases whose packages are still needed."""
        several = (self.running, self.before, self.under_way.to if self.under_way else None)
        return frozenset(one.name for one in several if one is not None)

    def switched(self, to: Release, now: float) -> "Releases":
        """`to` serves now, and the one that did until now is the way back."""
        if self.running is not None and self.running.name == to.name:
            return replace(self, running=replace(to, since=self.running.since), under_way=None)
        return replace(self, running=replace(to, since=now), before=self.running, under_way=None)

    def gone_back(self, now: float) -> "Releases":
        """The one before serves again, and no way leads back from it."""
        assert self.before is not None  # noqa: S101  # decided before
        return Releases(replace(self.before, since=now), None, None, self.borne)

    def stayed(self) -> "Releases":
        """The upgrade that was under way is given up; what served before serves."""
        return replace(self, under_way=None)

    def contracted(self) -> "Releases":
        """No older release can run on the tables any more."""
        return replace(self, before=None)

    def bearing(self, ids: Iterable[str]) -> "Releases":
        return replace(self, borne=self.borne | set(ids))


def as_document(releases: Releases) -> dict[str, Any]:
    """For JSON."""
    return {**asdict(releases), "borne": sorted(releases.borne)}


def from_document(found: Mapping[str, Any] | None) -> Releases:
    """The same again; of nothing, an environment that remembers no release."""
    if found is None:
        return Releases()
    under_way = found["under_way"]
    return Releases(
        _release(found["running"]),
        _release(found["before"]),
        under_way
        and UnderWay(_some(under_way["to"]), tuple(under_way["done"]), under_way["snapshot"], under_way["goes_back"]),
        frozenset(found["borne"]),
    )


def _release(found: Mapping[str, Any] | None) -> Release | None:
    return None if found is None else _some(found)


def _some(found: Mapping[str, Any]) -> Release:
    return Release(found["name"], tuple(found["migrations"]), tuple(found["contracts"]), found["since"])
