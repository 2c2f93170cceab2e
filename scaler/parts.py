"""What a run of the scaler uses, and how long it waits."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.ports import Clock, FleetMaps, NodeAdmins
from chalicelib.domain.scaler_ports import ScalerRows
from scaler import resize
from scaler.ports import Instances, Prober, Samples


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a run waits, and what it takes for too long."""

    patience_seconds: float = 3.0  # for nodes that do not answer, and for launched ones to answer
    slow_seconds: float = 0.01  # a round trip within a zone takes less than one; a request must not wait for more
    boot_seconds: float = 300.0  # a new instance may take so long until it answers
    poll_seconds: float = 0.2
    refused_seconds: float = 180.0  # EC2 may refuse to launch so long until growth is given up
    handoff_ceiling_seconds: float = resize.CEILING_SECONDS


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a run uses. `defaults` are settings that hold until somebody chooses others."""

    instances: Instances
    rows: ScalerRows
    maps: FleetMaps
    samples: Samples
    prober: Prober
    admins: NodeAdmins
    exclusive: Callable[[str], AbstractContextManager[bool]]
    clock: Clock
    port: int
    defaults: CacheSettings
    timing: Timing = field(default_factory=Timing)
    tell: Callable[[Mapping[str, float]], None] = lambda measured: None  # what each run measured of the fleet
