"""What the manager's console tells of the fleet, as plain values. Missing is not zero: what nobody could say is None.

Partitions are counted from 0 here, as everywhere in the code; what people see counts them from 1. Moments are in Unix
seconds, minutes in Unix minutes (seconds divided by 60), rates are fractions of requests.
"""

from dataclasses import dataclass

from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.decisions import Decision
from chalicelib.domain.images import Image
from chalicelib.domain.ports import NodeState
from chalicelib.domain.rates import Rates


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node. `state` is a word of domain/fleet_report.py: launching, serving, leaving, failing or ending.

    `answers` says whether it answered when asked just now; None if it was not asked, as one is not that is only
    launching or ending. `told` is what it said of itself (items, bytes, capacity), `rates` what was counted on it over
    the last minute; each is None if it did not say. `why` says in words why it is not simply serving, else "".
    """

    id: str
    address: str
    state: str
    answers: bool | None
    why: str
    partitions: tuple[int, ...]
    told: NodeState | None
    rates: Rates | None
    joined_at: float | None  # when it was first given keys; None if it has none


@dataclass(frozen=True, slots=True)
class MoveView:
    """A partition whose handoff is under way. Nodes are named by their ids.

    `before` are the nodes it moved from, nearest first. `copies` were made over the last minute; None if its node
    could not be asked.
    """

    partition: int
    before: tuple[str, ...]
    now: str
    copies: int | None


@dataclass(frozen=True, slots=True)
class FleetView:
    """The fleet as it is now. `settings.num_nodes` is the target, which `serving` follows.

    `owners[p]` is the id of the node that serves partition p, None while there is none. `notes` are what an operator
    should know, such as refusals of EC2, or that the scaler has not run.
    """

    settings: CacheSettings
    map_version: int
    serving: int
    nodes: tuple[NodeView, ...]
    owners: tuple[str | None, ...]
    moving: tuple[MoveView, ...]
    moved_at: float  # 0.0: never
    rates: Rates  # over the nodes that serve
    reported_at: float | None  # when the scaler ran last; None: not yet
    reported_run: int | None
    notes: tuple[str, ...]

    @property
    def target(self) -> int:
        """How many nodes the fleet is to have."""
        return self.settings.num_nodes


@dataclass(frozen=True, slots=True)
class Notice:
    """What a page needs to tell of a resize: it compares `nodes` with what it saw before when `version` differs."""

    version: int  # of the fleet map
    nodes: int  # that serve
    moved_at: float  # when partitions moved last; 0.0: never


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a request to one node; `why` says in words why it was not done."""

    node_id: str
    done: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """The settings after a change. `woken`: the scaler was; if not, it follows at its next minute.

    `orders` are what became of telling the nodes, for a change of capacity or policy; the scaler's run tells them
    again.
    """

    settings: CacheSettings
    before: CacheSettings
    woken: bool
    orders: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class MinuteView:
    """One closed minute of the whole fleet; every value is None in a gap, the rates also in a minute of no requests.

    `nodes` are those that reported the minute. `items` and `bytes` are what they held at its end.
    """

    minute: int
    nodes: int | None = None
    requests: int | None = None
    hit_rate: float | None = None
    miss_rate: float | None = None
    items: int | None = None
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """Decisions, newest first. `next_before` is the id to ask the page after this one with; None at the end."""

    decisions: tuple[Decision, ...]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change to `nodes` nodes would do, from the map as it is now.

    Nodes that would have to be launched are named "new-1", "new-2"... in `after` and `joining`. `moves` are the
    partitions whose node would change.
    """

    nodes: int
    assignment: str  # a kind of domain/assignments.py
    before: tuple[str | None, ...]
    after: tuple[str, ...]
    moves: tuple[int, ...]
    joining: tuple[str, ...]
    leaving: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldItem:
    """An image's bytes in a node, or those of its rendition of that `kind`.

    `bytes` are what the item takes there; `used_at` is exact to the minute.
    """

    image: Image
    kind: str | None
    mine: bool  # the image is of whoever asks
    partition: int
    bytes: int
    used_at: float


@dataclass(frozen=True, slots=True)
class ContentsPage:
    """A page of what a node holds, in the order of object keys.

    `next_after` asks for the page after this one; None at the end. `hidden` objects of this page belong to others,
    `removed` ones to no image any more: they are not yet gone. `listed` is how many objects the node named in all, and
    `more` whether it holds more than it was asked to name.
    """

    node_id: str
    address: str
    items: tuple[HeldItem, ...]
    hidden: int
    removed: int
    listed: int
    more: bool
    next_after: str | None


@dataclass(frozen=True, slots=True)
class Cleared:
    """What became of clearing every node."""

    nodes: tuple[Told, ...]
