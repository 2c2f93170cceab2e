"""What the sweeper decides: what does not belong together, whether it may act, and where a sweep goes on. Pure.

A sweep walks through objects and rows side by side, in the order of object keys, prefix after prefix, and notes what it
suspects. Only when it has seen everything does it act, on each suspect by what is so at that moment, and not at all if
the suspects are too many: what cannot be seen is not what is gone.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from chalicelib.domain.renditions import KINDS

ORIGINALS, RENDITIONS, INCOMING, QUARANTINE = "originals/", "renditions/", "incoming/", "quarantine/"
PREFIXES = (ORIGINALS, RENDITIONS, INCOMING, QUARANTINE)  # nothing else in the bucket is looked at
MARKER = f"{QUARANTINE}last-sweep"  # holds the version of the sweep's row after the last run

SWEEP_SECONDS = 24 * 3600  # from the beginning of one sweep to that of the next
LEAST_AGE_SECONDS = 2 * 3600  # an announced write is given up after one hour
WAIT_SECONDS = 7 * 24 * 3600  # after the database was found to be older than the last sweep
QUARANTINE_DAYS, FINDING_DAYS = 30, 90
MOST_OWED = 1000  # removals that are owed; with more the sweeper waits until they are done
SHARE, FEW = 0.01, 10  # of what was looked at, so much may go; in a small store a few, but at most half
MOST_SUSPECTS = 5000

_OURS = re.compile(r"(originals|renditions|incoming|quarantine)/[0-9A-Za-z/_.-]{1,180}")


class Kind(Enum):
    """What does not belong together."""

    OBJECT = "object"  # that no row names and no job removes
    IMAGE = "image"  # whose object is not there
    RENDITION = "rendition"  # whose object is not there
    PARENTLESS = "parentless"  # a rendition's row whose image is not there, or is another
    STRAY = "stray"  # an object in the quarantine that nothing was noted of
    SWEEP = "sweep"  # the sweep itself: why it stopped


class Outcome(Enum):
    """What became of a finding."""

    SUSPECTED = "suspected"
    QUARANTINED = "quarantined"
    REPAIRED = "repaired"
    LOST = "lost"
    GONE = "gone"  # a loss that is none any more
    REMOVED = "removed"  # from the quarantine, after its time
    STOPPED = "stopped"


class Phase(Enum):
    """How far a sweep is."""

    LOOKING = "looking"
    ACTING = "acting"
    ENDING = "ending"
    DONE = "done"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as the object store lists it."""

    object_key: str
    size: int
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """A row that names an object. `needed`: the object must be there, and not only may."""

    object_key: str
    kind: Kind
    needed: bool
    since: datetime
    owner_id: bytes | None = None
    image_key: bytes | None = None
    parentless: bool = False


@dataclass(frozen=True, slots=True)
class Suspect:
    """What seems not to belong together; owner and key are those of the row, where there is one."""

    kind: Kind
    object_key: str
    owner_id: bytes | None = None
    image_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A suspect, and what became of it, in words for admins."""

    id: int
    suspect: Suspect
    outcome: Outcome
    words: str
    found_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What rows say of an object at one moment: named by one, owed its removal, its original an image's object."""

    named: bool
    owed: bool
    parent: bool


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep under way, or the last one. `after` is the last object key looked at, `acted` the last finding.

    `stopped`: it found too many suspects and touched nothing. An admin who has looked may then have the next one act
    on as many as there are (`next_anyway`, which becomes its `anyway`); the one after that stops again.
    """

    number: int = 0
    phase: Phase = Phase.DONE
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    prefix: str = ""
    after: str = ""
    acted: int = 0
    objects: int = 0  # looked at
    rows: int = 0
    objects_suspected: int = 0
    rows_suspected: int = 0
    uploads_ended: int = 0
    stopped: bool = False
    anyway: bool = False
    next_anyway: bool = False


class Verdict(Enum):
    """What is to become of an object that no row seemed to name."""

    LEAVE = "leave"
    ADOPT = "adopt"  # its row is written, and it is made again
    QUARANTINE = "quarantine"


def is_due(sweep: Sweep, now: datetime) -> bool:
    """Whether the next sweep may begin."""
    if sweep.begun_at is None or (sweep.phase is Phase.DONE and sweep.next_anyway):
        return True
    pause = WAIT_SECONDS if sweep.phase is Phase.WAITING else SWEEP_SECONDS
    return sweep.phase in (Phase.DONE, Phase.WAITING) and now >= sweep.begun_at + timedelta(seconds=pause)


def begun(last: Sweep, now: datetime) -> Sweep:
    """The next sweep."""
    anyway = last.phase is Phase.DONE and last.next_anyway  # not after a restoration: what was allowed was another
    return Sweep(last.number + 1, Phase.LOOKING, now, prefix=PREFIXES[0], after=PREFIXES[0], anyway=anyway)


def may_go_anyway(sweep: Sweep) -> bool:
    """Whether an admin may have the next sweep act on as many suspects as there are."""
    return sweep.phase is Phase.DONE and sweep.stopped


def went_back(sweep: Sweep, version: int, marked: int) -> bool:
    """Whether the object store knows of a later version of the sweep's row than the database.

    Then the database was restored, or another took its place, and rows may be missing that were acknowledged.
    """
    return marked > version and sweep.phase is not Phase.WAITING


def waiting(sweep: Sweep, now: datetime) -> Sweep:
    """What is kept while nothing is swept."""
    return Sweep(sweep.number, Phase.WAITING, now)


def waiting_words(version: int, marked: int) -> str:
    """Why nothing is swept, for admins."""
    return (
        f"The database knows of {version} steps of sweeps and the object store of {marked}: the database was restored, "
        f"or another took its place. Nothing is touched for {WAIT_SECONDS // 86400} days; objects without rows may be "
        "images that the database lost."
    )


def end_of(prefix: str) -> str:
    """What sorts behind every key with that prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def covered_until(prefix: str, objects: Sequence[Listed], objects_cut: bool, rows: Sequence[Named], cut: bool) -> str:
    """Up to which key both are known; `objects_cut` and `cut` say that there may be more of them."""
    until = objects[-1].object_key if objects_cut else end_of(prefix)
    return min(until, rows[-1].object_key) if cut else until


def unnamed_in(objects: Sequence[Listed], rows: Sequence[Named], until: str, now: datetime) -> list[str]:
    """The keys up to `until` of objects that no row names, old enough to be judged and of the kind we make."""
    named = {one.object_key for one in rows}
    latest = now - timedelta(seconds=LEAST_AGE_SECONDS)
    return [
        one.object_key
        for one in objects
        if one.object_key <= until
        and one.object_key not in named
        and one.stored_at <= latest
        and one.object_key != MARKER
        and _OURS.fullmatch(one.object_key)
    ]


def suspects_in(
    objects: Sequence[Listed], rows: Sequence[Named], unnamed: Sequence[str], owed: Collection[str], now: datetime
) -> list[Suspect]:
    """What seems not to belong together among objects and rows of the same stretch of keys."""
    there = {one.object_key for one in objects}
    latest = now - timedelta(seconds=LEAST_AGE_SECONDS)
    found = [
        Suspect(Kind.STRAY if key.startswith(QUARANTINE) else Kind.OBJECT, key) for key in unnamed if key not in owed
    ]
    for row in rows:
        if row.parentless:
            found.append(Suspect(Kind.PARENTLESS, row.object_key, row.owner_id, row.image_key))
        elif row.needed and row.object_key not in there and row.since <= latest:
            found.append(Suspect(row.kind, row.object_key, row.owner_id, row.image_key))
    return found


def advanced(sweep: Sweep, until: str, objects: int, rows: int, found: Sequence[Suspect]) -> Sweep:
    """The sweep once it has looked at so much, up to `until`."""
    of_objects = sum(one.kind is Kind.OBJECT for one in found)
    of_rows = sum(one.kind not in (Kind.OBJECT, Kind.STRAY) for one in found)
    seen = replace(
        sweep,
        after=until,
        objects=sweep.objects + objects,
        rows=sweep.rows + rows,
        objects_suspected=sweep.objects_suspected + of_objects,
        rows_suspected=sweep.rows_suspected + of_rows,
    )
    if until != end_of(sweep.prefix):
        return seen
    place = PREFIXES.index(sweep.prefix) + 1
    if place < len(PREFIXES):
        return replace(seen, prefix=PREFIXES[place], after=PREFIXES[place])
    return replace(seen, phase=Phase.ACTING)


def too_many(sweep: Sweep) -> str | None:
    """Why the sweep stops and touches nothing, in words; None if it may go on.

    While it still looks only a number of suspects stops it that no share would allow. Nothing stops one that an admin
    lets act anyway.
    """
    if sweep.anyway:
        return None
    looking = sweep.phase is Phase.LOOKING
    for suspected, looked_at, what in (
        (sweep.objects_suspected, sweep.objects, "objects have no row"),
        (sweep.rows_suspected, sweep.rows, "rows have no object or no image"),
    ):
        most = MOST_SUSPECTS if looking else _may_go(looked_at)
        if suspected > most:
            return (
                f"Sweep {sweep.number} stopped and touched nothing: {suspected:,} of {looked_at:,} {what}; "
                f"{most:,} may be. Somebody has to look."
            )
    return None


def _may_go(looked_at: int) -> int:
    few = min(FEW, looked_at // 2)
    return min(MOST_SUSPECTS, max(few, int(looked_at * SHARE)))


def verdict(object_key: str, facts: Facts) -> Verdict:
    """What is to become of the object.

    A rendition whose original is an image's could be asked for at any moment, and would get this very key: it is given
    its row, or stays until its image goes if nobody can ask for its kind. Any other object that nothing names can never
    be named again, since no original's key is used twice.
    """
    if facts.named or facts.owed:
        return Verdict.LEAVE
    if object_key.startswith(RENDITIONS) and facts.parent:
        return Verdict.ADOPT if object_key.rpartition("/")[2] in KINDS else Verdict.LEAVE
    return Verdict.QUARANTINE


def quarantine_key(object_key: str) -> str:
    """Where the object is kept while it is in quarantine."""
    return QUARANTINE + object_key


def to_json(sweep: Sweep) -> str:
    """The sweep as text."""
    values = {name: value for name, value in asdict(sweep).items() if value is not False}  # as before there were these
    for name in ("begun_at", "ended_at"):
        values[name] = values[name] and values[name].isoformat()
    return json.dumps({**values, "phase": sweep.phase.value})


def from_json(text: str) -> Sweep:
    """What `to_json` wrote; `{}` is before the first sweep."""
    values: Mapping[str, object] = json.loads(text)
    if not values:
        return Sweep()
    at = {name: _moment(values[name]) for name in ("begun_at", "ended_at")}
    return Sweep(**{**values, **at, "phase": Phase(values["phase"])})  # type: ignore[arg-type]


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
