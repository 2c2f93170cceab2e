"""What a run of the worker writes into an object in parts, and how long it may go on with it.

Such an object is made in stretches: a run writes for some seconds, keeps in a row what the object store has by then,
and owes a job that goes on. So neither memory nor time grows with the object. A run that is killed is run again from
what the row knows; parts stored again take the place of their like.
"""

from dataclasses import dataclass, replace

from chalicelib.domain.errors import PartsLostError
from chalicelib.domain.parted import Parted, PartedObjects
from chalicelib.domain.ports import Clock

MOST_RESTARTS = 5  # of an object whose parts were lost
LEAST_PART_BYTES = 5 << 20  # S3 takes smaller ones only as the last


@dataclass(frozen=True, slots=True)
class StretchLimits:
    """A part has LEAST_PART_BYTES at least. A run of the worker may take 29 s, and what is under way when the
    stretch is over is finished yet. What was done is kept every `save_seconds` at most.
    """

    part_bytes: int = 8 << 20
    stretch_seconds: float = 10.0
    save_seconds: float = 3.0


class PartWriting:
    """One run's bytes on their way. `pending` are those since the last part; `kept` of them a run before has left."""

    def __init__(self, objects: PartedObjects, clock: Clock, limits: StretchLimits, kept: bytes = b"") -> None:
        self.pending = bytearray(kept)
        self._objects, self._clock, self._limits = objects, clock, limits
        self._saved_at = clock.monotonic()
        self._until = self._saved_at + limits.stretch_seconds

    @property
    def is_full(self) -> bool:
        """Whether there is a whole part."""
        return len(self.pending) >= self._limits.part_bytes

    @property
    def is_enough(self) -> bool:
        """Whether what is pending may be a part that others follow."""
        return len(self.pending) >= LEAST_PART_BYTES

    @property
    def is_over(self) -> bool:
        """Whether the following run is to go on."""
        return self._clock.monotonic() >= self._until

    @property
    def is_to_be_saved(self) -> bool:
        """Whether the row was written too long ago."""
        return self._clock.monotonic() >= self._saved_at + self._limits.save_seconds

    def note_saved(self) -> None:
        """The row is written."""
        self._saved_at = self._clock.monotonic()

    def send(self, stored: Parted) -> Parted:
        """Stores what is pending as the next part; the object as it is then. Raises ObjectsUnavailableError."""
        number, data = len(stored.parts) + 1, bytes(self.pending)
        tag = self._objects.put_part(stored.object_key, stored.upload_id, number, data)
        self.pending.clear()
        return replace(stored, parts=(*stored.parts, tag), offset=stored.offset + len(data))

    def end(self, stored: Parted) -> None:
        """Makes the object of its parts, if an earlier run did not. Raises ObjectsUnavailableError."""
        try:
            self._objects.end_parts(stored.object_key, stored.upload_id, stored.parts)
        except PartsLostError:  # S3 may have ended them though its answer was lost, or the run was
            if not self._objects.is_there(stored.object_key):
                raise
