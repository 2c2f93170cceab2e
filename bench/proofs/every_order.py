"""The row decides: 10,000 histories in orders drawn at random, and every order of a small scope to two preemptions.

The checks are those of the unit tests, at full size.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.unit import test_row_decides as at_random
from tests.unit.test_row_decides_exhaustively import every_order

HISTORIES, PREEMPTIONS = 10_000, 2


@dataclass
class RoundResult:
    """What was run. An order that shows old bytes ends the round with an error that names it."""

    histories: int
    shown: int
    from_nodes: int
    orders: int


def run_round(seed: int, say: Callable[[str], None]) -> RoundResult:
    """Raises StaleError or LostError."""
    shown = from_nodes = 0
    for number in range(HISTORIES):
        source = random.Random(f"{seed} {number}")
        world = at_random.World(source, partial(at_random.recording, source=source))
        world.run()
        shown, from_nodes = shown + world.shown, from_nodes + world.from_nodes
    say(f"{HISTORIES} histories, {shown} images shown, {from_nodes} of them by nodes")
    orders = every_order(preemptions=PREEMPTIONS)
    say(f"{orders} orders of the small scope")
    return RoundResult(HISTORIES, shown, from_nodes, orders)
