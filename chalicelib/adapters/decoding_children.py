"""Run a module of ours in a child process that decodes a stranger's image and can be killed.

Decoders are written in C and are fed by strangers: a crash, a loop or a flood of memory must end a child, not a server.
`subprocess` is used because it needs no shared memory, which Lambda does not have.
"""

import importlib.util
import logging
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chalicelib.domain.errors import OverloadedError, UnavailableError, UnreadableImageError

_log = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[2]  # where `chalicelib` is imported from
_PROGRAM = "import sys; sys.path += sys.argv[1:3]; from {module} import main; main(sys.argv[3:])"
_FROM_ENVIRONMENT = ("LD_LIBRARY_PATH",)  # on Lambda the interpreter's own library is found by it
# Left to itself, glibc comes to keep freed pieces of up to 32 MiB, in case they are wanted again.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(8 << 20), "MALLOC_TRIM_THRESHOLD_": str(16 << 20)}

_ENDED_FROM_OUTSIDE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # no fault of the image
_LOGGED_BYTES = 2000

WALL_FACTOR = 2

Child = subprocess.CompletedProcess[bytes]


class DecodingChildren:
    """Runs `main` of one module in child processes, at most `max_children` at a time in this process.

    A caller waits up to `wait_seconds` for its turn. A child has `time_limit_seconds` of the processor's time and
    `memory_bytes` of address space, the interpreter's included. An image that needs more time is refused for good; one
    whose child was not given that much within WALL_FACTOR times as long is not: the machine is busy.
    """

    def __init__(
        self, module: str, time_limit_seconds: float, memory_bytes: int, max_children: int, wait_seconds: float
    ) -> None:
        self._program = _PROGRAM.format(module=module)
        self._time_limit_seconds = time_limit_seconds
        self._memory_bytes = memory_bytes
        self._wait_seconds = wait_seconds
        self._turns = threading.BoundedSemaphore(max_children)
        self._environment = {name: os.environ[name] for name in _FROM_ENVIRONMENT if name in os.environ} | _MALLOC
        self._paths = (str(_ROOT), _pillow_folder())

    def run(self, data: bytes, *arguments: str) -> Child:
        """A child that was given `data`, and the arguments with memory in bytes and whole seconds behind them.

        It ended with status 0. Raises UnreadableImageError when it broke down or needed too long, OverloadedError when
        no child could be had or it was not given its time, and UnavailableError when it did not work.
        """
        with self._turn():
            child = self._ended(data, arguments)
        if child.returncode > 0 or -child.returncode in _ENDED_FROM_OUTSIDE:
            raise not_working(child)
        if child.returncode == -signal.SIGXCPU:
            raise UnreadableImageError("The image takes too long to be read.")
        if child.returncode < 0:
            _log.warning("an image ended its decoder with signal %d", -child.returncode)
            raise UnreadableImageError("The image is damaged: its decoder broke down on it.")
        return child

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._wait_seconds):
            raise OverloadedError("Too many images are being read at this moment; try again shortly.")
        try:
            yield
        finally:
            self._turns.release()

    def _ended(self, data: bytes, arguments: tuple[str, ...]) -> Child:
        limits = (str(self._memory_bytes), str(math.ceil(self._time_limit_seconds)))
        try:
            # -I and -S: neither the environment nor start-up files decide what the child runs, and it starts sooner.
            return subprocess.run(
                [sys.executable, "-I", "-S", "-c", self._program, *self._paths, *arguments, *limits],
                input=data,
                capture_output=True,
                timeout=WALL_FACTOR * self._time_limit_seconds,
                env=self._environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OverloadedError("The image could not be read in time; try again shortly.") from error
        except OSError as error:  # no process or no memory to be had
            raise OverloadedError("The image cannot be read at this moment; try again shortly.") from error


def not_working(child: Child) -> UnavailableError:
    """The error for a child whose end or answer is no fault of the image; its last words go to the log."""
    last_words = (child.stdout + child.stderr)[-_LOGGED_BYTES:].decode(errors="replace")
    _log.error("the process that reads images ended with %d: %r", child.returncode, last_words)
    return UnavailableError("The image cannot be read at this moment; try again later.")


def _pillow_folder() -> str:
    """The folder that holds Pillow, found without importing it. Raises ImportError."""
    spec = importlib.util.find_spec("PIL")
    if spec is None or spec.origin is None:
        raise ImportError("Pillow is not installed.")
    return str(Path(spec.origin).parents[1])
