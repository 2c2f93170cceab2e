"""A circuit breaker as plain values: whether a node may be asked, given what happened before.

It trips on one error and on a run of slow answers, since a node that is only slow never errs. Once the pause is over
one call is let through as a probe, and its outcome decides. After M. Nygard, "Release It!".
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When to stop asking, and for how long."""

    slow_seconds: float = 0.015
    slow_calls: int = 5  # in a row
    pause_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Breaker:
    """`probe_at` is 0 while calls flow; otherwise the monotonic second at which the next probe may go."""

    slow_run: int = 0
    probe_at: float = 0.0

    @property
    def tripped(self) -> bool:
        return self.probe_at > 0


def admitted(breaker: Breaker, now: float, policy: BreakerPolicy) -> tuple[Breaker, bool]:
    """Whether a call may go now. A probe takes the place for one pause, so that only one call waits for a sick node."""
    if not breaker.tripped:
        return breaker, True
    if now < breaker.probe_at:
        return breaker, False
    return replace(breaker, probe_at=now + policy.pause_seconds), True


def succeeded(breaker: Breaker, took_seconds: float, now: float, policy: BreakerPolicy) -> Breaker:
    """The breaker after an answer that took so long."""
    if took_seconds < policy.slow_seconds:
        return Breaker()
    slow_run = breaker.slow_run + 1
    if breaker.tripped or slow_run >= policy.slow_calls:
        return Breaker(slow_run=slow_run, probe_at=now + policy.pause_seconds)
    return Breaker(slow_run=slow_run)


def failed(breaker: Breaker, now: float, policy: BreakerPolicy) -> Breaker:
    """The breaker after an error or a timeout."""
    return replace(breaker, probe_at=now + policy.pause_seconds)
