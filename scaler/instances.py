"""An EC2 instance of the fleet, as plain values."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.errors import UnavailableError


class InstancesUnavailableError(UnavailableError):
    """EC2 does not answer, or has no room for another instance."""


@dataclass(frozen=True, slots=True)
class LiveInstance:
    """An instance that is pending or running, as EC2 tells it. `intent` is the launch that its tag names."""

    id: str
    address: str  # empty while it has none
    launched_at: datetime
    intent: bytes | None = None
