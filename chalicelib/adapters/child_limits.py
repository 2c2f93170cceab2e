"""What a child process that decodes strangers' images may use up, and what its failures mean."""

import resource
import signal
import struct

# What Pillow raises on bytes that are not what they claim to be.
DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    EOFError,
    struct.error,
)


def limit_process(memory_bytes: int, seconds: int) -> None:
    """Address space, time, no core, no files written. The parent ends this process after `seconds`, too."""
    limit(resource.RLIMIT_AS, memory_bytes)
    limit(resource.RLIMIT_CPU, seconds + 1)
    signal.alarm(seconds + 1)  # should the parent have died
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, 0)


def limit(kind: int, most: int) -> None:
    """Lower a limit of this process for good; one that is lower already stays."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, most))
