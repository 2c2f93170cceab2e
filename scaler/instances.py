"""An EC2 instance of the fleet, as plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instance:
    """A cache node's instance that is pending or running. `answering`: its memcached passed the probe."""

    id: str
    address: str
    answering: bool
