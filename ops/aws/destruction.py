"""What goes and what stays when an environment is destroyed, decided from what was found. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from ops.aws.errors import UsageError
from ops.aws.templates import APP, CDN, DATA, NETWORK, ROTATION


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of an environment. `objects` counts versions and marks in its bucket, each of which is deleted."""

    stacks: Mapping[str, str]  # part: status, of those that are there
    functions: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    bucket: str = ""  # empty: none, or an operator's own
    own_bucket: str = ""
    objects: int = 0
    databases: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()  # parameter groups and subnet groups of the database
    snapshots: tuple[str, ...] = ()  # of the database, by upgrades

    @property
    def has_data(self) -> bool:
        return bool(self.bucket or self.databases or self.secrets or self.snapshots)


@dataclass(frozen=True, slots=True)
class Destruction:
    """In words, and the stacks to remove in their order."""

    goes: tuple[str, ...]
    stays: tuple[str, ...]
    stacks: tuple[str, ...]
    with_data: bool


def data_told(text: str) -> tuple[str, int]:
    """NAME=COUNT. Raises UsageError."""
    name, _, count = text.partition("=")
    if not name or not count.isdecimal():
        raise UsageError(f"“{text}” is not NAME=COUNT, such as blue=1234.")
    return name, int(count)


def destruction(found: Found, name: str, told: tuple[str, int] | None) -> Destruction:
    """Data go only if they were told by the environment's name and the number of objects. Raises UsageError if the
    number or the name is another.
    """
    if told is not None and told != (name, found.objects):
        raise UsageError(
            f"“{told[0]}={told[1]}” does not name the data of {name}: it has {found.objects} objects.",
            "Nothing was removed.",
            f"`./ops/store destroy-env {name}`, and look at what goes; then --delete-data {name}={found.objects}",
        )
    with_data = told is not None
    data = _data_in_words(found)
    # A database that stays lives in the network's subnets.
    network_stays = bool(found.databases) and not with_data
    order = [CDN, ROTATION, APP]
    order += [DATA] if with_data or not found.has_data else []
    order += [] if network_stays else [NETWORK]
    stacks = tuple(part for part in order if part in found.stacks)
    stays = [
        *([] if with_data else data),
        *([f"stack {DATA}, which names them"] if DATA in found.stacks and DATA not in stacks else []),
        *([f"stack {NETWORK}: the database lives in it; its NAT gateways go"] if network_stays else []),
        *([f"your own bucket {found.own_bucket}, with {found.objects} objects"] if found.own_bucket else []),
    ]
    goes = [
        *(f"function {one}" for one in found.functions),
        *(f"node {one}" for one in found.nodes),
        *(f"stack {part}" for part in stacks),
        *(data if with_data else []),
    ]
    return Destruction(tuple(goes), tuple(stays), stacks, with_data)


def _data_in_words(found: Found) -> list[str]:
    return [
        *([f"bucket {found.bucket}, with {found.objects} objects (each version counts)"] if found.bucket else []),
        *(f"database {one}" for one in found.databases),
        *(f"secret {one}" for one in found.secrets),
        *(f"settings of the database {one}" for one in found.settings),
        *(f"snapshot of the database {one}" for one in found.snapshots),
    ]
