"""What a change to another number of nodes would move, before it is done. Pure."""

from chalicelib.domain.assignments import assigned, moves
from chalicelib.domain.fleet import FleetMap
from chalicelib.services.fleet_views import Preview


def previewed(fleet_map: FleetMap, nodes: int, assignment: str) -> Preview:
    """The change from the map to so many nodes, at least one, in that kind of assignment.

    As the scaler does it: nodes join behind the others, and the last ones leave.
    """
    serving = [node.id for node in fleet_map.nodes]
    joining = [f"new-{number}" for number in range(1, nodes - len(serving) + 1)]
    names = [*serving[:nodes], *joining]
    before = tuple(None if node is None else node.id for node in fleet_map.owners)
    after = tuple(names[index] for index in assigned(assignment, before if serving else (), names))
    return Preview(
        nodes=nodes,
        assignment=assignment,
        before=before,
        after=after,
        moves=moves(before, after),
        joining=tuple(joining),
        leaving=tuple(serving[nodes:]),
    )
