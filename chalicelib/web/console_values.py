"""What the manager's console shows of the fleet, as plain values for templates. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.decisions import Sample
from chalicelib.domain.renditions import KINDS
from chalicelib.services.fleet_views import ContentsPage, FleetView, MinuteView, MoveView, NodeView, Preview
from chalicelib.services.replica_status import Lag, ReplicaView
from chalicelib.web.charts import bytes_in_words, clock_of
from chalicelib.web.page_values import NODE_COLOURS, rate_in_words

STATES = {
    "launching": "Launching",
    "serving": "Serving",
    "leaving": "Leaving",
    "failing": "Failing",
    "ending": "Ending",
}


@dataclass(frozen=True, slots=True)
class ShownNode:
    """A node as the console tells it. `number` counts serving nodes from 1, and is None for the others."""

    id: str
    name: str
    colour: int  # of the style sheet; 0 for nodes that serve nothing
    address: str
    state: str
    state_words: str
    health: str
    partitions: tuple[int, ...]  # from 1
    memory: str | None
    memory_percent: int | None
    items: str | None
    hit_rate: str | None
    requests: str | None
    has_contents: bool  # whether it can be asked what it holds


@dataclass(frozen=True, slots=True)
class Names:
    """How people name nodes: the serving ones by number, others by id."""

    numbers: dict[str, int]

    def name(self, node_id: str) -> str:
        """Such as “Node 2”."""
        return f"Node {self.numbers[node_id]}" if node_id in self.numbers else node_id

    def colour(self, node_id: str | None) -> int:
        """The style sheet's colour of the node."""
        number = self.numbers.get(node_id or "")
        return 0 if number is None else (number - 1) % NODE_COLOURS + 1


@dataclass(frozen=True, slots=True)
class Cell:
    """A partition, from 1, as it is drawn. `from_node` is where it moves, or would move, from."""

    partition: int
    node: str
    colour: int
    from_node: str | None = None
    moves: bool = False


@dataclass(frozen=True, slots=True)
class ShownMove:
    """One partition of a handoff under way."""

    partition: int
    before: str
    now: str
    colour: int
    copies: str


def names_of(view: FleetView) -> Names:
    """Numbers for the nodes that serve, in the map's order, which is that of the views."""
    serving = [node.id for node in view.nodes if node.joined_at is not None or node.partitions][: view.serving]
    return Names({node_id: number for number, node_id in enumerate(serving, 1)})


def shown_node(node: NodeView, names: Names) -> ShownNode:
    """The node as the console tells it."""
    told, rates = node.told, node.rates
    capacity = told.capacity_bytes if told else 0
    return ShownNode(
        id=node.id,
        name=names.name(node.id),
        colour=names.colour(node.id),
        address=node.address,
        state=node.state,
        state_words=STATES.get(node.state, node.state.capitalize()),
        health=node.why or ("It answers." if node.answers else "It was not asked."),
        partitions=tuple(partition + 1 for partition in node.partitions),
        memory=f"{bytes_in_words(told.bytes)} of {bytes_in_words(capacity)}" if told else None,
        memory_percent=min(100, round(100 * told.bytes / capacity)) if told and capacity else None,
        items=f"{told.items:,}" if told else None,
        hit_rate=rate_in_words(rates.hit) if rates else None,
        requests=f"{rates.requests:,}" if rates else None,
        has_contents=node.answers is True,
    )


def cells(view: FleetView, names: Names) -> list[Cell]:
    """The 16 partitions with their owners; empty while no node serves."""
    moving = {move.partition: move for move in view.moving}
    return [
        Cell(
            partition + 1,
            names.name(owner),
            names.colour(owner),
            names.name(moving[partition].before[0]) if partition in moving else None,
            partition in moving,
        )
        for partition, owner in enumerate(view.owners)
        if owner is not None
    ]


def preview_cells(preview: Preview, names: Names) -> list[Cell]:
    """The 16 partitions as they would be."""
    moved = set(preview.moves)
    joining = {node_id: len(names.numbers) + number for number, node_id in enumerate(preview.joining, 1)}
    future = Names({**names.numbers, **joining})
    return [
        Cell(
            partition + 1,
            future.name(owner),
            future.colour(owner),
            names.name(before) if before is not None and partition in moved else None,
            partition in moved,
        )
        for partition, (before, owner) in enumerate(zip(preview.before, preview.after, strict=True))
    ]


def preview_in_words(preview: Preview, serving: int, names: Names) -> str:
    """What the change would do, in one or two sentences."""
    if preview.nodes == serving:
        if not preview.moves:
            return f"{_nodes(serving)} serve already: nothing would move."
        return f"{_nodes(serving)} serve already; the {preview.assignment} assignment moves {len(preview.moves)} of 16."
    moved = f"{len(preview.moves)} of {len(preview.after)} partitions would move"
    if preview.joining:
        who = f"{_nodes(len(preview.joining))} would be launched"
    else:
        who = f"{', '.join(map(names.name, preview.leaving))} would be drained, then terminated"
    return f"From {serving} to {_nodes(preview.nodes)}: {moved}, and {who}."


def shown_move(move: MoveView, names: Names) -> ShownMove:
    """The partition's progress."""
    copies = "not known: its node does not answer" if move.copies is None else f"{move.copies:,}"
    return ShownMove(
        move.partition + 1,
        ", ".join(map(names.name, move.before)),
        names.name(move.now),
        names.colour(move.now),
        copies,
    )


def minute_rows(history: Sequence[MinuteView]) -> list[list[str]]:
    """The history as a table, newest first; a value that nobody reported is a dash."""

    def told(value: float | None, words: str) -> str:
        return "–" if value is None else words

    return [
        [
            clock_of(one.minute),
            told(one.nodes, f"{one.nodes}"),
            told(one.requests, f"{one.requests or 0:,}"),
            rate_in_words(one.hit_rate) or "–",
            rate_in_words(one.miss_rate) or "–",
            told(one.items, f"{one.items or 0:,}"),
            told(one.bytes, bytes_in_words(one.bytes or 0)),
        ]
        for one in reversed(history)
    ]


def sample_rows(samples: Sequence[Sample], names: Names) -> list[list[str]]:
    """A decision's samples as a table, one row for each node."""
    return [
        [
            names.name(sample.node_id),
            f"{sample.requests:,}",
            f"{sample.hits:,}",
            f"{sample.misses:,}",
            rate_in_words(sample.misses / sample.requests) or "–" if sample.requests else "–",
            f"{sample.copies:,}",
            f"{sample.oversize:,}",
            f"{sample.evictions:,}",
            f"{sample.items:,}",
            f"{bytes_in_words(sample.bytes)} of {bytes_in_words(sample.capacity_bytes)}",
        ]
        for sample in samples
    ]


def contents_notes(contents: ContentsPage) -> list[str]:
    """What the list of a node's contents leaves out, in words."""
    notes = []
    if contents.hidden:
        notes.append(f"{contents.hidden} more here belong to others.")
    if contents.removed:
        notes.append(f"{contents.removed} more here belong to images that are gone or in the trash.")
    if contents.more:
        notes.append(f"The node holds more; it named {contents.listed:,}.")
    return notes


def replica_in_words(view: ReplicaView) -> str | None:
    """Such as “The replica is at most 40 seconds behind and gave 90% of the lists.”; None without a replica."""
    if not view.configured:
        return None
    lag = "The replica's lag is not known" if view.lag is None else f"The replica is {_lag_in_words(view.lag)}"
    share = rate_in_words(view.serving_reads)
    return f"{lag}." if share is None else f"{lag}; of the lists that this process gave, {share} came from it."


def _lag_in_words(lag: Lag) -> str:
    if lag.at_least > 0:
        return f"{lag.at_least:.0f} to {lag.at_most:.0f} s behind"
    return f"at most {lag.at_most:.0f} s behind"


def part_of_image(kind: str | None) -> str:
    """What of an image an object is: such as “Thumbnail”, of no kind of rendition “Original”."""
    if kind is None:
        return "Original"
    return KINDS[kind].caption if kind in KINDS else kind


def ago(seconds: float) -> str:
    """Such as “40 seconds ago”."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    count = max(0, int(seconds))
    return f"{count} second{'' if count == 1 else 's'} ago"


def _nodes(count: int) -> str:
    return f"{count} node{'' if count == 1 else 's'}"
