"""EC2 in memory as it behaves at its worst: lists that lag behind, launches that are refused."""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.errors import UnavailableError
from scaler.instances import LiveInstance

MOST_STALE_LISTS = 3
_FOREVER = 1 << 30


@dataclass(slots=True)
class _Told:
    """An instance, and how many lists from now on still show it as it was before its last change."""

    instance: LiveInstance
    running: bool = True
    stale_lists: int = 0


class LaggingInstances:
    """Instances of the scaler's port. `running` is the truth, which the lists follow. Safe to share between threads."""

    def __init__(self, now: Callable[[], datetime], source: random.Random) -> None:
        self._now = now
        self._source = source
        self._lock = threading.Lock()
        self._all: dict[str, _Told] = {}
        self.lag = False
        self.refused_share = 0.0
        self.hides_launches = False

    @property
    def running(self) -> set[str]:
        """The ids of those that truly run."""
        with self._lock:
            return {told.instance.id for told in self._all.values() if told.running}

    @property
    def addresses(self) -> dict[str, str]:
        """The ids of those that truly run, by address."""
        with self._lock:
            return {told.instance.address: told.instance.id for told in self._all.values() if told.running}

    def live(self) -> list[LiveInstance]:
        with self._lock:
            shown = [told.instance for told in self._all.values() if told.running != (told.stale_lists > 0)]
            for told in self._all.values():
                told.stale_lists = max(0, told.stale_lists - 1)
            return shown

    def launch(self, intent: bytes, number: int) -> str:
        with self._lock:
            if self._source.random() < self.refused_share:
                raise UnavailableError("There is no room for another instance.")
            count = len(self._all) + 1
            one = LiveInstance(f"i-{count}", f"10.{count >> 16}.{count >> 8 & 255}.{count & 255}", self._now(), intent)
            self._all[one.id] = _Told(one, stale_lists=_FOREVER if self.hides_launches else self._stale())
            return one.id

    def show_all(self) -> None:
        """From now on the lists show what there is."""
        with self._lock:
            self.lag, self.hides_launches, self.refused_share = False, False, 0.0
            for told in self._all.values():
                told.stale_lists = 0

    def terminate(self, instance_ids: Sequence[str]) -> None:
        with self._lock:
            for instance_id in instance_ids:
                told = self._all[instance_id]
                if told.running:
                    told.running, told.stale_lists = False, self._stale()

    def _stale(self) -> int:
        return self._source.randrange(MOST_STALE_LISTS + 1) if self.lag else 0
