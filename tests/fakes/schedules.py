"""Every order in which actors can take their steps, up to so many preemptions: depth first, by running them anew.

The idea is from Musuvathi and Qadeer, "Iterative context bounding for systematic testing of multithreaded programs"
(PLDI 2007): most faults of order show with few preemptions. Left out are orders in which actors that could have gone on
are interrupted more often than the bound; an actor that has ended, or stands at its end, costs none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.interleaving import Pick


@dataclass
class _Walk:
    """One order: what is to be picked first, and what was picked at each turn out of what."""

    prefix: list[int]
    picked: list[int] = field(default_factory=list)
    choices: list[list[int]] = field(default_factory=list)
    interrupts: list[int] = field(default_factory=list)  # how many preemptions were spent before each turn
    going: list[bool] = field(default_factory=list)  # whether whoever had the turn before could go on

    def pick(self, alive: list[int]) -> int:
        turn = len(self.picked)
        before = self.picked[-1] if self.picked else None
        going = before in alive
        first = [before] if going and before is not None else []
        choices = first + [one for one in alive if one != before]
        spent = self.interrupts[-1] + (self.going[-1] and self.picked[-1] != self.picked[-2]) if turn > 1 else 0
        chosen = self.prefix[turn] if turn < len(self.prefix) else choices[0]
        self.choices.append(choices)
        self.interrupts.append(spent)
        self.going.append(going)
        self.picked.append(chosen)
        return chosen


def explore(run: Callable[[Pick], None], preemptions: int) -> int:
    """Runs every order within the bound; how many there were. Whatever `run` raises ends it."""
    waiting: list[list[int]] = [[]]
    count = 0
    while waiting:
        walk = _Walk(waiting.pop())
        run(walk.pick)
        count += 1
        for turn in range(len(walk.prefix), len(walk.picked)):
            if walk.interrupts[turn] + walk.going[turn] <= preemptions:
                waiting += [[*walk.picked[:turn], other] for other in walk.choices[turn][1:]]
    return count
