"""What can be wrong with a part that the application needs."""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What the proxy does to a connection."""

    PASS = "pass"
    HANG = "hang"  # accepts, never answers; what was asked meanwhile is delivered once the fault is over
    REFUSE = "refuse"  # nobody listens, open connections are reset
    DOWN = "down"  # accepts and closes at once, open connections too
    LATENCY = "latency"  # each answer comes later
    SLOW = "slow"  # an answer drips
    RESET = "reset"  # RST in the middle of an answer
    TRUNCATE = "truncate"  # half an answer, then an orderly close
    GARBAGE = "garbage"  # random bytes in place of an answer
    OUT_OF_STEP = "out of step"  # each answer is the one to the question before; a connection stays so after the fault


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong. `delay_seconds` is for each answer (latency) or each dripped piece of `drip_bytes` (slow)."""

    kind: Kind
    delay_seconds: float = 0.0
    drip_bytes: int = 1


PASS = Fault(Kind.PASS)
