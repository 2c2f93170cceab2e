"""What the sweeper does about one suspect: it asks the object store and the rows once more, and then acts or forgets.

Before an object goes its copy lies in quarantine. It goes by an owed job as every object does, and that job asks the
rows again: what an image names is never removed, whoever thought so.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain import jobs
from chalicelib.domain.jobs import Removal
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import ImageRows
from chalicelib.domain.sweeping import QUARANTINE_DAYS, Finding, Kind, Verdict, quarantine_key, verdict
from chalicelib.domain.sweeping_ports import SweepActs, SweepRows, SweptObjects
from chalicelib.services.sending import Sending

_KEPT = f"It is kept in quarantine for {QUARANTINE_DAYS} days."


@dataclass(frozen=True, slots=True)
class SweepActing:
    """Acts on findings. Every call may raise RowsUnavailableError or ObjectsUnavailableError; it may be repeated."""

    rows: SweepRows
    acts: SweepActs
    image_rows: ImageRows
    objects: SweptObjects
    sending: Sending

    def act(self, finding: Finding) -> None:
        """Puts right what was found, if it still is so."""
        match finding.suspect.kind:
            case Kind.OBJECT:
                self._object(finding)
            case Kind.PARENTLESS:
                self._parentless(finding)
            case Kind.IMAGE:
                self._without_object(finding, self._image)
            case Kind.RENDITION:
                self._without_object(finding, self._rendition)
            case Kind.STRAY:
                self._stray(finding)
            case Kind.SWEEP:
                raise AssertionError("a sweep is no suspect")

    def expire(self, finding: Finding) -> None:
        """Ends a quarantine whose time is over."""
        words = f"Removed from the quarantine after {QUARANTINE_DAYS} days. {finding.words}"
        self.sending.send(self.acts.expire(finding, words, _new_id()))

    def _object(self, finding: Finding) -> None:
        object_key = finding.suspect.object_key
        # There first, then unnamed: what was announced before it was stored has neither announcement nor row any more.
        there = self.objects.is_there(object_key)
        match verdict(object_key, self.rows.facts(object_key)) if there else Verdict.LEAVE:
            case Verdict.LEAVE:
                self.acts.forget(finding)
            case Verdict.ADOPT:
                words = "A rendition had no row: it has one now, and is made again."
                self.sending.send(self.acts.adopt(finding, words, _new_id()))
            case Verdict.QUARANTINE:
                self._quarantine(finding, f"No row names this object. {_KEPT}")

    def _parentless(self, finding: Finding) -> None:
        if not self.acts.is_named(finding):
            self.acts.forget(finding)
            return
        self._quarantine(finding, f"A rendition's image was not there, or was another; its row is removed. {_KEPT}")

    def _quarantine(self, finding: Finding, words: str) -> None:
        object_key = finding.suspect.object_key
        copied = self.objects.copy(object_key, quarantine_key(object_key))
        if not copied and finding.suspect.kind is Kind.OBJECT:  # removed meanwhile
            self.acts.forget(finding)
            return
        words = words if copied else words.replace(_KEPT, "There were no bytes.")
        self.sending.send(self.acts.quarantine(finding, words, _new_id(), copied))

    def _without_object(self, finding: Finding, mend: Callable[[Finding], None]) -> None:
        # Named, not there, and (in the act's transaction) still named: bytes are stored before their row, and removed
        # after it, so they are missing.
        if self.acts.is_named(finding) and not self.objects.is_there(finding.suspect.object_key):
            mend(finding)
        else:
            self.acts.forget(finding)

    def _rendition(self, finding: Finding) -> None:
        words = "A rendition's bytes were not there: it is made again."
        self.sending.send(self.acts.remake(finding, words, _new_id()))

    def _image(self, finding: Finding) -> None:
        suspect = finding.suspect
        if suspect.owner_id is None or suspect.image_key is None:
            raise AssertionError("an image's row has an owner and a key")
        removal = Removal(suspect.owner_id, suspect.object_key, partition_of(suspect.image_key))
        intent = jobs.removal_job(_new_id(), [removal])  # should the image be deleted while its bytes come back
        kept = self.objects.is_there(quarantine_key(suspect.object_key))
        self.image_rows.announce(intent)
        if kept and self.objects.copy(quarantine_key(suspect.object_key), suspect.object_key):
            words = "An image's bytes were not there: they are back from the quarantine."
        elif self.objects.revive(suspect.object_key):
            words = "An image's bytes were not there: they are back from an older version of the object."
        else:
            self.image_rows.abandon(intent.id)
            self.acts.lost(finding, "An image's bytes are not there and nothing holds a copy. Its row is kept.")
            return
        self.sending.send(self.acts.restored(finding, intent.id, words, _new_id()))

    def _stray(self, finding: Finding) -> None:
        if self.objects.is_there(finding.suspect.object_key):
            self.acts.note_stray(finding, f"Found in quarantine without a note of why. {_KEPT}")
        else:
            self.acts.forget(finding)


def _new_id() -> bytes:
    return secrets.token_bytes(16)
