"""Runs of the scaler at once, and runs that are killed, or sleep and wake, at each of their steps.

Afterwards the fleet must have its size, no instance may be nobody's, and nothing may have shrunk on missing data.
"""

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.proofs.scaler_world import At, KilledError, World
from chalicelib.domain.errors import UnavailableError
from tests.contract.real_parts import MariaDb, state_folder

RUNS_AT_ONCE = 3
ROUNDS = 100
MOST_STEPS = 200
THREAD_SECONDS = 60.0


@dataclass
class RoundResult:
    """What was seen. `wrong` says in words what should not have been."""

    rounds: int = 0
    kills: int = 0
    decisions: int = 0
    shrinks: int = 0
    wrong: list[str] = field(default_factory=list)


def run_round(folder: Path, seed: int, say: Callable[[str], None]) -> RoundResult:
    """Everything at full size, with a database of its own."""
    maria = MariaDb(state_folder(folder))
    try:
        result = RoundResult()
        at_once(maria, seed, ROUNDS, result)
        say(f"seed {seed}: {result.rounds} rounds, {result.decisions} decisions, wrong: {result.wrong}")
        killed_everywhere(maria, seed, result)
        say(f"seed {seed}: {result.kills} kills and sleeps, wrong: {result.wrong}")
        return result
    finally:
        while maria.databases:
            maria.databases.pop().close()
        maria.server.kill()


def at_once(maria: MariaDb, seed: int, rounds: int, result: RoundResult) -> None:
    """Rounds of runs at once, amid whatever trouble the seed gives."""
    world = World(maria, seed)
    world.choose(mode="auto")
    result.wrong += world.quieten()
    for number in range(rounds):
        _trouble(world)
        errors: list[BaseException] = []
        threads = [threading.Thread(target=_run, args=(world, errors), daemon=True) for _ in range(RUNS_AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(THREAD_SECONDS)
        result.wrong += [f"round {number}, seed {seed}: {error!r}" for error in errors]
        result.wrong += [f"round {number}, seed {seed}: {each}" for each in world.quieten()]
        result.rounds += 1
    result.wrong += world.shrinks_on_silence()
    (counts,) = maria.execute("SELECT COUNT(*), COALESCE(SUM(target < nodes_before), 0) FROM decisions")
    result.decisions += int(str(counts[0]))
    result.shrinks += int(str(counts[1]))


def killed_everywhere(maria: MariaDb, seed: int, result: RoundResult, stride: int = 1) -> None:
    """A run that grows, one that shrinks and one that replaces, each ended, or overtaken, at every `stride`-th step."""
    world = World(maria, seed)
    kinds = itertools.product(((2, 4, False), (4, 2, False), (3, 3, True)), (False, True), (False, True), (False, True))
    for (before, target, kill_a_node), overtaken, hidden, after in kinds:
        for step in range(1, MOST_STEPS, stride):
            if not _struck(world, before, target, kill_a_node, Blow(step, overtaken, hidden, after), result):
                break


@dataclass(frozen=True)
class Blow:
    """What happens to a run at one of its steps: it is killed, or sleeps until a later run has ended."""

    step: int
    overtaken: bool
    hidden: bool  # EC2 does not show what was launched before its time is over
    after: bool  # the step's effect


def _struck(world: World, before: int, target: int, kill_a_node: bool, blow: Blow, result: RoundResult) -> bool:
    """Whether the run had so many steps."""

    def die() -> None:
        raise KilledError

    def overtake() -> None:
        world.scaler(lock_lost=True).run()

    world.choose(num_nodes=before)
    what = f"{before} to {target}, {blow}"
    result.wrong += [f"{what}: beforehand {each}" for each in world.quieten()]
    world.choose(num_nodes=target)
    world.instances.hides_launches = blow.hidden
    victims = {world.source.choice(sorted(world.instances.running))} if kill_a_node else set()
    world.instances.terminate(sorted(victims))
    at = At(blow.step, overtake if blow.overtaken else die, after=blow.after)
    with suppress(KilledError, UnavailableError):
        world.scaler(at, lock_lost=blow.overtaken).run()
    running, serving = world.instances.running, {node.id for node in world.fleet_map.nodes}
    if len(running) > max(before, target):
        result.wrong.append(f"{what}: wrong size: {len(running)} instances run")
    if dead := serving - running - victims:
        result.wrong.append(f"{what}: {sorted(dead)} were ended and are in the map")
    if blow.hidden:
        world.much_later()
    result.wrong += [f"{what}: {each}" for each in world.quieten()]
    result.kills += at.reached
    return at.reached


def _run(world: World, errors: list[BaseException]) -> None:
    try:
        world.scaler().run()
    except UnavailableError:
        pass  # a part that does not answer: the next run does it
    except BaseException as error:  # noqa: BLE001  # told to whoever started the thread
        errors.append(error)


def _trouble(world: World) -> None:
    """What a round meets: little traffic that is reported or not, or many things at once."""
    source = world.source
    world.choose(num_nodes=source.randint(2, 8))
    world.quieten()  # so that the minutes to come are decided on a fleet at its target
    serving = [node.id for node in world.fleet_map.nodes]
    but = source.choice(([], [], [], serving[:1], serving))
    if source.random() < 0.5:
        world.measure(1000, 500)
        world.measure(1000, 50, but)
        world.clock.advance(source.choice((0, 120)))  # as a run that was late: it waits no longer for samples
        return
    for _ in range(source.randint(1, 3)):  # minutes; a run may have been late
        world.measure(1000, source.choice((50, 500, 950)), but)
    world.instances.lag = source.random() < 0.5
    world.instances.refused_share = source.choice((0.0, 0.0, 0.5, 1.0))
    world.metrics_down = source.random() < 0.1
    if source.random() < 0.3:
        world.silent.add(source.choice(world.fleet_map.nodes).address)
    if source.random() < 0.3:
        world.instances.terminate([source.choice(serving)])
    if source.random() < 0.3:
        world.choose(num_nodes=source.randint(1, 8))
