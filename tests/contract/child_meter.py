"""What a decoding child took, as the kernel tells when it is waited for.

For a program of its own, and a small one: the kernel counts a process's memory as its child's until the child's own
program begins.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.errors import TooLargeError, UnreadableImageError, UnsupportedTypeError

# Three times what an image may take: a child is measured before it is cut off, on a busy machine too.
LIMIT_SECONDS = 15
# What an image may take: of the processor's time, and of memory up to so many pixels and at the limit.
MOST_SECONDS, SMALLER_PIXELS, SMALLER_MIB, MOST_MIB = 5, 25_000_000, 256, 512
Found = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What one child made of a file: words of refusal, or what it found. 0 s and 0 MiB where no child was started."""

    refused: str | None
    found: Found
    seconds: float  # of the processor's time
    peak_mib: int


@dataclass
class Meter:
    """What the last child of this process has taken."""

    seconds: float = 0.0
    peak_mib: int = 0

    @classmethod
    def in_place(cls) -> "Meter":
        """One that is told of every child of this process from now on."""
        meter = cls()
        os.waitpid = meter.waitpid  # by which `subprocess` awaits its children
        return meter

    def waitpid(self, pid: int, options: int) -> tuple[int, int]:
        """As os.waitpid."""
        ended, status, used = os.wait4(pid, options)
        if ended:
            self.seconds, self.peak_mib = used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
        return ended, status

    def verdict(self, look: Callable[[], Found]) -> Verdict:
        """What comes of it. Whatever is no refusal of an image is raised."""
        self.seconds, self.peak_mib = 0.0, 0
        try:
            found = look()
        except (TooLargeError, UnreadableImageError, UnsupportedTypeError) as error:
            return Verdict(str(error), {}, self.seconds, self.peak_mib)
        return Verdict(None, found, self.seconds, self.peak_mib)
