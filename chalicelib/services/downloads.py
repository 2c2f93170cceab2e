"""Downloads as their owner sees them: asked for, made by the worker (`zip_making`), given by a link of five minutes."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.download_ports import DownloadRows
from chalicelib.domain.downloads import LINK_SECONDS, MEDIA_TYPE, Download, What
from chalicelib.domain.errors import UnknownDownloadError
from chalicelib.domain.idempotency import Note
from chalicelib.domain.ports import Objects
from chalicelib.domain.trash import checked_count
from chalicelib.services.sending import Sending


@dataclass(frozen=True, slots=True)
class Downloads:
    """The use cases. Every call may raise RowsUnavailableError or NotSignedInError."""

    rows: DownloadRows
    objects: Objects
    sending: Sending

    def ask(self, principal: Principal, keys: Sequence[bytes], note: Note[Download] | None = None) -> Download:
        """A download of these images, which is made now.

        Raises InvalidValueError, NotFoundError if there is none of them, DownloadsUnderWayError, or by the note
        DoneBeforeError or IdempotencyKeyReusedError.
        """
        checked_count(len(keys), "keys")
        return self._ask(principal, What.SELECTION, keys, note)

    def export(self, principal: Principal, note: Note[Download] | None = None) -> Download:
        """A download of everything, with metadata. Raises as `ask` does."""
        return self._ask(principal, What.EXPORT, (), note)

    def list(self, principal: Principal) -> list[Download]:
        """Those of the last days, newest first."""
        return self.rows.downloads(principal)

    def find(self, principal: Principal, download_id: bytes) -> Download:
        """How far it is. Raises UnknownDownloadError."""
        found = self.rows.download(principal, download_id)
        if found is None:
            raise UnknownDownloadError("There is no such download, or it was asked for so long ago that it is gone.")
        return found

    def link(self, principal: Principal, download_id: bytes, number: int) -> str:
        """An address that gives one of its archives for LINK_SECONDS. Raises UnknownDownloadError."""
        for archive in self.find(principal, download_id).zips:
            if archive.number == number and archive.made_at is not None:
                return self.objects.signed_address(archive.object_key, MEDIA_TYPE, LINK_SECONDS)
        raise UnknownDownloadError("This zip is not made yet, or it is removed: zips are kept for a day.")

    def _ask(self, principal: Principal, what: What, keys: Sequence[bytes], note: Note[Download] | None) -> Download:
        asked = self.rows.ask(principal, secrets.token_bytes(16), what, keys, note)
        self.sending.send([asked.job_id])
        return asked.download
