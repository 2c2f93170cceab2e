"""Actors that run one at a time, switched at every step of the fakes in an order drawn from a seed."""

import _thread
import random
import threading
from collections.abc import Callable, Sequence

_PATIENCE_SECONDS = 60.0

Pick = Callable[[list[int]], int]
"""Given the actors that can go on, by number, the one that does."""


class Interleaving:
    """Runs actors to their ends. Between two calls of `gate` an actor runs alone; at a gate any other may go on.

    Each actor is a thread, and whoever has the turn picks who has the next: an actor that goes on waits for no one.
    """

    def __init__(self, source: random.Random, pick: Pick | None = None) -> None:
        self._source = source
        self._pick = pick
        self._numbers: dict[int, int] = {}  # of the actors that have not ended, by thread
        self._turns: list[threading.Lock] = []  # by actor; held while it is another's turn
        self._weights: list[float] = []
        self._ended = threading.Lock()
        self._errors: list[BaseException] = []

    def gate(self) -> None:
        """Gives the turn back and waits for the next one. Does nothing for whoever is no actor."""
        own = self._numbers.get(threading.get_ident())
        if own is None:
            return
        chosen = self._chosen()
        if chosen != own:
            self._turns[chosen].release()
            assert self._turns[own].acquire(timeout=_PATIENCE_SECONDS)

    def run(self, actors: Sequence[Callable[[], None]]) -> None:
        """Raises what the first actor that failed raised."""
        self._ended.acquire()
        self._turns = [_held() for _ in actors]
        for number, actor in enumerate(actors):
            # Not threading.Thread, whose start waits until the new thread has run: that took half of all the time.
            self._numbers[_thread.start_new_thread(self._act, (number, actor))] = number
        # Some are far slower than others, so that what is late may be very late.
        self._weights = [self._source.choice((0.01, 0.2, 1.0)) for _ in actors]
        self._turns[self._chosen()].release()
        assert self._ended.acquire(timeout=_PATIENCE_SECONDS * len(actors))
        if self._errors:
            raise self._errors[0]

    def _chosen(self) -> int:
        """Whose turn is next."""
        alive = sorted(self._numbers.values())
        if self._pick is not None:
            return self._pick(alive)
        (chosen,) = self._source.choices(alive, [self._weights[number] for number in alive])
        return chosen

    def _act(self, own: int, actor: Callable[[], None]) -> None:
        try:
            assert self._turns[own].acquire(timeout=_PATIENCE_SECONDS)
            actor()
        except BaseException as error:  # noqa: BLE001  # told to whoever runs the actors
            self._errors.append(error)
        finally:
            del self._numbers[threading.get_ident()]
            (self._turns[self._chosen()] if self._numbers else self._ended).release()


def _held() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock
