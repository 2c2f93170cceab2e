import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.cache_settings import DEFAULTS, CacheSettings, changed, from_mapping, to_mapping
from chalicelib.domain.errors import InvalidValueError

LEGAL: list[tuple[str, str, str, object]] = [
    ("mode", "manual", "mode", "manual"),
    ("mode", "Auto", "mode", "auto"),
    ("numNodes", "1", "num_nodes", 1),
    ("numNodes", " 8 ", "num_nodes", 8),
    ("cacheSize", "3", "capacity_mb", 3),
    ("cacheSize", "1048576", "capacity_mb", 1048576),
    ("policy", "RR", "policy", "RR"),
    ("policy", "lru", "policy", "LRU"),
    ("expRatio", "1.01", "grow_ratio", 1.01),
    ("expRatio", "8.0", "grow_ratio", 8.0),
    ("shrinkRatio", "0.01", "shrink_ratio", 0.01),
    ("shrinkRatio", "0.99", "shrink_ratio", 0.99),
    ("maxMiss", "0.5", "max_miss", 0.5),
    ("maxMiss", "1", "max_miss", 1.0),
    ("minMiss", "0", "min_miss", 0.0),
    ("minMiss", "1e-1", "min_miss", 0.1),
    ("minNodes", "2", "min_nodes", 2),
    ("maxNodes", "16", "max_nodes", 16),
    ("cooldownMinutes", "0", "cooldown_minutes", 0),
    ("idleMinutes", "1440", "idle_minutes", 1440),
    ("assignment", "Minimal-move", "assignment", "minimal-move"),
]
NO_NUMBERS = ["", " ", "x", "NaN", "nan", "inf", "-inf", "1e999", "0x1", "1,5", "٣", "1_0", "--1", "1 2", "9" * 5000]
ILLEGAL: list[tuple[str, str]] = [
    *[("mode", text) for text in ("", "on", "automatic", "manual auto", "LRU")],
    *[("policy", text) for text in ("", "FIFO", "L RU", "random")],
    *[("numNodes", text) for text in ("0", "9", "-1", "1.5", "1e0", *NO_NUMBERS)],
    *[("cacheSize", text) for text in ("0", "-3", "3.5", "1048577", *NO_NUMBERS)],
    *[("expRatio", text) for text in ("0.99", "1", "16.01", *NO_NUMBERS)],
    *[("shrinkRatio", text) for text in ("-0.01", "0", "1", "1.01", *NO_NUMBERS)],
    *[("maxMiss", text) for text in ("-0.01", "1.01", "80", *NO_NUMBERS)],
    *[("minMiss", text) for text in ("-0.01", "1.01", "20", *NO_NUMBERS)],
    *[("minNodes", text) for text in ("0", "9", "17", *NO_NUMBERS)],
    *[("maxNodes", text) for text in ("0", "17", *NO_NUMBERS)],
    *[("cooldownMinutes", text) for text in ("-1", "61", "1.5", *NO_NUMBERS)],
    *[("idleMinutes", text) for text in ("-1", "1441", *NO_NUMBERS)],
    *[("assignment", text) for text in ("", "random")],
]


@pytest.mark.parametrize(("name", "text", "attribute", "value"), LEGAL)
def test_legal_values_are_taken(name: str, text: str, attribute: str, value: object) -> None:
    after = changed(DEFAULTS, {name: text})
    assert getattr(after, attribute) == value
    assert {**to_mapping(after), attribute: None} == {**to_mapping(DEFAULTS), attribute: None}


@pytest.mark.parametrize(("name", "text"), ILLEGAL)
def test_illegal_values_are_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        changed(DEFAULTS, {name: text})
    assert refused.value.field == name
    assert name in str(refused.value)


def test_it_is_all_or_nothing() -> None:
    with pytest.raises(InvalidValueError):
        changed(DEFAULTS, {"numNodes": "4", "policy": "FIFO"})


def test_other_names_are_ignored() -> None:
    assert changed(DEFAULTS, {"nodes": "99", "mode ": "auto"}) == DEFAULTS


@pytest.mark.parametrize(
    ("given_values", "field"),
    [
        ({"minMiss": "0.8"}, "minMiss"),
        ({"minMiss": "0.9"}, "minMiss"),
        ({"maxMiss": "0.2"}, "maxMiss"),
        ({"maxMiss": "0.1"}, "maxMiss"),
        ({"maxMiss": "0.5", "minMiss": "0.5"}, "minMiss"),
    ],
)
def test_the_lower_rate_must_be_below_the_upper(given_values: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        changed(DEFAULTS, given_values)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("given_values", "field"),
    [
        ({"minNodes": "5", "maxNodes": "4"}, "minNodes"),
        ({"maxNodes": "2", "numNodes": "3"}, "numNodes"),
        ({"minNodes": "3", "numNodes": "2"}, "numNodes"),
    ],
)
def test_numbers_of_nodes_that_contradict_each_other_are_refused(given_values: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        changed(DEFAULTS, given_values)
    assert refused.value.field == field


def test_bounds_that_move_take_the_target_with_them() -> None:
    assert changed(DEFAULTS, {"minNodes": "3"}).num_nodes == 3
    assert changed(DEFAULTS, {"maxNodes": "1"}).num_nodes == 1


def test_both_rates_may_move_past_each_others_old_place() -> None:
    after = changed(DEFAULTS, {"maxMiss": "0.1", "minMiss": "0.05"})
    assert (after.max_miss, after.min_miss) == (0.1, 0.05)


@given(
    st.builds(
        CacheSettings,
        mode=st.sampled_from(["manual", "auto"]),
        num_nodes=st.integers(1, 8),
        policy=st.sampled_from(["LRU", "RR"]),
        max_miss=st.floats(0, 1),
    )
)
def test_settings_are_read_as_they_were_stored(settings: CacheSettings) -> None:
    assert from_mapping(json.loads(json.dumps(to_mapping(settings)))) == settings


def test_settings_of_another_version_are_read() -> None:
    assert from_mapping({}) == DEFAULTS
    assert from_mapping({"mode": "auto", "later": 1}) == changed(DEFAULTS, {"mode": "auto"})
