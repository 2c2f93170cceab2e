"""What was asked of the fakes, in order, and which of it is to fail: before its effect, or after (a lost answer)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Steps:
    """A step is named "part.call", such as "objects.put". `taken` holds those that had their effect, in order."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self._failures: dict[tuple[str, bool], list[BaseException]] = {}
        self._down: dict[str, Exception] = {}
        self._between: dict[str, Callable[[], None]] = {}
        self.gate: Callable[[], None] = lambda: None  # passed before every step; may wait for its turn

    def fail(self, step: str, error: BaseException, *, after: bool = False) -> None:
        """The next such step raises the error, before its effect or after it."""
        self._failures.setdefault((step, after), []).append(error)

    def stop(self, part: str, error: Exception) -> None:
        """Every step of the part raises the error, before its effect, until it is started again."""
        self._down[part] = error

    def start(self, part: str) -> None:
        """The part works again."""
        del self._down[part]

    def forget(self) -> None:
        """Failures that were not met yet will not come."""
        self._failures.clear()

    def before(self, step: str, act: Callable[[], None]) -> None:
        """Runs `act` once, just before the next such step."""
        self._between[step] = act

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Around the effect of a step."""
        self.gate()
        act = self._between.pop(name, None)
        if act is not None:
            act()
        error = self._down.get(name.split(".")[0])
        if error is not None:
            raise error
        self._raise_if_due(name, after=False)
        yield
        self.taken.append(name)
        self._raise_if_due(name, after=True)

    def _raise_if_due(self, name: str, *, after: bool) -> None:
        due = self._failures.get((name, after))
        if due:
            raise due.pop(0)
