"""The forms of the cache's settings: what each field is called, what it means, and what stands in it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain.assignments import KINDS
from chalicelib.domain.cache_settings import MAX_CAPACITY_MB, MOST_NODES, CacheSettings, by_name


@dataclass(frozen=True, slots=True)
class Field:
    """One setting. `choices` are pairs of value and words; without any it is a number."""

    name: str
    label: str
    hint: str
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The fields that one form sends together."""

    name: str
    title: str
    fields: tuple[Field, ...]


GROUPS = (
    Group(
        "mode",
        "Mode",
        (
            Field(
                "mode",
                "Who chooses the number of nodes",
                "",
                (("auto", "Automatic: the scaler, once a minute"), ("manual", "Manual: you, with the buttons above")),
            ),
        ),
    ),
    Group(
        "thresholds",
        "When to grow and shrink",
        (
            Field("maxMiss", "Grow above a miss rate of", "A fraction, such as 0.8 for 80 % of requests."),
            Field("minMiss", "Shrink below a miss rate of", "A fraction below the one for growing."),
            Field("expRatio", "Growing multiplies by", f"Above 1, at most {MOST_NODES}; rounded up."),
            Field("shrinkRatio", "Shrinking multiplies by", "Between 0 and 1; rounded down."),
            Field("minNodes", "Fewest nodes", f"1 to {MOST_NODES}."),
            Field("maxNodes", "Most nodes", f"1 to {MOST_NODES}."),
            Field("cooldownMinutes", "Cooldown in minutes", "No new decision so long after a change."),
            Field("idleMinutes", "Idle minutes", "Without requests, until it shrinks to the fewest; 0 is never."),
        ),
    ),
    Group(
        "nodes",
        "Each node",
        (
            Field("cacheSize", "Capacity in MB", f"Of each node, 1 to {MAX_CAPACITY_MB:,}."),
            Field(
                "policy",
                "What goes when a node is full",
                "",
                (("LRU", "LRU: what was used longest ago"), ("RR", "RR: any image, by chance")),
            ),
            Field(
                "assignment",
                "Which node gets which partition",
                "",
                tuple(zip(KINDS, ("Alternating: 1, 2, 3, 1, 2, 3…", "Minimal move: as few as can be"), strict=True)),
            ),
        ),
    ),
)


def group_named(name: str) -> Group | None:
    """The group that a form says it sends."""
    return next((group for group in GROUPS if group.name == name), None)


def values_of(settings: CacheSettings) -> dict[str, str]:
    """What stands in each field."""
    return {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in by_name(settings).items()}


def given_in(group: Group, texts: Mapping[str, str]) -> dict[str, str]:
    """The group's fields as they were typed; a radio button that was not chosen is missing."""
    return {field.name: texts[field.name] for field in group.fields if field.name in texts}


def in_page_words(refusal: str) -> str:
    """A refusal with the contract's names replaced by what the fields are called on the page."""
    labels = {field.name: field.label for group in GROUPS for field in group.fields}
    return re.sub(r"[a-z]+[A-Z]\w+", lambda found: f"“{labels[found[0]]}”" if found[0] in labels else found[0], refusal)
