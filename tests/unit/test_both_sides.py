"""The proofs' own look at rows and objects sees each thing that has no counterpart."""

from dataclasses import replace
from typing import Any

import pytest

from bench.proofs.both_sides import Sides, dangling, unfinished

OWNER, KEY, SHA = b"o" * 16, b"k1", b"s" * 32


def _rendition(kind: str, state: str = "ready", source: str = "originals/a") -> tuple[Any, ...]:
    return OWNER, KEY, kind, state, source, f"renditions/a/{kind}", SHA, 5


WHOLE = Sides(
    images={"originals/a": (OWNER, KEY, SHA, 10)},
    renditions=[_rendition("thumbnail"), _rendition("preview")],
    tags={(OWNER, KEY)},
    counted={OWNER: 1},
    spent={OWNER: 10 + 5 + 5},
    trashed={},
    waiting=set(),
    owed="",
    objects={"originals/a": 10, "renditions/a/thumbnail": 5, "renditions/a/preview": 5},
)
ANNOUNCED = replace(WHOLE, objects={**WHOLE.objects, "originals/b": 1}, owed='[["", "originals/b", 1]]')


def test_what_has_its_counterpart_is_whole() -> None:
    assert dangling(WHOLE) == unfinished(WHOLE) == []
    assert dangling(ANNOUNCED) == []
    assert dangling(replace(WHOLE, spent={OWNER: 27}, trashed={OWNER: 7})) == []


@pytest.mark.parametrize(
    "sides",
    [
        replace(WHOLE, objects={key: size for key, size in WHOLE.objects.items() if key != "originals/a"}),
        replace(WHOLE, objects={"originals/a": 10, "renditions/a/preview": 5}),
        replace(WHOLE, objects={**WHOLE.objects, "originals/a": 9}),
        replace(WHOLE, objects={**WHOLE.objects, "renditions/a/preview": 9}),
        replace(WHOLE, objects={**WHOLE.objects, "originals/b": 1}),
        replace(WHOLE, objects={**WHOLE.objects, "incoming/b": 1}),
        replace(WHOLE, renditions=[*WHOLE.renditions, _rendition("flipped", "due", "originals/b")]),
        replace(WHOLE, tags={(OWNER, b"k2")}),
        replace(WHOLE, counted={OWNER: 2}),
        replace(WHOLE, spent={OWNER: 19}),
        replace(WHOLE, trashed={OWNER: 7}),
    ],
)
def test_what_has_none_is_seen(sides: Sides) -> None:
    assert len(dangling(sides)) == 1


@pytest.mark.parametrize(
    "sides",
    [
        ANNOUNCED,
        replace(WHOLE, renditions=[_rendition("thumbnail"), _rendition("preview", "due")]),
        replace(WHOLE, renditions=[_rendition("thumbnail"), _rendition("preview", "failed")]),
        replace(WHOLE, renditions=[_rendition("thumbnail")], objects={"originals/a": 10, "renditions/a/thumbnail": 5}),
        replace(WHOLE, waiting={"incoming/b"}),
    ],
)
def test_what_is_not_done_is_seen(sides: Sides) -> None:
    assert len(unfinished(sides)) == 1
