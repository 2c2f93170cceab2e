"""JobQueue and ScalerWaker in memory."""

from collections.abc import Sequence

from tests.fakes.steps import Steps


class MemoryQueue:
    """JobQueue as a list of job ids, oldest first."""

    def __init__(self, steps: Steps | None = None) -> None:
        self.messages: list[bytes] = []
        self._steps = steps or Steps()

    def send(self, job_ids: Sequence[bytes]) -> None:
        with self._steps.step("queue.send"):
            self.messages += job_ids


class MemoryWaker:
    """ScalerWaker that counts how often it woke the scaler."""

    def __init__(self, steps: Steps) -> None:
        self.woken = 0
        self._steps = steps

    def wake(self) -> None:
        with self._steps.step("waker.wake"):
            self.woken += 1
