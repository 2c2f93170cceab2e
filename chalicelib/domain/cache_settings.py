"""The settings of the cache fleet: those of the course's contract under its names, and more in the same manner."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from chalicelib.domain.assignments import ALTERNATING, KINDS
from chalicelib.domain.errors import InvalidValueError
from chalicelib.domain.partitions import PARTITIONS

MIN_NODES, MAX_NODES = 1, 8  # the bounds until somebody chooses others
MOST_NODES = PARTITIONS  # one more would serve nothing
MAX_CAPACITY_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """What the operator chose. Miss rates are fractions of requests; ratios multiply the number of nodes."""

    mode: str = "manual"  # or "auto"
    num_nodes: int = 2  # the target: chosen by hand, or by the last decision
    capacity_mb: int = 64  # of each node
    policy: str = "LRU"  # or "RR", random replacement
    grow_ratio: float = 2.0
    shrink_ratio: float = 0.5
    max_miss: float = 0.8
    min_miss: float = 0.2
    min_nodes: int = MIN_NODES
    max_nodes: int = MAX_NODES
    cooldown_minutes: int = 2  # without another decision after the number of nodes changed
    idle_minutes: int = 0  # of no traffic, until the fleet shrinks to the minimum; 0: never
    assignment: str = ALTERNATING


DEFAULTS = CacheSettings()


def changed(settings: CacheSettings, given: Mapping[str, str]) -> CacheSettings:
    """The settings after applying what was given, by the contract's names; other names are ignored.

    All or nothing: raises InvalidValueError, naming the field, if any value is wrong.
    """
    parsed: dict[str, object] = {
        attribute: parse(name, given[name]) for name, (attribute, parse) in _FIELDS.items() if name in given
    }
    after = replace(settings, **parsed)  # type: ignore[arg-type]  # each parser gives its attribute's type
    if after.min_miss >= after.max_miss:
        raise InvalidValueError(
            "minMiss" if "minMiss" in given else "maxMiss",
            f"minMiss ({after.min_miss:g}) must be below maxMiss ({after.max_miss:g}).",
        )
    if after.min_nodes > after.max_nodes:
        raise InvalidValueError(
            "minNodes" if "minNodes" in given else "maxNodes",
            f"minNodes ({after.min_nodes}) must not be above maxNodes ({after.max_nodes}).",
        )
    bounded = min(max(after.num_nodes, after.min_nodes), after.max_nodes)
    if bounded != after.num_nodes and "numNodes" in given:
        raise InvalidValueError(
            "numNodes", f"numNodes must be a whole number from {after.min_nodes} to {after.max_nodes}."
        )
    return replace(after, num_nodes=bounded)  # bounds that move take the target with them


def by_name(settings: CacheSettings) -> dict[str, object]:
    """Every setting by the contract's name."""
    return {name: getattr(settings, attribute) for name, (attribute, _) in _FIELDS.items()}


def to_mapping(settings: CacheSettings) -> dict[str, object]:
    """Plain values by attribute name, for storing."""
    return asdict(settings)


def from_mapping(stored: Mapping[str, object]) -> CacheSettings:
    """The settings that `to_mapping` gave; names it does not know are left out, missing ones take the default."""
    known = {name: value for name, value in stored.items() if name in CacheSettings.__dataclass_fields__}
    return CacheSettings(**known)  # type: ignore[arg-type]  # only ever written by to_mapping


def _choice(*choices: str) -> Callable[[str, str], str]:
    by_folded = {choice.casefold(): choice for choice in choices}

    def parse(name: str, text: str) -> str:
        try:
            return by_folded[text.strip().casefold()]
        except KeyError:
            raise InvalidValueError(name, f"{name} must be {' or '.join(choices)}.") from None

    return parse


def _is_plain(text: str) -> bool:
    """Whether Python's own freedoms with numbers are not used: 1_000, and digits of other scripts."""
    return text.isascii() and "_" not in text


def _whole(low: int, high: int) -> Callable[[str, str], int]:
    def parse(name: str, text: str) -> int:
        try:
            value = int(text) if _is_plain(text) else None
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise InvalidValueError(name, f"{name} must be a whole number from {low} to {high}.")
        return value

    return parse


def _number(low: float, high: float, exclusive: bool = False) -> Callable[[str, str], float]:
    """`exclusive`: neither bound itself is taken."""

    def parse(name: str, text: str) -> float:
        try:
            value = float(text) if _is_plain(text) else math.nan
        except ValueError:
            value = math.nan
        within = low < value < high if exclusive else low <= value <= high  # false for NaN too
        if not within:
            bounds = f"between {low:g} and {high:g}" if exclusive else f"from {low:g} to {high:g}"
            raise InvalidValueError(name, f"{name} must be a number {bounds}.")
        return value

    return parse


def _ratio_above_one(name: str, text: str) -> float:
    value = _number(1, MOST_NODES)(name, text)
    if value == 1:
        raise InvalidValueError(name, f"{name} must be above 1: a fleet times 1 does not grow.")
    return value


_FIELDS: dict[str, tuple[str, Callable[[str, str], object]]] = {
    "mode": ("mode", _choice("manual", "auto")),
    "numNodes": ("num_nodes", _whole(1, MOST_NODES)),
    "cacheSize": ("capacity_mb", _whole(1, MAX_CAPACITY_MB)),
    "policy": ("policy", _choice("LRU", "RR")),
    "expRatio": ("grow_ratio", _ratio_above_one),
    "shrinkRatio": ("shrink_ratio", _number(0, 1, exclusive=True)),
    "maxMiss": ("max_miss", _number(0, 1)),
    "minMiss": ("min_miss", _number(0, 1)),
    "minNodes": ("min_nodes", _whole(1, MOST_NODES)),
    "maxNodes": ("max_nodes", _whole(1, MOST_NODES)),
    "cooldownMinutes": ("cooldown_minutes", _whole(0, 60)),
    "idleMinutes": ("idle_minutes", _whole(0, 24 * 60)),
    "assignment": ("assignment", _choice(*KINDS)),
}
