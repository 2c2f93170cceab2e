"""Waiting for conditions in a single-threaded process that must hear signals and the deaths of its children at once."""

import os
import selectors
import signal
import time
from collections.abc import Callable, Mapping
from types import FrameType

from ops.local.errors import ChildEndedError, StopRequestedError

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """Turns the stop signals into one lasting flag and a readable descriptor. Make it once, in the main thread."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in STOP_SIGNALS:
            signal.signal(number, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        try:
            os.write(self._write, b"!")
        except BlockingIOError:
            return  # full of notes already

    def wait(self, timeout_seconds: float | None, descriptors: Mapping[int, str]) -> list[str]:
        """The names whose descriptor became readable in time. Raises StopRequestedError once a signal has come."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._read, selectors.EVENT_READ, None)
            for descriptor, name in descriptors.items():
                selector.register(descriptor, selectors.EVENT_READ, name)
            ready = [key.data for key, _ in selector.select(timeout_seconds)]
        if None in ready:  # the note stays unread, so that the next wait raises too
            raise StopRequestedError
        return ready

    def wait_until(
        self,
        condition: Callable[[], bool],
        *,
        timeout_seconds: float,
        poll_seconds: float,
        children: Mapping[int, str],
    ) -> None:
        """Ask until the condition holds. Raises ChildEndedError if one of the children (pidfd to name) ends before,
        TimeoutError if the time does.
        """
        deadline = time.monotonic() + timeout_seconds
        while not condition():
            ended = self.wait(poll_seconds, children)
            if ended:
                raise ChildEndedError(ended[0])
            if time.monotonic() > deadline:
                raise TimeoutError
