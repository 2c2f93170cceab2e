"""Compares two ways to do a thing by turns in one run, so that whatever else the machine does hits both alike.

A sample is one call. A round is some samples of ours and as many of theirs, one after the other, ours first in every
second pair; the round's ratio is that of its medians, so that single samples that were interrupted do not count. What
is told is the median of the rounds' ratios, and the middle half of them.
"""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours against theirs. A ratio below 1 says that ours is faster; `low` and `high` are the rounds' quartiles."""

    ratio: float
    low: float
    high: float
    ours_seconds: float
    theirs_seconds: float


def compare(
    ours: Call,
    theirs: Call,
    *,
    rounds: int = 21,
    pairs: int = 15,
    warm_up: int = 20,
    collecting: bool = True,
) -> Comparison:
    """Calls both `warm_up` times unmeasured, then by turns. Without `collecting`, garbage is left lying meanwhile."""
    for _ in range(warm_up):
        ours()
        theirs()
    gc.collect()
    gc.freeze()  # what was there before is no work for the collections that the calls cause
    if not collecting:
        gc.disable()
    try:
        measured = [_round(ours, theirs, pairs) for _ in range(rounds)]
    finally:
        gc.enable()
        gc.unfreeze()
    return compared(measured)


def compared(rounds: list[tuple[float, float]]) -> Comparison:
    """The comparison that rounds of (ours, theirs) in seconds amount to; three rounds or more."""
    low, ratio, high = statistics.quantiles([ours / theirs for ours, theirs in rounds], n=4, method="inclusive")
    return Comparison(
        ratio=ratio,
        low=low,
        high=high,
        ours_seconds=statistics.median(ours for ours, _ in rounds),
        theirs_seconds=statistics.median(theirs for _, theirs in rounds),
    )


def _round(ours: Call, theirs: Call, pairs: int) -> tuple[float, float]:
    took_ours, took_theirs = [], []
    for number in range(pairs):
        if number % 2:
            took_ours.append(_seconds(ours))
            took_theirs.append(_seconds(theirs))
        else:
            took_theirs.append(_seconds(theirs))
            took_ours.append(_seconds(ours))
    return statistics.median(took_ours), statistics.median(took_theirs)


def _seconds(call: Call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
