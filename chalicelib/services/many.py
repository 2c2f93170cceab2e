"""Changes to many images at once: tags, and deleting without the trash. Each is one transaction."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.idempotency import Note
from chalicelib.domain.tags import tag_of
from chalicelib.domain.trash import checked_count
from chalicelib.domain.trash_ports import Gone, ManyRows, Refused
from chalicelib.services.renditions import MOST_TAGS
from chalicelib.services.sending import Sending


@dataclass(frozen=True, slots=True)
class Many:
    """The use cases. Every call may raise RowsUnavailableError, NotSignedInError or InvalidValueError.

    At most MOST_AT_ONCE images at once: InvalidValueError. With a note, DoneBeforeError and IdempotencyKeyReusedError.
    """

    rows: ManyRows
    sending: Sending

    def delete(self, principal: Principal, keys: Sequence[bytes], note: Note[Gone] | None = None) -> Gone:
        """Deletes these images at once and for ever."""
        checked_count(len(keys), "keys")
        gone = self.rows.delete(principal, keys, secrets.token_bytes(16), note)
        self.sending.send(gone.jobs)
        return gone

    def add_tag(
        self, principal: Principal, keys: Sequence[bytes], text: str, note: Note[Mapping[bytes, Refused]] | None = None
    ) -> Mapping[bytes, Refused]:
        """Puts a tag on these images; which were refused, and why."""
        checked_count(len(keys), "keys")
        return self.rows.add_tag(principal, keys, tag_of(text), MOST_TAGS, note)

    def remove_tag(
        self, principal: Principal, keys: Sequence[bytes], text: str, note: Note[Mapping[bytes, Refused]] | None = None
    ) -> Mapping[bytes, Refused]:
        """Takes a tag off these images; which were refused, and why."""
        checked_count(len(keys), "keys")
        return self.rows.remove_tag(principal, keys, tag_of(text), note)
