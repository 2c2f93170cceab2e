"""People who put and get images of a deployed store all the while, and remember what it acknowledged."""

import http.client
import random
import threading
from collections import Counter
from types import TracebackType

from tests import hostile_images
from tests.answer import Answer
from tests.operator.operating import Site


class Load:
    """While the context lasts. `wrong` says what was answered otherwise than it may be; `acknowledged` are the images
    by their keys.
    """

    def __init__(self, site: Site, seed: int, people: int = 2) -> None:
        self.acknowledged: dict[str, bytes] = {}
        self.wrong: list[str] = []
        self.counts: Counter[str] = Counter()
        self._site, self._end, self._lock = site, threading.Event(), threading.Lock()
        self._people = [
            threading.Thread(target=self._go_on, args=(number, random.Random(seed + number)), daemon=True)
            for number in range(people)
        ]

    def __enter__(self) -> "Load":
        for person in self._people:
            person.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        for person in self._people:
            person.join(90)
        assert not any(person.is_alive() for person in self._people)

    @property
    def requests(self) -> int:
        with self._lock:
            return sum(self.counts.values())

    def _go_on(self, number: int, chance: random.Random) -> None:
        mine: dict[str, bytes] = {}
        while not self._end.wait(0.05):
            if not mine or chance.random() < 0.3:
                key = f"load {number} {len(mine)}"
                data = hostile_images.good_png(8 + len(mine) % 60, 8 + number, chance.randrange(1 << 16))
                answer = self._asked("PUT", key, data)
                if answer is not None and self._counted("PUT", key, answer, {200, 201}):
                    mine[key] = data
                    with self._lock:
                        self.acknowledged[key] = data
            else:
                key = chance.choice(list(mine))
                answer = self._asked("GET", key, b"")
                if answer is not None and self._counted("GET", key, answer, {200}) and answer.body != mine[key]:
                    self._say(f"GET {key}: other bytes")

    def _asked(self, method: str, key: str, data: bytes) -> Answer | None:
        try:
            return self._site.put(key, data) if method == "PUT" else self._site.get(key)
        except (OSError, http.client.HTTPException) as error:
            self._say(f"{method} {key}: {error!r}")
            return None

    def _counted(self, method: str, key: str, answer: Answer, good: set[int]) -> bool:
        with self._lock:
            self.counts[f"{method} {answer.status}"] += 1
        may_wait = answer.status == 503 and "retry-after" in answer.headers
        if answer.status not in good and not may_wait:
            self._say(f"{method} {key}: {answer.status} {answer.body[:300]!r}")
        return answer.status in good

    def _say(self, words: str) -> None:
        with self._lock:
            self.wrong.append(words)
