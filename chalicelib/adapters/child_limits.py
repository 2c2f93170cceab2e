"""What a child process that decodes strangers' images may use up, and what its decoders raise."""

import errno
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


_ALARM_FACTOR = 3


def limit_process(memory_bytes: int, seconds: int) -> None:
    """Limit address space and the processor's time of this process for good; it leaves no core and writes no file."""
    _limit(resource.RLIMIT_AS, memory_bytes)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    most = seconds + 1 if hard == resource.RLIM_INFINITY else min(seconds + 1, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (min(seconds, most), most))  # SIGXCPU tells what ended it
    signal.alarm(_ALARM_FACTOR * seconds)  # the parent waits for less; should the parent die, this ends it
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)


def open_nothing_more() -> None:
    """Neither files nor sockets from here on: whatever is to be imported must have been."""
    _limit(resource.RLIMIT_NOFILE, 0)


def is_late_import(error: Exception) -> bool:
    """Whether a file was to be opened after `open_nothing_more`, which is no fault of the image."""
    return isinstance(error, OSError) and error.errno == errno.EMFILE


def _limit(kind: int, most: int) -> None:
    """Lower a limit of this process for good; one that is lower already stays."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, most))
