"""EC2 in memory: instances with tags, lists that may lag, room that may run out."""

from collections.abc import Callable, Sequence
from datetime import datetime

from scaler.instances import InstancesUnavailableError, LiveInstance
from tests.fakes.steps import Steps


class MemoryInstances:
    """Instances. `unlisted` are those that the list does not show yet; addresses are never given out twice."""

    def __init__(self, now: Callable[[], datetime], steps: Steps | None = None) -> None:
        self.running: dict[str, LiveInstance] = {}
        self.launched: list[str] = []
        self.unlisted: set[str] = set()
        self.room: int | None = None  # how many more can be had; None: any number
        self.lists_lag = False
        self.down = False  # whether it does not answer at all
        self.unendable: set[str] = set()
        self._now = now
        self._steps = steps or Steps()

    def live(self) -> list[LiveInstance]:
        with self._steps.step("ec2.live"):
            if self.down:
                raise InstancesUnavailableError("EC2 does not answer.")
            return [one for one in self.running.values() if one.id not in self.unlisted]

    def launch(self, intent: bytes, number: int) -> str:
        with self._steps.step("ec2.launch"):
            if self.room is not None:
                if self.room == 0:
                    raise InstancesUnavailableError("There is no room for another instance.")
                self.room -= 1
            count = len(self.launched) + 1
            one = LiveInstance(f"i-{count}", f"10.0.{count // 250}.{count % 250}", self._now(), intent)
            self.launched.append(one.id)
            self.running[one.id] = one
            if self.lists_lag:
                self.unlisted.add(one.id)
            return one.id

    def terminate(self, instance_ids: Sequence[str]) -> None:
        with self._steps.step("ec2.terminate"):
            staying = self.unendable.intersection(instance_ids)
            for instance_id in set(instance_ids) - staying:
                self.running.pop(instance_id, None)
            if staying:
                raise InstancesUnavailableError(f"EC2 did not terminate {', '.join(sorted(staying))}.")
