"""Which instances to launch and which to terminate, so that the fleet comes to its target: pure.

Only what no map names is terminated. An instance whose launch nobody has written down is nobody's, and is ended.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chalicelib.domain.fleet import FleetMap
from chalicelib.domain.launches import Launch
from scaler.instances import LiveInstance

# How long a launch may stay invisible: EC2's lists lag behind its answers.
UNSEEN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do now. `forget` are launches that led, or will lead, to no instance any more."""

    launch: int
    terminate: tuple[str, ...]
    forget: tuple[bytes, ...]


def steps(
    fleet_map: FleetMap,
    live: Sequence[LiveInstance],
    launches: Sequence[Launch],
    target: int,
    gone: Collection[str] = frozenset(),
    replaced: Collection[str] = frozenset(),
) -> Steps:
    """What is to be done so that `target` nodes can serve.

    `gone` are ids that do not answer and had their time, `replaced` those that answer and shall not serve.
    """
    known = {launch.intent for launch in launches}
    seen = {one.intent for one in live}
    named = {node.id for node in fleet_map.named}
    # What the map names has its place, whatever became of the row of its launch.
    ours = [one for one in live if one.intent in known or one.id in named]
    serving = {node.id for node in fleet_map.nodes}
    able = [one for one in ours if one.id not in gone and one.id not in replaced]
    leaving = [one for one in able if one.id in named and one.id not in serving]
    spares = [one for one in able if one.id not in named]
    coming = unseen(live, launches)
    have = len([one for one in able if one.id in serving])
    wanting = max(0, target - have)  # places that no able node has
    back = min(len(leaving), wanting)
    surplus = [one.id for one in spares][max(0, wanting - back) :]
    nobodys = [one.id for one in live if one.intent not in known and one.id not in named]
    unable = [one.id for one in ours if (one.id in gone or one.id in replaced) and one.id not in named]
    return Steps(
        launch=max(0, wanting - back - len(spares) - len(coming)),
        terminate=(*nobodys, *unable, *surplus),
        forget=tuple(one.intent for one in launches if one.intent not in seen and one.age_seconds >= UNSEEN_SECONDS),
    )


def unseen(live: Sequence[LiveInstance], launches: Sequence[Launch]) -> list[Launch]:
    """The launches whose instances EC2 does not show yet, but may still."""
    seen = {one.intent for one in live}
    return [one for one in launches if one.intent not in seen and one.age_seconds < UNSEEN_SECONDS]
