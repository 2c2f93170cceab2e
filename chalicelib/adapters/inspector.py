"""Learn what an image is by decoding it in a child process that can be killed.

Decoders are written in C and are fed by strangers: a crash, a loop or a flood of memory must end a child, not a server.
`subprocess` is used because it needs no shared memory, which Lambda does not have.
"""

import importlib.util
import json
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

from chalicelib.domain.errors import OverloadedError, UnavailableError, UnreadableImageError, UnsupportedTypeError
from chalicelib.domain.image_limits import check_bytes, check_frames, max_pixels
from chalicelib.domain.images import MAX_FRAMES, ImageFacts
from chalicelib.domain.signatures import claimed_size, media_type_of

_log = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[2]  # where `chalicelib` is imported from
_PROGRAM = (
    "import sys; sys.path += sys.argv[1:3]; from chalicelib.adapters.inspect_child import main; main(sys.argv[3:])"
)
_FROM_ENVIRONMENT = ("LD_LIBRARY_PATH",)  # on Lambda the interpreter's own library is found by it

_MEMORY_BYTES = 640 * 1024 * 1024  # of address space: 512 MiB for the image, the rest for the interpreter
_ENDED_FROM_OUTSIDE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # no fault of the image
_LOGGED_BYTES = 2000


class ChildInspector:
    """Reads images in child processes, at most `max_children` at a time in this process.

    A caller waits up to `wait_seconds` for its turn. A child has `time_limit_seconds` and `memory_bytes` of address
    space, the interpreter's included.
    """

    def __init__(
        self,
        time_limit_seconds: float = 5.0,
        memory_bytes: int = _MEMORY_BYTES,
        max_children: int = 2,
        wait_seconds: float = 10.0,
    ) -> None:
        self._time_limit_seconds = time_limit_seconds
        self._memory_bytes = memory_bytes
        self._wait_seconds = wait_seconds
        self._turns = threading.BoundedSemaphore(max_children)
        self._environment = {name: os.environ[name] for name in _FROM_ENVIRONMENT if name in os.environ}
        self._paths = (str(_ROOT), _pillow_folder())

    def inspect(self, data: bytes) -> ImageFacts:
        """What the bytes are, after every frame was decoded; bytes after the end of the image are allowed.

        Raises UnsupportedTypeError, TooLargeError, UnreadableImageError (damaged, cut short, or beyond a limit on
        scans, time or memory), OverloadedError when no child could be had, and UnavailableError when it did not work.
        """
        if not data:
            raise UnsupportedTypeError("The file is empty.")
        check_bytes(len(data))
        media_type = media_type_of(data)
        if media_type is None:
            raise UnsupportedTypeError(
                "The file is not an image in one of the formats that are kept: JPEG, PNG, GIF, WebP."
            )
        if claim := claimed_size(media_type, data):
            check_frames(media_type, *claim, frames=1)
        with self._turn():
            child = self._decode(media_type, data)
        width, height, frames = _facts(child)
        check_frames(media_type, width, height, frames)
        if not width * height * frames:
            raise UnreadableImageError("The image has no pixels.")
        return ImageFacts(media_type, width, height, frames)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._wait_seconds):
            raise OverloadedError("Too many images are being read at this moment; try again shortly.")
        try:
            yield
        finally:
            self._turns.release()

    def _decode(self, media_type: str, data: bytes) -> subprocess.CompletedProcess[bytes]:
        numbers = (max_pixels(media_type), MAX_FRAMES, self._memory_bytes, math.ceil(self._time_limit_seconds))
        try:
            # -I and -S: neither the environment nor start-up files decide what the child runs, and it starts sooner.
            return subprocess.run(
                [sys.executable, "-I", "-S", "-c", _PROGRAM, *self._paths, media_type, *map(str, numbers)],
                input=data,
                capture_output=True,
                timeout=self._time_limit_seconds,
                env=self._environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UnreadableImageError("The image takes too long to be read.") from error
        except OSError as error:  # no process or no memory to be had
            raise OverloadedError("The image cannot be read at this moment; try again shortly.") from error


def _pillow_folder() -> str:
    """The folder that holds Pillow, found without importing it. Raises ImportError."""
    spec = importlib.util.find_spec("PIL")
    if spec is None or spec.origin is None:
        raise ImportError("Pillow is not installed.")
    return str(Path(spec.origin).parents[1])


def _facts(child: subprocess.CompletedProcess[bytes]) -> tuple[int, int, int]:
    """Width and height in pixels and number of frames, out of the child's answer; raises as `inspect` does."""
    if child.returncode > 0 or -child.returncode in _ENDED_FROM_OUTSIDE:
        raise _unavailable(child)
    if child.returncode < 0:
        _log.warning("an image ended its decoder with signal %d", -child.returncode)
        raise UnreadableImageError("The image is damaged: its decoder broke down on it.")
    try:
        answer = json.loads(child.stdout)
    except ValueError as error:
        raise _unavailable(child) from error
    match answer:
        case {"width": int(width), "height": int(height), "frames": int(frames)}:
            return width, height, frames
        case {"refused": str(why)}:
            raise UnreadableImageError(why)
    raise _unavailable(child)


def _unavailable(child: subprocess.CompletedProcess[bytes]) -> UnavailableError:
    last_words = (child.stdout + child.stderr)[-_LOGGED_BYTES:].decode(errors="replace")
    _log.error("the process that reads images ended with %d: %r", child.returncode, last_words)
    return UnavailableError("The image cannot be read at this moment; try again later.")
