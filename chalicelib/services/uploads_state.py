"""Whether uploads are taken, kept for two seconds: every page asks. What decides is asked in the upload's own write."""

import threading
from collections.abc import Callable

from chalicelib.domain.admin import BLOCKED, NOTE, UPLOADS, UploadsBlock
from chalicelib.domain.errors import UnavailableError
from chalicelib.domain.ports import SettingsRows

KEPT_SECONDS = 2.0


class KeptUploadsState:
    """UploadsState by the settings. Safe to share between threads."""

    def __init__(self, settings: SettingsRows, monotonic: Callable[[], float]) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept = UploadsBlock()
        self._asked_at: float | None = None

    def now(self) -> UploadsBlock:
        """As it was two seconds ago at most. Never makes a page fail or wait for another's asking."""
        if self._asked_at is not None and self._monotonic() - self._asked_at < KEPT_SECONDS:
            return self._kept
        if not self._lock.acquire(blocking=False):
            return self._kept
        try:
            self._kept = self.read()
        except UnavailableError:
            pass  # the page's own reads say so, if it needs any
        finally:
            self._asked_at = self._monotonic()
            self._lock.release()
        return self._kept

    def read(self) -> UploadsBlock:
        """As it is. Raises RowsUnavailableError."""
        values = self._settings.read(UPLOADS)[1]
        return UploadsBlock(values.get(BLOCKED) is True, str(values.get(NOTE, "")))

    def forget(self) -> None:
        """What is kept is asked for again."""
        self._asked_at = None
