"""What the services need of the world, as narrow protocols. Adapters give them; tests give small fakes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.domain.accounts import Owner, Principal
from chalicelib.domain.decisions import Decision
from chalicelib.domain.fleet import FleetMap, Node
from chalicelib.domain.fleet_report import FleetReport
from chalicelib.domain.idempotency import Note
from chalicelib.domain.images import Image, ImageFacts
from chalicelib.domain.jobs import Job
from chalicelib.domain.keys import IfTaken
from chalicelib.domain.renditions import Kind, Rendered, Seen

Precondition = Callable[[Image | None], None]
"""Looks at the image as it is under the write's lock; raises PreconditionError to stop the write."""


class SecretText(Protocol):
    """A text that is kept apart from the settings."""

    def current(self) -> str:
        """As it was read last; read if it never was. Raises UnavailableError."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one SELECT at the primary says: it decides what may be shown."""

    owner: Owner
    map_version: int
    image: Image | None


@dataclass(frozen=True, slots=True)
class Draft:
    """An image about to be written: everything but the time, which the database gives."""

    key: bytes
    object_key: str
    sha256: bytes
    size: int
    facts: ImageFacts
    if_taken: IfTaken = IfTaken.REPLACE


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write: the image as it stands, whether the key is new, and the jobs it made due.

    `duplicate_of` is the key of an image that had the same bytes before; the image's own if no other has. Where both
    are kept, the image may have another key than was asked for; or nothing was `stored`, and `image` is the one that
    had the same bytes.
    """

    image: Image
    created: bool
    jobs: tuple[bytes, ...]
    duplicate_of: bytes | None = None
    stored: bool = True


class ImageRows(Protocol):
    """The rows of images. Every call raises RowsUnavailableError when the database does not answer."""

    def row(self, principal: Principal, key: bytes) -> Row:
        """One autocommitted SELECT by primary key, at the primary; at a replica, noted as stale, while it is down."""

    def row_to_change(self, principal: Principal, key: bytes) -> Row:
        """What `row` says, at the primary only: what a write begins with."""

    def owner(self, principal: Principal) -> Owner: ...

    def page(self, principal: Principal, after: bytes | None, limit: int) -> list[Image]:
        """At most `limit` images whose key sorts behind `after`, in byte order of their keys."""

    def keys(self, principal: Principal) -> list[bytes]: ...

    def by_object_keys(self, object_keys: Sequence[str]) -> list[Image]:
        """The images, of any owner, that these objects belong to, in no order."""

    def announce(self, intent: Job) -> None:
        """Writes the removal that is due should the write that follows never complete."""

    def put(
        self,
        principal: Principal,
        draft: Draft,
        intent_id: bytes,
        precondition: Precondition,
        note: Note[Written] | None = None,
    ) -> Written:
        """Makes the draft the image under its key, in one transaction that also withdraws the intent.

        What is done if the key is taken, the draft says. With a note, the request's answer is kept in it too. Raises
        PreconditionError, RowsUnavailableError when the intent was already acted on, or, by the note, DoneBeforeError
        or IdempotencyKeyReusedError.
        """

    def abandon(self, intent_id: bytes) -> None:
        """Makes the announced removal due now."""

    def delete(
        self, principal: Principal, key: bytes, job_id: bytes, precondition: Precondition
    ) -> tuple[bytes, ...] | None:
        """Removes the row and makes its object's removal due; the due jobs, or None if there is no such image."""

    def delete_all(self, principal: Principal, job_id: bytes) -> tuple[int, tuple[bytes, ...]]:
        """Removes every row of the owner's, the trash too: how many images, and the jobs that remove their objects."""


class JobRows(Protocol):
    """The rows of owed work."""

    def claim(self, job_id: bytes) -> Job | None:
        """The job, marked as begun once more; None if it is done, not yet due, or withdrawn. May be claimed again."""

    def unreferenced(self, object_keys: Sequence[str]) -> set[str]:
        """Those of the object keys that no image names, and that are no rendition of an object that one names.

        A trashed image is one here too.
        """

    def finish(self, job_id: bytes) -> None: ...

    def gather(self, job: Job, alike: str, limit: int, merged: Callable[[Sequence[str]], str]) -> Job | None:
        """Ends at most `limit` due jobs of the job's kind whose bodies begin with `alike`, which this one does too.

        `merged` makes one body of several. None if the job is not there: another may have gathered it.
        """

    def mark_sent(self, job_ids: Sequence[bytes]) -> None: ...

    def due(self, limit: int) -> list[bytes]:
        """Jobs that are due and were never sent, or were sent so long ago that the message must be lost."""


class SettingsRows(Protocol):
    """Settings by name, each stored as plain values with a version."""

    def read(self, name: str) -> tuple[int, Mapping[str, object]]:
        """Version and values; (0, {}) if nothing was ever stored."""

    def write(self, name: str, expected_version: int, values: Mapping[str, object]) -> bool:
        """Stores the values if the version still is what was expected."""


class FleetMaps(Protocol):
    """Where the fleet map is kept: one row, published by compare-and-set."""

    def current(self) -> FleetMap: ...

    def at(self, version: int) -> FleetMap:
        """The map of that version or a newer one, from memory if this process has it."""

    def publish(self, fleet_map: FleetMap) -> bool:
        """Stores the map if the stored version is the one before it."""


class DecisionRows(Protocol):
    """The log of decisions on the fleet's size."""

    def latest(self, limit: int, before_id: int | None = None) -> list[Decision]:
        """The newest decisions, newest first; those older than `before_id` if it is given."""

    def since(self, minute: int) -> list[Decision]:
        """The decisions on minutes from that one on, oldest first; changes by hand are not among them."""

    def change_by_hand(self, decision: Decision, settings_version: int, settings: Mapping[str, object]) -> bool:
        """Stores the cache settings if their version still is that one, and the decision, in one transaction."""

    def note(self, decision: Decision) -> None:
        """Adds to the log what a person did that changes no setting."""


class FleetReports(Protocol):
    """What the scaler's last run saw."""

    def last(self) -> FleetReport | None: ...


class ScalerWaker(Protocol):
    """Makes the scaler run at once in place of at its next minute."""

    def wake(self) -> None:
        """Raises QueueUnavailableError; the next minute comes anyhow."""


class Objects(Protocol):
    """Immutable bytes under keys that are never used again. Raises ObjectsUnavailableError."""

    def put(self, object_key: str, data: bytes, media_type: str) -> None: ...

    def get(self, object_key: str) -> bytes | None:
        """The bytes, or None if there is no such object."""

    def remove(self, object_keys: Sequence[str]) -> None:
        """Removes the objects that are there; at most 1000."""

    def signed_address(self, object_key: str, media_type: str, seconds: int) -> str: ...


class ImageAddresses(Protocol):
    """Where whoever holds an address gets an image's bytes for some seconds: at the object store, or at the CDN."""

    def signed_address(self, object_key: str, media_type: str, seconds: int) -> str:
        """Raises UnavailableError."""


class Lease(Protocol):
    """The right to fill one missing value; ended by exactly one of the two calls, neither of which raises."""

    def fill(self, value: bytes | bytearray, names: Sequence[str], at: datetime) -> None:
        """Stores the value, after what `count` does, in one trip."""

    def release(self) -> None: ...


@dataclass(frozen=True, slots=True)
class NodeState:
    """What a node tells of itself. Bytes count what items take, headers included; evictions since it started."""

    items: int
    bytes: int
    capacity_bytes: int
    evictions: int
    connections: int
    uptime_seconds: int
    version: str


@dataclass(frozen=True, slots=True)
class CachedItem:
    """An object that a node holds. `used_at` is when it was last read or stored, in Unix seconds, to the minute."""

    object_key: str
    bytes: int
    used_at: float


@dataclass(frozen=True, slots=True)
class NodeOrders:
    """What every node's agent is to keep to. `policy` is "LRU" or "RR"."""

    capacity_bytes: int
    policy: str


class NodeCache(Protocol):
    """One memcached node. Every call but those of a lease raises NodeError when the node is not to be had."""

    def get(self, wire_key: bytes) -> bytes | bytearray | None: ...

    def get_counted(self, wire_key: bytes, names: Sequence[str], at: datetime) -> bytes | bytearray | None:
        """What `get` answers, after what `count` does, in one trip."""

    def lease(self, wire_key: bytes) -> Lease | None:
        """A lease if the value is missing and nobody else holds one."""

    def remove(self, wire_keys: Iterable[bytes]) -> None: ...

    def count(self, names: Iterable[str], at: datetime) -> None:
        """Adds one to each named count of the node for the time slot that `at` lies in."""

    def counts(self, names: Sequence[str], slots: Sequence[int]) -> dict[str, int]:
        """The sum of each named count over the slots."""


class NodeCaches(Protocol):
    """The caches of the fleet's nodes, by node id."""

    def of(self, node: Node) -> NodeCache: ...


class NodeAdmin(Protocol):
    """One node, as an operator and the scaler see it. Calls raise NodeError when the node is not to be had."""

    def answers(self) -> bool:
        """Whether the node takes a value and gives it back; False, and no error, if it is not to be had."""

    def delay_seconds(self) -> float | None:
        """The quickest of a few round trips; None if the node is not to be had."""

    def is_ready(self) -> bool:
        """Whether it answers, and its own agent says that it is the instance of that id, and not another's process."""

    def state(self) -> NodeState:
        """How full the node is and what it has done since it started."""

    def items(self, limit: int) -> tuple[list[CachedItem], bool]:
        """At most `limit` of the objects that the node holds, and whether there are more."""

    def clear(self) -> None:
        """Removes every object and every page, and no count."""

    def remove_of(self, owner_id: bytes) -> int:
        """Removes everything whose key names the owner; how much there was."""

    def tell(self, orders: NodeOrders) -> None:
        """Leaves orders for the node's agent, which follows them within seconds."""


class NodeAdmins(Protocol):
    """The nodes, as an operator and the scaler see them."""

    def of(self, node: Node) -> NodeAdmin: ...


class Inspector(Protocol):
    """Reads what bytes are, without trusting them."""

    def inspect(self, data: bytes) -> ImageFacts:
        """Raises UnsupportedTypeError, TooLargeError, UnreadableImageError or OverloadedError."""


class Renderer(Protocol):
    """Makes renditions of an image, without trusting its bytes."""

    def render(self, data: bytes, media_type: str, kinds: Sequence[Kind]) -> tuple[Seen, list[Rendered]]:
        """What the image shows, and its renditions in the order of `kinds`; the same each time.

        Raises a RequestError (UnsupportedTypeError, TooLargeError, UnreadableImageError) for an image that can never
        be rendered, and UnavailableError (OverloadedError among them) when trying again may help.
        """


class JobQueue(Protocol):
    """Carries the names of jobs to the worker; a message may be lost or come twice."""

    def send(self, job_ids: Sequence[bytes]) -> None:
        """Raises QueueUnavailableError."""


class Clock(Protocol):
    """The time, and waiting."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class Stopwatch(Protocol):
    """Takes the time of the parts of one request, for Server-Timing."""

    def part(self, name: str) -> AbstractContextManager[None]: ...
