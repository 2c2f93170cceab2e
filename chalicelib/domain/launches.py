"""Launches of cache nodes, written down before they are asked for, so that a crash leaves nothing unowned."""

from dataclasses import dataclass


class SupersededError(Exception):
    """A later run of the scaler has begun: this one may not write any more."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch that was written down. `instance_id` is None until EC2 has answered."""

    intent: bytes
    age_seconds: float
    instance_id: str | None = None
