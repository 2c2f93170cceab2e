"""How far the making of a dump is, and what a run of the worker keeps of it. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.domain.admin import Dump
from chalicelib.domain.jobs import Job
from chalicelib.domain.parted import Parted, parted_of, plain_of

MEDIA_TYPE = "application/gzip"
NOT_ONE_MOMENT = (
    "Rows are as they were when their stretch began, which the line before them tells; what changed between two "
    "stretches may be there twice, as it was and as it is, or not at all."
)

Row = tuple[str, Mapping[str, object]]
"""A table's name and one row of it, by column, as plain values for JSON."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows; those that follow are behind `place`, which only the rows' own port can read."""

    rows: Sequence[Row]
    place: str


@dataclass(frozen=True, slots=True)
class DumpSoFar:
    """Where the making of a dump goes on: behind the place of the last row that it has ("" for none).

    `rest` are the bytes behind the last part. Once it is whole, every byte is stored: the parts have only to be ended.
    """

    place: str = ""
    counted: Mapping[str, int] = field(default_factory=dict)  # rows, by table
    stored: Parted | None = None
    rest: bytes = b""
    stretches: int = 0
    restarts: int = 0
    is_whole: bool = False

    @property
    def rows(self) -> int:
        """How many there are in it."""
        return sum(self.counted.values())

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.rest) + (self.stored.offset if self.stored else 0)


@dataclass(frozen=True, slots=True)
class DumpStretch:
    """One run of the worker at a dump. `turn` fences it: of two at once, the later one's word counts."""

    dump: Dump
    turn: int
    left_seconds: float  # until the dump's object is removed
    so_far: DumpSoFar


@dataclass(frozen=True, slots=True)
class SavedDump:
    """What a stretch has come to. `done_job` is ended with it, and `following` becomes due.

    A dump that is ready or has failed (`why`) is told in the audit log by the same.
    """

    so_far: DumpSoFar
    is_ready: bool = False
    why: str | None = None
    done_job: bytes | None = None
    following: Job | None = None


def head_of(dump: Dump, environment: str) -> dict[str, object]:
    """A dump's first line: what it is."""
    return {
        "dump": dump.id.hex(),
        "environment": environment,
        "asked_at": dump.asked_at.isoformat(),
        "note": NOT_ONE_MOMENT,
    }


def stretch_line(number: int, at: datetime) -> dict[str, object]:
    """What stands before the rows of a stretch."""
    return {"stretch": number, "at": at.isoformat()}


def text_of(so_far: DumpSoFar) -> str:
    """All but the rest, to be kept in a row."""
    body = {
        "place": so_far.place,
        "counted": dict(so_far.counted),
        "stored": plain_of(so_far.stored) if so_far.stored else None,
        "stretches": so_far.stretches,
        "restarts": so_far.restarts,
        "is_whole": so_far.is_whole,
    }
    return json.dumps(body)


def so_far_of(text: str | None, rest: bytes | None) -> DumpSoFar:
    """What `text_of` kept, with the rest; None is a dump that is not begun."""
    if text is None:
        return DumpSoFar()
    body = json.loads(text)
    return DumpSoFar(
        place=body["place"],
        counted=body["counted"],
        stored=parted_of(body["stored"]) if body["stored"] else None,
        rest=rest or b"",
        stretches=body["stretches"],
        restarts=body["restarts"],
        is_whole=body["is_whole"],
    )
