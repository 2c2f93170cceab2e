"""Actors that run one at a time, switched at every step of the fakes in an order drawn from a seed."""

import random
import threading
from collections.abc import Callable, Sequence

_PATIENCE_SECONDS = 60.0

Pick = Callable[[list[int]], int]
"""Given the actors that can go on, by number, the one that does."""


class Interleaving:
    """Runs actors to their ends. Between two calls of `gate` an actor runs alone; at a gate any other may go on."""

    def __init__(self, source: random.Random, pick: Pick | None = None) -> None:
        self._source = source
        self._pick = pick
        self._turns: dict[int, threading.Semaphore] = {}  # by thread
        self._back = threading.Semaphore(0)
        self._errors: list[BaseException] = []

    def gate(self) -> None:
        """Gives the turn back and waits for the next one. Does nothing for whoever is no actor."""
        turn = self._turns.get(threading.get_ident())
        if turn is not None:
            self._back.release()
            assert turn.acquire(timeout=_PATIENCE_SECONDS)

    def run(self, actors: Sequence[Callable[[], None]]) -> None:
        """Raises what the first actor that failed raised."""
        threads = [threading.Thread(target=self._act, args=(actor,), daemon=True) for actor in actors]
        for thread in threads:
            thread.start()
            assert self._back.acquire(timeout=_PATIENCE_SECONDS)  # it stands at its first gate
        # Some are far slower than others, so that what is late may be very late.
        weights = {thread: self._source.choice((0.01, 0.2, 1.0)) for thread in threads}
        while alive := [thread for thread in threads if thread.ident in self._turns]:
            if self._pick is not None:
                chosen = threads[self._pick([threads.index(thread) for thread in alive])]
            else:
                (chosen,) = self._source.choices(alive, [weights[thread] for thread in alive])
            assert chosen.ident is not None
            self._turns[chosen.ident].release()
            assert self._back.acquire(timeout=_PATIENCE_SECONDS)
        for thread in threads:
            thread.join(_PATIENCE_SECONDS)
        if self._errors:
            raise self._errors[0]

    def _act(self, actor: Callable[[], None]) -> None:
        self._turns[threading.get_ident()] = threading.Semaphore(0)
        try:
            self.gate()
            actor()
        except BaseException as error:  # noqa: BLE001  # told to whoever runs the actors
            self._errors.append(error)
        finally:
            del self._turns[threading.get_ident()]
            self._back.release()
