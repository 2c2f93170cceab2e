"""The last minutes of the whole fleet, from the samples that decisions were made from. Pure."""

from collections.abc import Iterable

from chalicelib.domain.decisions import Decision, Sample
from chalicelib.services.fleet_views import MinuteView


def by_minute(decisions: Iterable[Decision], first: int, last: int) -> tuple[MinuteView, ...]:
    """One view for each minute from `first` to `last`, oldest first; those without a sample are gaps.

    A minute that several decisions looked at counts each node once, as the latest decision saw it.
    """
    reported: dict[int, dict[str, Sample]] = {}
    for decision in decisions:
        for sample in decision.samples:
            reported.setdefault(sample.minute, {})[sample.node_id] = sample
    return tuple(_minute(minute, tuple(reported.get(minute, {}).values())) for minute in range(first, last + 1))


def _minute(minute: int, samples: tuple[Sample, ...]) -> MinuteView:
    if not samples:
        return MinuteView(minute)
    requests = sum(sample.requests for sample in samples)
    misses = min(requests, sum(sample.misses for sample in samples))  # one may be read after its slot has closed
    return MinuteView(
        minute,
        nodes=len(samples),
        requests=requests,
        hit_rate=1 - misses / requests if requests else None,
        miss_rate=misses / requests if requests else None,
        items=sum(sample.items for sample in samples),
        bytes=sum(sample.bytes for sample in samples),
    )
