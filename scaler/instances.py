"""An EC2 instance of the fleet, as plain values."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LiveInstance:
    """An instance that is pending or running, as EC2 tells it."""

    id: str
    address: str
    launched_at: datetime


@dataclass(frozen=True, slots=True)
class Instance:
    """A live instance and what probing it told. `silent`: it had its time and does not answer, so it is replaced."""

    id: str
    address: str
    answering: bool
    silent: bool = False
