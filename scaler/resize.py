"""The next fleet map on the way to the target, and when a handoff is over: pure.

A node that is gone keeps its place in the map until another instance answers and takes it, so that the keys of the
other partitions stay where they are. A node that is to be replaced while it still answers hands its partitions over.
"""

from collections.abc import Collection, Sequence

from chalicelib.domain.assignments import assigned
from chalicelib.domain.decisions import MINUTE_SECONDS, Sample
from chalicelib.domain.fleet import FleetMap, Node, moved

CEILING_SECONDS = 1800.0
SAVED_OF_MISSES, SAVED_OF_REQUESTS = 0.02, 0.001
LEAST_REQUESTS = 500  # fewer tell nothing: one cached hit in the night is no sign that all was copied


def next_map(
    current: FleetMap,
    spares: Sequence[Node],
    target: int,
    kind: str,
    at: float,
    gone: Collection[str] = frozenset(),
    replaced: Collection[str] = frozenset(),
) -> FleetMap:
    """The map nearest to `target` nodes that the spares allow; `current` itself if nothing is to change.

    `spares` are nodes that answer and serve nothing; one that is leaving comes back first, for it is warm. `gone`
    nodes are not there any more, `replaced` ones are, but shall not serve: both keep their place until a spare has it.
    """
    warm = [node for node in spares if node in current.leaving]
    free = warm + [node for node in spares if node not in warm]
    ending = set(gone) | set(replaced)
    nodes = [free.pop(0) if node.id in ending and free else node for node in current.nodes]
    nodes += free[: max(0, target - len(nodes))]
    surplus = len(nodes) - target
    if surplus > 0:
        leave = [node for node in nodes if node.id in ending][:surplus]
        leave += [node for node in reversed(nodes) if node not in leave][: surplus - len(leave)]
        nodes = [node for node in nodes if node not in leave]
    return moved(current, nodes, assigned(kind, current.owners, nodes), at, gone)


def handoff_over(
    fleet_map: FleetMap, samples: Sequence[Sample], failing: Collection[str], now: float, ceiling_seconds: float
) -> str | None:
    """Why the handoff that is under way may end, in words; None while it still saves something, or nobody can tell.

    Judged by the newest whole minutes since partitions moved that every serving node reported, as many as it takes to
    see enough requests. While a serving node fails nobody can tell: it may be the one that copies.
    """
    if not fleet_map.previous:
        return None
    if now >= fleet_map.moved_at + ceiling_seconds:
        return f"it took {ceiling_seconds / 60:g} minutes, which is its ceiling"
    serving = {node.id for node in fleet_map.nodes}
    if serving & set(failing):
        return None
    requests = copies = misses = 0
    minutes = sorted({one.minute for one in samples if one.minute * MINUTE_SECONDS >= fleet_map.moved_at}, reverse=True)
    for minute in minutes:
        reported = [one for one in samples if one.minute == minute and one.node_id in serving]
        if {one.node_id for one in reported} != serving:
            continue
        requests += sum(one.requests for one in reported)
        copies += sum(one.copies for one in reported)
        misses += sum(one.misses for one in reported)
        if requests < LEAST_REQUESTS:
            continue
        if saves_nothing(requests, misses, copies):
            return f"{copies} copies save nothing beside {misses} origin reads of {requests} requests"
        return None
    return None


def saves_nothing(requests: int, misses: int, copies: int) -> bool:
    """Whether so many copies in a minute are so few that ending the handoff will not be noticed."""
    return copies <= max(SAVED_OF_MISSES * misses, SAVED_OF_REQUESTS * requests)
