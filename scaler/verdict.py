"""What the traffic of a minute asks for: the two thresholds and ratios applied to it, in words and exact numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.decisions import Sample


@dataclass(frozen=True, slots=True)
class Verdict:
    """A rule's fixed word, its reason in words with the figures, and the number of nodes that follows."""

    rule: str
    reason: str
    target: int


def by_traffic(settings: CacheSettings, samples: Sequence[Sample], zeros_before: int) -> Verdict:
    """What a completely reported minute asks for. `zeros_before` counts the idle minutes in a row before it."""
    requests = sum(sample.requests for sample in samples)
    if not requests:
        return _idle(settings, zeros_before + 1)
    # A request and its origin read may be counted in two minutes: a rate is still at most 1.
    rate = min(Fraction(sum(sample.misses for sample in samples), requests), Fraction(1))
    highest, lowest = _exact(settings.max_miss), _exact(settings.min_miss)
    if rate > highest:
        return _grown(settings, f"{_observed(rate, requests, highest)} is above the maximum of {_percent(highest)}")
    if rate < lowest:
        return _shrunk(settings, f"{_observed(rate, requests, lowest)} is below the minimum of {_percent(lowest)}")
    bounds = f"{_percent(lowest)} to {_percent(highest)}"
    return Verdict("within-thresholds", f"{_observed(rate, requests)} is within {bounds}.", settings.num_nodes)


def _grown(settings: CacheSettings, finding: str) -> Verdict:
    nodes, most = settings.num_nodes, settings.max_nodes
    if nodes >= most:
        return Verdict("at-maximum", f"{finding}, but the fleet is at its maximum of {_nodes(most)}.", nodes)
    product = nodes * _exact(settings.grow_ratio)
    target = min(ceil(product), most)
    steps = [f"{nodes} × {settings.grow_ratio:g} = {_decimal(product)}"]
    steps += [f"rounded up to {ceil(product)}"] if product != ceil(product) else []
    steps += [f"at most {most}"] if target != ceil(product) else []
    return Verdict("above-maximum", _sentence(finding, steps, target), target)


def _shrunk(settings: CacheSettings, finding: str) -> Verdict:
    nodes, least = settings.num_nodes, settings.min_nodes
    if nodes <= least:
        return Verdict("at-minimum", f"{finding}, but the fleet is at its minimum of {_nodes(least)}.", nodes)
    product = nodes * _exact(settings.shrink_ratio)
    target = max(floor(product), least)
    steps = [f"{nodes} × {settings.shrink_ratio:g} = {_decimal(product)}"]
    steps += [f"rounded down to {floor(product)}"] if product != floor(product) else []
    steps += [f"at least {least}"] if target != floor(product) else []
    return Verdict("below-minimum", _sentence(finding, steps, target), target)


def _idle(settings: CacheSettings, minutes: int) -> Verdict:
    nodes, least = settings.num_nodes, settings.min_nodes
    finding = f"No requests in {minutes} minutes in a row" if minutes > 1 else "No requests in this minute"
    if not settings.idle_minutes or minutes < settings.idle_minutes:
        return Verdict(
            "no-traffic",
            f"{finding}: there is no miss rate, and {_nodes(nodes)} {'stays' if nodes == 1 else 'stay'}.",
            nodes,
        )
    reached = f"{finding}, and {settings.idle_minutes} are allowed"
    if nodes <= least:
        return Verdict("at-minimum", f"{reached}, but the fleet is at its minimum of {_nodes(least)}.", nodes)
    return Verdict("idle", f"{reached}: shrink to the minimum of {_nodes(least)}.", least)


def _sentence(finding: str, steps: list[str], target: int) -> str:
    """Names the target's nodes behind the last step, unless that already is the number."""
    if len(steps) == 1:
        return f"{finding}: {steps[0]} {'node' if target == 1 else 'nodes'}."
    return f"{finding}: {', '.join(steps)}: {_nodes(target)}."


def _nodes(count: int) -> str:
    return f"{count} node" if count == 1 else f"{count} nodes"


def _exact(number: float) -> Fraction:
    """The decimal number that the operator wrote: 3 × 1.1 is 3.3, not a bit more."""
    return Fraction(str(number))


def _observed(rate: Fraction, requests: int, threshold: Fraction | None = None) -> str:
    """The rate with one decimal, or with as many as it takes to tell it from the threshold."""
    text = f"{float(rate * 100):.1f}"
    for decimals in range(1, 16):
        text = f"{float(rate * 100):.{decimals}f}"
        if threshold is None or Fraction(text) != threshold * 100:
            break
    return f"Miss rate {text} % of {requests:,} {'request' if requests == 1 else 'requests'}"


def _percent(number: Fraction) -> str:
    return f"{_decimal(number * 100)} %"


def _decimal(number: Fraction) -> str:
    return f"{float(number):.10g}"
