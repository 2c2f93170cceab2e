"""The settings of the cache fleet, as the course's contract names and bounds them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from chalicelib.domain.errors import InvalidValueError

MIN_NODES, MAX_NODES = 1, 8
MAX_CAPACITY_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """What the operator chose. Miss rates are fractions of requests; ratios multiply the number of nodes."""

    mode: str = "manual"  # or "auto"
    num_nodes: int = 2
    capacity_mb: int = 64  # of each node
    policy: str = "LRU"  # or "RR", random replacement
    grow_ratio: float = 2.0
    shrink_ratio: float = 0.5
    max_miss: float = 0.8
    min_miss: float = 0.2


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
    return after


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


def _fraction(low: float, high: float) -> Callable[[str, str], float]:
    def parse(name: str, text: str) -> float:
        try:
            value = float(text) if _is_plain(text) else math.nan
        except ValueError:
            value = math.nan
        if not low <= value <= high:  # false for NaN too
            raise InvalidValueError(name, f"{name} must be a number from {low:g} to {high:g}.")
        return value

    return parse


_FIELDS: dict[str, tuple[str, Callable[[str, str], object]]] = {
    "mode": ("mode", _choice("manual", "auto")),
    "numNodes": ("num_nodes", _whole(MIN_NODES, MAX_NODES)),
    "cacheSize": ("capacity_mb", _whole(1, MAX_CAPACITY_MB)),
    "policy": ("policy", _choice("LRU", "RR")),
    "expRatio": ("grow_ratio", _fraction(1, MAX_NODES)),
    "shrinkRatio": ("shrink_ratio", _fraction(0, 1)),
    "maxMiss": ("max_miss", _fraction(0, 1)),
    "minMiss": ("min_miss", _fraction(0, 1)),
}
